package org.transhume.control.command;

import java.io.IOException;
import java.time.Duration;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.transhume.control.display.JobInfoText;
import org.transhume.control.domain.HostConnection;
import org.transhume.control.domain.spec.Bandwidth;
import org.transhume.control.domain.stats.JobStats;
import org.transhume.control.domain.wire.RemoteHost;
import picocli.CommandLine;

/** {@code domain}: migration in the words that a virsh user knows. */
@CommandLine.Command(
        name = "domain",
        description = "Migrate domains between hosts, in the words of virsh.",
        mixinStandardHelpOptions = true,
        subcommands = {
            DomainMigrateCommand.class,
            DomainCommand.JobInfo.class,
            DomainCommand.Abort.class,
            DomainCommand.PostCopy.class,
            DomainCommand.SetSpeed.class,
            DomainCommand.GetSpeed.class,
            DomainCommand.SetMaxDowntime.class,
            DomainCommand.GetMaxDowntime.class
        },
        footer = {"", "A host is a guest process with a domain service: transhume guest --domain NAME --host URI"})
public final class DomainCommand implements Callable<Integer> {
    @CommandLine.Option(
            names = {"-c", "--connect"},
            paramLabel = "URI",
            scope = CommandLine.ScopeType.INHERIT,
            defaultValue = "${env:TRANSHUME_HOST}",
            description = "Domain service of the host, tcp:HOST:PORT or unix:PATH (default: $TRANSHUME_HOST).")
    private String uri;

    @CommandLine.Spec
    private CommandLine.Model.CommandSpec spec;

    @Override
    public Integer call() {
        throw new CommandLine.ParameterException(spec.commandLine(), "missing command, for instance migrate");
    }

    RemoteHost host() {
        if (uri == null || uri.isEmpty()) {
            throw new CommandLine.ParameterException(
                    spec.commandLine(), "which host? Use --connect URI or set TRANSHUME_HOST");
        }
        return new RemoteHost(uri);
    }

    /** What all commands about one domain have in common. */
    abstract static class OfDomain implements Callable<Integer> {
        @CommandLine.ParentCommand
        private DomainCommand parent;

        @CommandLine.Parameters(index = "0", paramLabel = "DOMAIN", description = "Name of the domain.")
        private String domain;

        @CommandLine.Spec
        private CommandLine.Model.CommandSpec spec;

        @Override
        public final Integer call() throws IOException {
            try (HostConnection host = parent.host().connect()) {
                run(host, domain);
                return CommandLine.ExitCode.OK;
            }
        }

        abstract void run(HostConnection host, String name);

        final void print(String line) {
            spec.commandLine().getOut().println(line);
            spec.commandLine().getOut().flush();
        }
    }

    /** {@code domjobinfo}. */
    @CommandLine.Command(
            name = "jobinfo",
            description = "Show the figures of a domain's job.",
            mixinStandardHelpOptions = true)
    static final class JobInfo extends OfDomain {
        @CommandLine.Option(names = "--completed", description = "Of the last job that completed; once.")
        private boolean completed;

        @CommandLine.Option(names = "--keep-completed", description = "With --completed: may be asked for again.")
        private boolean keep;

        @CommandLine.Option(names = "--rawstats", description = "libvirt's keys and units.")
        private boolean raw;

        @Override
        void run(HostConnection host, String name) {
            Optional<JobStats> stats = completed ? host.completedStats(name, keep) : host.jobStats(name);
            if (raw) {
                stats.ifPresent(some -> some.toTyped().forEach((key, value) -> print(key + ": " + value)));
            } else {
                print(JobInfoText.of(stats));
            }
        }
    }

    /** {@code domjobabort}. */
    @CommandLine.Command(name = "abort", description = "Abort a domain's job.", mixinStandardHelpOptions = true)
    static final class Abort extends OfDomain {
        @CommandLine.Option(names = "--postcopy", description = "Interrupt a migration in post-copy.")
        private boolean postCopy;

        @Override
        void run(HostConnection host, String name) {
            host.abort(name, postCopy);
        }
    }

    /** {@code migrate-postcopy}. */
    @CommandLine.Command(
            name = "postcopy",
            description = "Switch a running migration to post-copy.",
            mixinStandardHelpOptions = true)
    static final class PostCopy extends OfDomain {
        @Override
        void run(HostConnection host, String name) {
            host.startPostCopy(name);
        }
    }

    /** {@code migrate-setspeed}. */
    @CommandLine.Command(
            name = "setspeed",
            description = "Cap migrations of a domain, in MiB/s; 0 lifts the cap.",
            mixinStandardHelpOptions = true)
    static final class SetSpeed extends OfDomain {
        @CommandLine.Parameters(index = "1", paramLabel = "MIB", description = "MiB/s.")
        private long bandwidth;

        @CommandLine.Option(names = "--postcopy", description = "The cap in post-copy.")
        private boolean postCopy;

        @Override
        void run(HostConnection host, String name) {
            host.maxSpeed(name, postCopy, new Bandwidth(bandwidth));
        }
    }

    /** {@code migrate-getspeed}. */
    @CommandLine.Command(
            name = "getspeed",
            description = "Print the cap of a domain's migrations, in MiB/s.",
            mixinStandardHelpOptions = true)
    static final class GetSpeed extends OfDomain {
        @CommandLine.Option(names = "--postcopy", description = "The cap in post-copy.")
        private boolean postCopy;

        @Override
        void run(HostConnection host, String name) {
            print(Long.toString(host.maxSpeed(name, postCopy).mebibytes()));
        }
    }

    /** {@code migrate-setmaxdowntime}. */
    @CommandLine.Command(
            name = "setmaxdowntime",
            description = "Set the longest pause of a switchover, in milliseconds.",
            mixinStandardHelpOptions = true)
    static final class SetMaxDowntime extends OfDomain {
        @CommandLine.Parameters(index = "1", paramLabel = "MS", description = "Milliseconds, up to 2000000.")
        private long millis;

        @Override
        void run(HostConnection host, String name) {
            host.maxDowntime(name, Duration.ofMillis(millis));
        }
    }

    /** {@code migrate-getmaxdowntime}. */
    @CommandLine.Command(
            name = "getmaxdowntime",
            description = "Print the longest pause of a switchover, in milliseconds.",
            mixinStandardHelpOptions = true)
    static final class GetMaxDowntime extends OfDomain {
        @Override
        void run(HostConnection host, String name) {
            print(String.format(Locale.ROOT, "%d", host.maxDowntime(name).toMillis()));
        }
    }
}
