package org.transhume.control.command;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import org.transhume.control.display.PackingText;
import org.transhume.control.display.ReportText;
import org.transhume.control.guest.MigrationControl;
import org.transhume.control.guest.RunState;
import org.transhume.control.process.GuestProcess;
import org.transhume.control.settings.Profile;
import org.transhume.control.settings.Settings;
import org.transhume.engine.guest.SyntheticGuest;
import org.transhume.engine.guest.WorkloadSpec;
import org.transhume.engine.incoming.IncomingReport;
import org.transhume.memory.Access;
import org.transhume.memory.DirtySources;
import org.transhume.memory.GuestMemory;
import org.transhume.memory.RamBlock;
import picocli.CommandLine;

/** {@code guest}: a process with one guest and a QMP socket; to a script it behaves as a QEMU would. */
@CommandLine.Command(
        name = "guest",
        description = "Run one guest whose threads write its RAM, with a QMP socket; to a script it is a QEMU process.",
        mixinStandardHelpOptions = true)
public final class GuestCommand implements Callable<Integer> {
    private static final String DEFER = "defer";

    @CommandLine.Option(
            names = "--ram",
            paramLabel = "SIZE",
            defaultValue = "256M",
            converter = SizeConverter.class,
            description = "RAM, a multiple of 4 KiB (default: ${DEFAULT-VALUE}).")
    private long ram;

    @CommandLine.Option(
            names = "--ram-file",
            paramLabel = "PATH",
            description = "Map this file, shared, as the guest's RAM.")
    private Path ramFile;

    /** What the guest's RAM is made of. */
    enum Memory {
        PRIVATE,
        SHARED
    }

    @CommandLine.Option(
            names = "--memory",
            paramLabel = "private|shared",
            defaultValue = "private",
            description = "RAM of this process alone, which is faster, or a memfd that others can map"
                    + " (default: ${DEFAULT-VALUE}).")
    private Memory memory;

    @CommandLine.Option(
            names = "--workload",
            paramLabel = "SPEC",
            defaultValue = "idle",
            converter = WorkloadConverter.class,
            description = "idle, uniform:rate=20000,ws=1G, hot:..., sweep:..., random-bytes:..., sparse-words:...")
    private WorkloadSpec workload;

    @CommandLine.Option(names = "--qmp", paramLabel = "URI", description = "Answer QMP at unix:PATH or tcp:HOST:PORT.")
    private String qmp;

    @CommandLine.Option(
            names = "--incoming",
            paramLabel = "URI|defer",
            description = "Wait for a guest to arrive at this URI, or for migrate-incoming to say where.")
    private String incoming;

    @CommandLine.Option(names = "--paused", description = "Do not run before cont.")
    private boolean paused;

    @CommandLine.Option(
            names = "--machine",
            paramLabel = "NAME",
            defaultValue = SyntheticGuest.MACHINE,
            description = "Versioned machine name; it decides the stream's dialect (default: ${DEFAULT-VALUE}).")
    private String machine;

    @CommandLine.Option(
            names = "--uuid",
            paramLabel = "UUID",
            description = "UUID of the guest, which capability validate-uuid and page channels tell the other side.")
    private UUID uuid;

    @CommandLine.Option(
            names = "--dirty-source",
            paramLabel = "NAME",
            description = "How written pages are found: uffd-wp or marks (default: the best that works).")
    private String dirtySource;

    @CommandLine.Option(
            names = "--profile",
            paramLabel = "PROFILE",
            completionCandidates = Completions.Profiles.class,
            defaultValue = "10.0",
            converter = ProfileConverter.class,
            description = "Names and behaviour of which QEMU: 10.0 (default) or 3.1.")
    private Profile profile;

    @CommandLine.Option(
            names = "--domain",
            paramLabel = "NAME",
            description = "Make the guest a domain of the host that --host opens.")
    private String domain;

    @CommandLine.Option(
            names = "--host",
            paramLabel = "URI",
            description = "Open a domain service at tcp:HOST:PORT or unix:PATH, for transhume domain.")
    private String host;

