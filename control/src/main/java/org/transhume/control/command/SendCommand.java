package org.transhume.control.command;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import org.transhume.channels.Address;
import org.transhume.control.display.JsonText;
import org.transhume.control.display.PackingText;
import org.transhume.control.display.ProgressLine;
import org.transhume.control.display.ReportText;
import org.transhume.control.guest.MigrationControl;
import org.transhume.control.guest.RunState;
import org.transhume.control.image.GuestImage;
import org.transhume.control.process.GuestProcess;
import org.transhume.control.settings.Capability;
import org.transhume.control.settings.Settings;
import org.transhume.engine.guest.PassiveGuest;
import org.transhume.engine.outgoing.OutgoingReport;
import picocli.CommandLine;

/** {@code send}: a migration out of a directory that {@code receive} made. */
@CommandLine.Command(
        name = "send",
        description = "Migrate a guest out of a directory, to a QEMU or to here.",
        mixinStandardHelpOptions = true)
public final class SendCommand implements Callable<Integer> {
    @CommandLine.Option(names = "--from", required = true, paramLabel = "DIR", description = "Where the guest lies.")
    private Path from;

    @CommandLine.Option(
            names = "--to",
            required = true,
            paramLabel = "URI",
            converter = AddressConverter.class,
            description = "tcp:HOST:PORT, unix:PATH, file:PATH[,offset=N], exec:COMMAND or fd:N.")
    private Address to;

    @CommandLine.Option(
            names = "--postcopy-after",
            paramLabel = "MS",
            description =
                    "Turn to postcopy that long after pages began to move; needs --capability postcopy-ram. After a cut"
                            + " it waits for migrate with resume if there is a QMP socket (--qmp); else it goes on by itself at the"
                            + " same URI, as nobody could tell it to.")
    private Integer postcopyAfter;

    @CommandLine.Option(names = "--salvage", paramLabel = "DIR", description = Salvage.OPTION)
    private Path salvage;

    @CommandLine.Mixin
    private MigrationOptions options;

    @CommandLine.Option(names = "--json", description = "Print the report as JSON.")
    private boolean json;

    @CommandLine.Mixin
    private WaitOptions waits;

    @CommandLine.Spec
    private CommandLine.Model.CommandSpec spec;

    @Override
    public Integer call() throws IOException {
        PrintWriter stdout = spec.commandLine().getOut();
        Settings settings = options.settings();
        if (options.qmp == null) {
            options.checkNobodyHasToContinue(settings.values());
        }
        checkPostcopy(settings);
        try (PassiveGuest guest = new GuestImage(from).read();
                GuestProcess process = new GuestProcess(
                        guest, () -> false, RunState.PAUSED, settings, MigrationControl.Incoming.NONE)) {
            process.showCounters();
            if (settings.values().enabled(Capability.POSTCOPY_RAM)) {
                process.control().rehearse();
            }
            MigrationControl control = process.control();
            control.waits(waits.limits());
            Salvage rest = Salvage.of(process, salvage, Termination.of(spec));
            if (options.qmp != null) {
                stdout.println("ready " + process.serve(options.qmp));
                stdout.flush();
            }
            String packing = PackingText.of(settings.values());
            ProgressLine line = new ProgressLine(spec.commandLine().getErr(), json);
            control.watch(new PostcopyDriver(control, to.uri(), options.qmp, postcopyAfter, line::say));
            CompletableFuture<Void> _ = process.quit().thenRun(() -> {
                if (!control.abandonPostcopy(Salvage.WHY)) {
                    control.cancel();
                }
            });
            OutgoingReport report = line.await(control.migrate(to.uri()));
            if (json) {
                stdout.println(JsonText.of(report, packing));
                stdout.flush();
            } else {
                ReportText.print(report, packing, stdout);
            }
            if (!report.outcome().equals("completed")) {
                throw new IOException(
                        report.reason() == null ? "the migration was cancelled" : report.reason() + rest.told());
            }
            return CommandLine.ExitCode.OK;
        }
    }

    private void checkPostcopy(Settings settings) {
        if (postcopyAfter == null) {
            return;
        }
        if (postcopyAfter < 0) {
            throw new CommandLine.ParameterException(
                    spec.commandLine(),
                    "--postcopy-after %d: expected 0 and more milliseconds".formatted(postcopyAfter));
        }
        options.checkPostcopy("--postcopy-after", settings.values());
    }
}
