package org.transhume.control.command;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.transhume.control.display.JsonText;
import org.transhume.control.display.Units;
import org.transhume.control.image.Merge;
import picocli.CommandLine;

/** {@code merge}: two halves of a guest whose postcopy was given up, put together. */
@CommandLine.Command(
        name = "merge",
        description = {
            "Put the two halves of a guest together that --salvage saved when a postcopy was given up.",
            "The guest must run nowhere any more. What comes out is as receive would have written it: send takes it."
        },
        mixinStandardHelpOptions = true)
public final class MergeCommand implements Callable<Integer> {
    @CommandLine.Parameters(index = "0", paramLabel = "SRC", description = "The source's half.")
    private Path source;

    @CommandLine.Parameters(index = "1", paramLabel = "DST", description = "The destination's half.")
    private Path destination;

    @CommandLine.Parameters(index = "2", paramLabel = "OUT", description = "Where the guest goes: a new directory.")
    private Path out;

    @CommandLine.Option(
            names = "--same-migration",
            description =
                    "Take two halves for those of one migration that do not say it themselves (without x-handover).")
    private boolean sameMigration;

    @CommandLine.Option(names = "--json", description = "Print the report as JSON.")
    private boolean json;

    @CommandLine.Spec
    private CommandLine.Model.CommandSpec spec;

    @Override
    public Integer call() throws IOException {
        Merge.Report report = new Merge(source, destination, sameMigration).write(out);
        PrintWriter stdout = spec.commandLine().getOut();
        if (json) {
            stdout.println(JsonText.of(report));
        } else {
            stdout.printf("guest of machine '%s' put together in %s%n", report.machine(), report.directory());
            stdout.printf(
                    "  RAM         %s: %d pages of the destination, %d of the source%n",
                    Units.bytes(report.ramBytes()), report.destinationPages(), report.sourcePages());
            stdout.printf("  devices     as the %s had them%n", report.devicesFrom());
        }
        stdout.flush();
        if (report.devicesFrom().equals("source")) {
            spec.commandLine()
                    .getErr()
                    .println("transhume: warning: the destination's half has no device state; it is that of the switch,"
                            + " which does not fit if the guest ran since");
        }
        return CommandLine.ExitCode.OK;
    }
}
