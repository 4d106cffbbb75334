package org.transhume.control.command;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import org.transhume.control.domain.BeginReply;
import org.transhume.control.domain.DomainId;
import org.transhume.control.domain.HostConnection;
import org.transhume.control.domain.MigrationResult;
import org.transhume.control.domain.error.DomainException;
import org.transhume.control.domain.error.IllegalMigrationException;
import org.transhume.control.domain.error.MigrationAbortedException;
import org.transhume.control.domain.error.UnsupportedCapabilityException;
import org.transhume.control.domain.host.MigrationCoordinator;
import org.transhume.control.domain.spec.MigrationFlag;
import org.transhume.control.domain.spec.MigrationParameter;
import org.transhume.control.domain.spec.MigrationSpec;
import org.transhume.control.domain.spec.TypedParameter;
import org.transhume.control.domain.stats.JobStats;
import org.transhume.control.domain.wire.RemoteHost;
import picocli.CommandLine;

/** {@code domain migrate}: its options are the flags and parameters of a migration, under the names that virsh has for them. */
@CommandLine.Command(
        name = "migrate",
        description = "Migrate a domain to another host.",
        mixinStandardHelpOptions = true,
        modelTransformer = DomainMigrateCommand.Options.class)
final class DomainMigrateCommand implements Callable<Integer> {
    private static final Set<MigrationParameter> FROM_FILES =
            EnumSet.of(MigrationParameter.DESTINATION_XML, MigrationParameter.PERSISTENT_XML);
    private static final long POLL_MILLIS = 500;

    @CommandLine.ParentCommand
    private DomainCommand parent;

    @CommandLine.Option(names = "--verbose", description = "Show how far it is.")
    private boolean verbose;

    @CommandLine.Option(names = "--direct", description = "Not built.")
    private boolean direct;

    @CommandLine.Parameters(index = "0", paramLabel = "DOMAIN", description = "Name of the domain.")
    private String domain;

    @CommandLine.Parameters(
            index = "1",
            paramLabel = "DESTURI",
            description = "Domain service of the other host, tcp:HOST:PORT or unix:PATH.")
    private String destination;

    @CommandLine.Spec
    private CommandLine.Model.CommandSpec spec;

    /** Adds an option for each flag and parameter. */
    static final class Options implements CommandLine.IModelTransformer {
        @Override
        public CommandLine.Model.CommandSpec transform(CommandLine.Model.CommandSpec command) {
            for (MigrationFlag flag : MigrationFlag.values()) {
                command.addOption(option(flag.option(), flag.lacking(), "Flag " + flag + ".")
                        .type(boolean.class)
                        .build());
            }
            for (MigrationParameter parameter : MigrationParameter.values()) {
                var option = option(parameter.option(), parameter.lacking(), about(parameter));
                switch (parameter.kind()) {
                    case TEXT -> option.type(String.class).paramLabel("TEXT");
                    case TEXTS -> option.type(String[].class).splitRegex(",").paramLabel("TEXT");
                    case UNSIGNED -> option.type(Long.class).paramLabel("N");
                    case INT -> option.type(Integer.class).paramLabel("N");
                }
                command.addOption(option.build());
            }
            return command;
        }

        private static String about(MigrationParameter parameter) {
            return FROM_FILES.contains(parameter)
                    ? "File with the value of parameter %s.".formatted(parameter.key())
                    : "Parameter %s.".formatted(parameter.key());
        }

        private static CommandLine.Model.OptionSpec.Builder option(
                String name, Optional<String> lacking, String description) {
            return CommandLine.Model.OptionSpec.builder("--" + name)
                    .description(lacking.map(what -> "Not built: " + what + ".").orElse(description));
        }
    }

    @Override
    public Integer call() throws IOException {
        MigrationSpec wanted = wanted();
        if (direct) {
            throw new UnsupportedCapabilityException("--direct is not built into this version of Transhume");
        }
        wanted.requireBuilt();
        RemoteHost source = parent.host();
        Thread progress = verbose ? Thread.ofVirtual().start(() -> show(source)) : null;
        try (HostConnection here = source.connect()) {
            if (wanted.has(MigrationFlag.PEER2PEER)) {
                ended(here.migrateToUri(domain, destination, wanted));
            } else {
                BeginReply begun = here.begin(domain, wanted);
                Optional<DomainId> _ =
                        new MigrationCoordinator(here, () -> new RemoteHost(destination).connect()).run(begun, wanted);
            }
        } finally {
            if (progress != null) {
                progress.interrupt();
            }
        }
        if (verbose) {
            print("Migration: [100 %]");
        }
        return CommandLine.ExitCode.OK;
    }

    private MigrationSpec wanted() throws IOException {
        CommandLine.ParseResult parsed = spec.commandLine().getParseResult();
        Set<MigrationFlag> flags = EnumSet.noneOf(MigrationFlag.class);
        for (MigrationFlag flag : MigrationFlag.values()) {
            if (parsed.matchedOptionValue("--" + flag.option(), false)) {
                flags.add(flag);
            }
        }
        List<TypedParameter> parameters = new ArrayList<>();
        for (MigrationParameter parameter : MigrationParameter.values()) {
            Object value = parsed.matchedOptionValue("--" + parameter.option(), null);
            switch (value) {
                case null -> {
                    // not given
                }
                case String[] several -> {
                    for (String one : several) {
                        parameters.add(new TypedParameter(parameter.key(), one));
                    }
                }
                case String file
                when FROM_FILES.contains(parameter) ->
                    parameters.add(new TypedParameter(parameter.key(), Files.readString(Path.of(file))));
                default -> parameters.add(new TypedParameter(parameter.key(), value));
            }
        }
        try {
            return MigrationSpec.fromTyped(flags, parameters);
        } catch (IllegalMigrationException e) {
            throw new CommandLine.ParameterException(spec.commandLine(), e.getMessage(), e);
        }
    }

    private static void ended(MigrationResult result) {
        switch (result) {
            case MigrationResult.Completed _ -> {
                // as was asked for
            }
            case MigrationResult.Cancelled _ -> throw new MigrationAbortedException("the migration was cancelled");
            case MigrationResult.Failed failed -> throw failed.cause();
            case MigrationResult.PostCopyBroken broken -> throw broken.cause();
        }
    }

    /** Until it is interrupted. */
    private void show(RemoteHost source) {
        long last = -1;
        try (HostConnection host = source.connect()) {
            while (true) {
                Thread.sleep(POLL_MILLIS);
                long percent =
                        host.jobStats(domain).map(DomainMigrateCommand::percent).orElse(last);
                if (percent != last) {
                    print("Migration: [%3d %%]".formatted(percent));
                }
                last = percent;
            }
        } catch (InterruptedException | DomainException e) {
            // Nothing more to show; what came of the migration is told elsewhere.
        }
    }

    /** Never all, before all has come to its end. */
    private static long percent(JobStats stats) {
        long total = stats.data().total();
        return total == 0 ? 0 : Math.clamp(100 - stats.data().remaining() * 100 / total, 0, 99);
    }

    private void print(String line) {
        PrintWriter err = spec.commandLine().getErr();
        synchronized (err) {
            err.println(line);
            err.flush();
        }
    }
}
