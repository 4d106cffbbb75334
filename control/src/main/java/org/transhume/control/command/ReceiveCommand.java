package org.transhume.control.command;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import org.transhume.channels.Address;
import org.transhume.control.display.JsonText;
import org.transhume.control.display.PackingText;
import org.transhume.control.display.ReportText;
import org.transhume.control.guest.MigrationControl;
import org.transhume.control.guest.RunState;
import org.transhume.control.image.GuestImage;
import org.transhume.control.process.GuestProcess;
import org.transhume.control.settings.Settings;
import org.transhume.engine.guest.PassiveGuest;
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
        String packing = PackingText.of(settings.values());
        try (PassiveGuest guest = new PassiveGuest();
                GuestProcess process = new GuestProcess(
                        guest, () -> false, RunState.INMIGRATE, settings, MigrationControl.Incoming.DEFERRED)) {
            process.showCounters();
            MigrationControl control = process.control();
            control.waits(waits.limits());
            Address address = control.listen(listen.uri(), true);
            if (options.qmp != null) {
                process.serve(options.qmp);
            }
            stdout.println("ready " + address.uri());
            stdout.flush();
            CompletableFuture<Void> _ = process.quit()
                    .thenRun(() -> control.incoming().orElseThrow().abort("the process was told to quit"));
            IncomingReport report =
                    control.incoming().orElseThrow().completion().join();
            if (!report.outcome().equals("completed")) {
                throw new IOException(report.reason());
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
}