    @CommandLine.Option(names = "--salvage", paramLabel = "DIR", description = Salvage.OPTION)
    private Path salvage;

    @CommandLine.Mixin
    private WaitOptions waits;

    @CommandLine.Spec
    private CommandLine.Model.CommandSpec spec;

    @Override
    public Integer call() throws IOException {
        checkHost();
        Settings settings = new Settings(profile);
        try (SyntheticGuest guest = guest();
                GuestProcess process = process(guest, settings);
                GuestHost domains = new GuestHost(process)) {
            process.showCounters();
            PrintWriter stdout = spec.commandLine().getOut();
            PrintWriter stderr = spec.commandLine().getErr();
            process.control().waits(waits.limits());
            Salvage rest = Salvage.of(process, salvage, Termination.of(spec));
            process.control().reportTo((report, latched) -> ReportText.print(report, PackingText.of(latched), stderr));
            if (incoming == null) {
                guest.fill();
                if (!paused) {
                    process.runtime().cont();
                }
            } else if (paused) {
                process.runtime().stayPaused();
            }
            // Both listen before either is announced: a script may use the one as soon as it reads of the other.
            List<String> ready = new ArrayList<>();
            if (qmp != null) {
                ready.add(process.serve(qmp));
            }
            if (incoming != null && !incoming.equals(DEFER)) {
                ready.add(process.control().listen(incoming, true).uri());
            }
            if (host != null) {
                ready.add(domains.open(host, Optional.ofNullable(domain)));
            }
            ready.forEach(uri -> stdout.println("ready " + uri));
            stdout.flush();
            process.control().rehearse();
            return live(process, rest);
        }
    }

    private void checkHost() {
        boolean leaves = domain != null;
        boolean arrives = DEFER.equals(incoming);
        boolean wrong = host == null ? leaves : leaves == arrives || (leaves && incoming != null);
        if (wrong) {
            throw new CommandLine.ParameterException(
                    spec.commandLine(), "expected --domain NAME --host URI, or --incoming defer --host URI");
        }
    }

    private RamBlock block() {
        if (ramFile != null) {
            return RamBlock.file(SyntheticGuest.BLOCK, ramFile, ram, Access.SHARED);
        }
        RamBlock block = switch (memory) {
            case PRIVATE -> RamBlock.anonymous(SyntheticGuest.BLOCK, ram);
            case SHARED -> RamBlock.memfd(SyntheticGuest.BLOCK, ram);
        };
        block.mayBeHuge(incoming == null); // else when all of it has come
        return block;
    }

    private SyntheticGuest guest() {
        GuestMemory memory = new GuestMemory(List.of(block()));
        try {
            return new SyntheticGuest(
                    machine,
                    memory,
                    dirtySource == null ? DirtySources.best(memory) : DirtySources.named(dirtySource, memory),
                    workload,
                    ramFile == null,
                    uuid);
        } catch (RuntimeException e) {
            memory.close();
            throw e;
        }
    }

    private GuestProcess process(SyntheticGuest guest, Settings settings) {
        MigrationControl.Incoming mode =
                incoming == null ? MigrationControl.Incoming.NONE : MigrationControl.Incoming.DEFERRED;
        RunState initial = incoming == null ? RunState.PRELAUNCH : RunState.INMIGRATE;
        return new GuestProcess(guest, guest::ranAtSource, initial, settings, mode);
    }

    /** Until somebody says quit, or a guest could not be loaded. */
    private static int live(GuestProcess process, Salvage rest) throws IOException {
        CompletableFuture<IncomingReport> failed = process.control()
                .incomingEnd()
                .thenCompose(report -> {
                    boolean ends = !report.outcome().equals("completed")
                            && process.control().exitOnError();
                    return ends ? CompletableFuture.completedFuture(report) : new CompletableFuture<>();
                });
        CompletableFuture.anyOf(process.quit(), failed).join();
        if (failed.isDone()) {
            throw new IOException("load of migration failed: " + failed.join().reason() + rest.told());
        }
        rest.quit();
        return CommandLine.ExitCode.OK;
    }
}
