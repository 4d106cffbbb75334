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
import org.transhume.engine.incoming.IncomingMigration;
import org.transhume.engine.incoming.IncomingReport;
import picocli.CommandLine;

/** {@code receive}: takes one guest from any peer and lays it down in a directory. */
@CommandLine.Command(
        name = "receive",
        description = "Take one incoming migration, from a QEMU or from here, into a directory.",
        mixinStandardHelpOptions = true)
public final class ReceiveCommand implements Callable<Integer> {
    @CommandLine.Option(
            names = "--listen",
            required = true,
            paramLabel = "URI",
            converter = AddressConverter.class,
            description = "tcp:HOST:PORT, unix:PATH, file:PATH, exec:COMMAND or fd:N.")
    private Address listen;

    @CommandLine.Option(names = "--out", required = true, paramLabel = "DIR", description = "Where the guest goes.")
    private Path out;

    @CommandLine.Option(
            names = "--touch",
            paramLabel = "RATE",
            description =
                    "In postcopy, read so many random missing pages a second, so that they are asked for as by a guest"
                            + " that runs.")
    private Integer touch;

    @CommandLine.Option(
            names = "--touch-seed",
            paramLabel = "N",
            defaultValue = "1",
            description = "Says which pages --touch reads (default: ${DEFAULT-VALUE}).")
    private long touchSeed;

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
        GuestImage image = new GuestImage(out);
        image.checkFree();
        Settings settings = options.settings();
        checkTouch(settings);
        String packing = PackingText.of(settings.values());
        try (PassiveGuest guest = touch == null ? new PassiveGuest() : PassiveGuest.touching(touch, touchSeed);
                GuestProcess process = new GuestProcess(
                        guest, () -> false, RunState.INMIGRATE, settings, MigrationControl.Incoming.DEFERRED)) {
            process.showCounters();
            if (settings.values().enabled(Capability.POSTCOPY_RAM)) {
                process.control().rehearse();
            }
            MigrationControl control = process.control();
            control.waits(waits.limits());
            control.listenOn(true);
            Salvage rest = Salvage.of(process, salvage, Termination.of(spec));
            Address address = control.listen(listen.uri(), true);
            if (options.qmp != null) {
                process.serve(options.qmp);
            }
            stdout.println("ready " + address.uri());
            stdout.flush();
            IncomingMigration migration = control.incoming().orElseThrow();
            CompletableFuture<Void> _ = process.quit().thenRun(() -> {
                boolean _ = control.abandonPostcopy(Salvage.WHY);
                migration.abort(Salvage.WHY);
            });
            IncomingReport report = new ProgressLine(spec.commandLine().getErr(), json).await(migration);
            if (!report.outcome().equals("completed")) {
                throw new IOException(report.reason() + rest.told());
            }
            image.write(guest, report);
            if (json) {
                stdout.println(JsonText.of(report, packing));
                stdout.flush();
            } else {
                ReportText.print(report, packing, stdout);
            }
            if (report.descriptionMissing()) {
                spec.commandLine()
                        .getErr()
                        .println("transhume: warning: the stream ended without the description of its devices");
            }
            return CommandLine.ExitCode.OK;
        }
    }

    private void checkTouch(Settings settings) {
        if (touch == null) {
            return;
        }
        if (touch < 1) {
            throw new CommandLine.ParameterException(
                    spec.commandLine(), "--touch %d: expected 1 and more pages a second".formatted(touch));
        }
        options.checkPostcopy("--touch", settings.values());
    }
}
