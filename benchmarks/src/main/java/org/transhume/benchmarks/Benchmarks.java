package org.transhume.benchmarks;

import org.openjdk.jmh.runner.NoBenchmarksException;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.ChainedOptionsBuilder;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.transhume.benchmarks.adaptive.AdaptiveComparison;
import org.transhume.benchmarks.fleet.Fleet;
import org.transhume.benchmarks.guard.RegressionGuard;
import org.transhume.benchmarks.pauses.Pauses;
import org.transhume.benchmarks.pauses.RealPauses;
import org.transhume.benchmarks.postcopy.PostcopyComparison;
import org.transhume.benchmarks.profile.ProfileCommand;
import org.transhume.benchmarks.scaling.Scaling;
import org.transhume.benchmarks.versus.VersusQemu;
import picocli.CommandLine;

/** {@code bin/transhume bench}: exit status 0 done, 1 a measurement failed or its limits are not met, 2 wrong usage. */
@CommandLine.Command(
        name = "transhume bench",
        description = "Measures what a migration costs, beside a baseline in the same run.",
        mixinStandardHelpOptions = true,
        subcommands = {
            VersusQemu.class,
            PostcopyComparison.class,
            RealPauses.class,
            AdaptiveComparison.class,
            ProfileCommand.class,
            RegressionGuard.class,
            Fleet.class,
            Pauses.class,
            Scaling.class
        },
        footer = {"", "Without one of the commands: the JMH benchmarks."})
public final class Benchmarks implements Runnable {
    private static final int FAILED = 1;

    @CommandLine.Spec
    private CommandLine.Model.CommandSpec spec;

    @CommandLine.Option(
            names = "--allocations",
            description = "Also say what each operation of a JMH benchmark allocates.")
    private boolean allocations;

    @CommandLine.Parameters(
            arity = "0..1",
            paramLabel = "NAME",
            description = "Runs the JMH benchmarks whose name contains NAME; all of them without it.")
    private String name;

    private Benchmarks() {}

    public static void main(String[] arguments) {
        CommandLine line = new CommandLine(new Benchmarks()).setCaseInsensitiveEnumValuesAllowed(true);
        line.setExecutionExceptionHandler((failure, _, _) -> {
            System.err.println("transhume: " + failure.getMessage());
            return FAILED;
        });
        System.exit(line.execute(arguments));
    }

    @Override
    public void run() {
        ChainedOptionsBuilder options = new OptionsBuilder().shouldFailOnError(true);
        if (name != null) {
            options.include(name);
        }
        if (allocations) {
            options.addProfiler("gc");
        }
        try {
            new Runner(options.build()).run();
        } catch (NoBenchmarksException e) {
            throw new CommandLine.ParameterException(
                    spec.commandLine(), "no benchmark's name contains '%s'".formatted(name), e);
        } catch (RunnerException e) {
            throw new IllegalStateException(e.getMessage(), e);
        }
    }
}
