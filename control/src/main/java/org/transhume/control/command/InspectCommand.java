package org.transhume.control.command;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.transhume.control.display.JsonText;
import org.transhume.control.display.Units;
import org.transhume.control.inspect.StreamInspection;
import org.transhume.control.inspect.StreamSummary;
import picocli.CommandLine;

/** {@code inspect}: says what is in a captured stream, and where it is broken. */
@CommandLine.Command(
        name = "inspect",
        description = "Say what is in a captured stream: sections, blocks, pages, devices, and where it is broken.",
        mixinStandardHelpOptions = true)
public final class InspectCommand implements Callable<Integer> {
    private static final int BROKEN = 1;

    @CommandLine.Parameters(
            paramLabel = "FILE|DIR",
            description = "A captured connection, or a directory with one file (*.bin) for each.")
    private Path path;

    @CommandLine.Option(
            names = "--main",
            paramLabel = "FILE",
            description = "The first main stream of a postcopy whose other channels do not list its blocks themselves.")
    private Path main;

    @CommandLine.Option(names = "--json", description = "Print it as JSON: a list with one object for each connection.")
    private boolean json;

    @CommandLine.Spec
    private CommandLine.Model.CommandSpec spec;

    @Override
    public Integer call() throws IOException {
        PrintWriter out = spec.commandLine().getOut();
        List<StreamSummary> summaries = new ArrayList<>();
        StreamInspection inspection = new StreamInspection();
        if (main != null) {
            inspection.of(main);
        }
        for (Path file : files()) {
            summaries.add(inspection.of(file));
        }
        if (json) {
            out.println(JsonText.of(summaries));
        } else {
            summaries.forEach(summary -> print(summary, out));
        }
        out.flush();
        List<String> errors = summaries.stream()
                .map(StreamSummary::error)
                .filter(e -> e != null)
                .toList();
        errors.forEach(e -> spec.commandLine().getErr().println("transhume: " + e));
        return errors.isEmpty() ? CommandLine.ExitCode.OK : BROKEN;
    }

    private List<Path> files() throws IOException {
        if (Files.notExists(path)) {
            throw new NoSuchFileException(path + ": there is no such file or directory");
        }
        if (!Files.isDirectory(path)) {
            return List.of(path);
        }
        try (Stream<Path> files = Files.list(path)) {
            List<Path> streams = files.filter(f -> f.toString().endsWith(".bin") && !f.endsWith("device-state.bin"))
                    .sorted()
                    .toList();
            if (streams.isEmpty()) {
                throw new IOException("%s holds no *.bin file".formatted(path));
            }
            return streams;
        }
    }

    private static void print(StreamSummary summary, PrintWriter out) {
        out.printf("%s: %s, %s%n", summary.file(), summary.channel(), Units.bytes(summary.bytes()));
        if (summary.machine() != null) {
            out.printf(
                    "  machine %s (dialect %s), capabilities %s, commands %s%n",
                    summary.machine(), summary.dialect(), summary.capabilities(), summary.commands());
            out.printf("  %d RAM sections, %d sync marks%n", summary.ramSections(), summary.syncs());
        } else if (!summary.commands().isEmpty()) {
            out.printf("  messages %s%n", summary.commands());
        } else if (summary.channel().startsWith("multifd")) {
            out.printf("  %d syncs%n", summary.syncs());
        }
        for (StreamSummary.Block block : summary.blocks()) {
            out.printf(
                    "  %-28s %10s  %9d pages in full %9d zero %9d in holes %9d deltas %9d compressed%n",
                    block.name(),
                    block.size() < 0 ? "" : Units.bytes(block.size()),
                    block.normal(),
                    block.zero(),
                    block.hole(),
                    block.delta(),
                    block.compressed());
        }
        for (StreamSummary.Device device : summary.devices()) {
            out.printf(
                    "  device %-34s %2d  version %3d  %s%n",
                    device.name(), device.instance(), device.version(), Units.bytes(device.bytes()));
        }
        if (summary.channel().equals("main") && summary.error() == null) {
            out.println(
                    summary.description() < 0
                            ? "  no description of the devices"
                            : "  description of the devices: " + Units.bytes(summary.description()));
        }
        if (summary.error() != null) {
            out.printf("  BROKEN: %s%n", summary.error());
        }
    }
}
