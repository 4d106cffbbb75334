package org.transhume.benchmarks;

import java.io.IOException;
import java.nio.file.Path;
import org.openjdk.jmh.runner.NoBenchmarksException;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.ChainedOptionsBuilder;
import org.openjdk.jmh.runner.options.OptionsBuilder;

/**
 * {@code bin/transhume bench [NAME]}: the JMH benchmarks whose name contains NAME, or all of them; {@code bench adaptive
 * [CONTENT]} compares whole migrations, {@code bench pauses [FILE]} looks at the pauses of real ones.
 */
public final class Benchmarks {
    private static final int FAILED = 1;
    private static final int WRONG_USAGE = 2;
    /** Rounds over all choices: enough for a median. */
    private static final int PAIRS = 7;
    /** Migrations whose pause is looked at. */
    private static final int PAUSES = 32;

    private Benchmarks() {}

    public static void main(String[] arguments) {
        if (arguments.length > 0 && arguments.length < 3 && arguments[0].equals("adaptive")) {
            compareAdaptive(arguments.length == 2 ? arguments[1] : null);
            return;
        }
        if (arguments.length > 0 && arguments.length < 3 && arguments[0].equals("pauses")) {
            recordPauses(arguments.length == 2 ? Path.of(arguments[1]) : null);
            return;
        }
        if (arguments.length > 1 || (arguments.length == 1 && arguments[0].startsWith("-"))) {
            System.err.println("usage: transhume bench [NAME]   runs the benchmarks whose name contains NAME");
            System.exit(WRONG_USAGE);
        }
        ChainedOptionsBuilder options = new OptionsBuilder().shouldFailOnError(true);
        if (arguments.length == 1) {
            options.include(arguments[0]);
        }
        try {
            new Runner(options.build()).run();
        } catch (NoBenchmarksException e) {
            System.err.println("transhume: no benchmark's name contains '%s'".formatted(arguments[0]));
            System.exit(WRONG_USAGE);
        } catch (RunnerException e) {
            System.err.println("transhume: " + e.getMessage());
            System.exit(FAILED);
        }
    }

    private static void recordPauses(Path traces) {
        try {
            RealPauses.run(Integer.getInteger("transhume.runs", PAUSES), traces);
        } catch (IOException e) {
            System.err.println("transhume: " + e.getMessage());
            System.exit(FAILED);
        }
    }

    private static void compareAdaptive(String content) {
        try {
            AdaptiveComparison.run(Integer.getInteger("transhume.pairs", PAIRS), content);
        } catch (IOException | IllegalStateException e) {
            System.err.println("transhume: " + e.getMessage());
            System.exit(FAILED);
        }
    }
}
