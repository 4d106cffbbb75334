package org.transhume.benchmarks.versus;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import org.transhume.benchmarks.qemu.Qemu;
import picocli.CommandLine;

/**
 * {@code bin/transhume bench versus-qemu}: a user asks "how fast is it, what does it cost, and is that better than what I have?"
 * The same work between two QEMUs and between two Transhumes in turn, both in fresh processes, into memory that nobody has
 * touched, over loopback TCP, with the same capabilities and parameters and without a cap.
 */
@CommandLine.Command(
        name = "versus-qemu",
        description =
                "The same migrations between two QEMUs and between two Transhumes, in turn: time, bytes, CPU, memory.",
        mixinStandardHelpOptions = true)
public final class VersusQemu implements Callable<Integer> {
    private static final int LARGEST_SCALE = 64;
    private static final int MISSED = 1;
    private static final long LIMIT_BYTES = 1 << 30;
    private static final String NO_QEMU =
            "no QEMU to compare with, so only Transhume is measured: install one, or say --qemu PATH";

    @CommandLine.Option(
            names = "--qemu",
            paramLabel = "PATH",
            description = "QEMU to compare with (default: that of the environment's QEMU10, or of the search path).")
    private String program;

    @CommandLine.Option(
            names = "--rounds",
            paramLabel = "N",
            description = "Turns of each (default: ${DEFAULT-VALUE}).",
            defaultValue = "3")
    private int rounds;

    @CommandLine.Option(
            names = "--scale",
            paramLabel = "N",
            description = "Divide all sizes by N, up to 64, for a quick look (default: ${DEFAULT-VALUE}).",
            defaultValue = "1")
    private int scale;

    @CommandLine.Option(
            names = "--case",
            paramLabel = "NAME",
            converter = WorkConverter.class,
            completionCandidates = WorkNames.class,
            description = "Only this work, one of ${COMPLETION-CANDIDATES}; may be given again.")
    private List<Work> only = new ArrayList<>();

    @CommandLine.Option(
            names = "--heap",
            paramLabel = "SIZE",
            description = "Largest Java heap of each Transhume (default: ${DEFAULT-VALUE}).",
            defaultValue = "64M")
    private String heap;

    @CommandLine.Option(names = "--json", paramLabel = "FILE", description = "Also write all that was measured here.")
    private Path json;

    @CommandLine.Option(
            names = "--chart",
            paramLabel = "FILE",
            description = "Also draw it, into a file whose name ends in .png or .svg.")
    private Path chart;

    @CommandLine.Option(names = "--check", description = "Exit with status 1 if something asked for was missed.")
    private boolean check;

    @CommandLine.Spec
    private CommandLine.Model.CommandSpec spec;

    @Override
    public Integer call() throws IOException {
        checkRange("--rounds", rounds, 1, 1000);
        checkRange("--scale", scale, 1, LARGEST_SCALE);
        Optional<Qemu> qemu = program == null ? Qemu.find() : Qemu.at(program);
        if (program != null && qemu.isEmpty()) {
            throw new CommandLine.ParameterException(
                    spec.commandLine(), "--qemu=%s: does not start; expected a QEMU".formatted(program));
        }
        if (chart != null && !VersusChart.canWrite(chart)) {
            throw new CommandLine.ParameterException(
                    spec.commandLine(), "--chart=%s: expected a name that ends in .png or .svg".formatted(chart));
        }
        String against = qemu.map(Qemu::version).orElse(NO_QEMU);
        System.out.println(against);
        System.out.printf(
                "Transhume: Java %s, heap of at most %s; medians of %d rounds; CPU is of both processes%n",
                Runtime.version(), heap, rounds);
        System.err.println("the limits of this machine");
        Map<Limit, Spread> limits = Limit.measure(LIMIT_BYTES / scale);
        limits.forEach((limit, rate) -> System.out.printf("%-30s %s GiB/s%n", limit.title(), rate.text("%.2f")));
        Map<String, String> machine = new LinkedHashMap<>();
        machine.put("qemu", against);
        machine.put("java", Runtime.version().toString());
        machine.put("heap", heap);
        machine.put("scale", Integer.toString(scale));
        VersusTable table = new VersusTable(System.out);
        List<Comparison> comparisons = new ArrayList<>();
        Set<Work> works = only.isEmpty() ? EnumSet.allOf(Work.class) : EnumSet.copyOf(only);
        for (Work work : works) {
            Comparison comparison = compare(work, qemu.map(QemuSide::new), new TranshumeSide(heap));
            comparisons.add(comparison);
            table.print(comparison);
            if (json != null) {
                VersusJson.write(json, machine, limits, comparisons); // all so far: the rest may take long
            }
        }
        if (chart != null) {
            VersusChart.write(chart, "Transhume, and " + against, comparisons);
        }
        boolean missed = comparisons.stream().flatMap(c -> c.floors().stream()).anyMatch(floor -> !floor.met());
        return check && missed ? MISSED : CommandLine.ExitCode.OK;
    }

    private void checkRange(String name, int value, int least, int most) {
        if (value < least || value > most) {
            throw new CommandLine.ParameterException(
                    spec.commandLine(), "%s=%d: expected %d to %d".formatted(name, value, least, most));
        }
    }

    /** The look at memory comes first: it costs time that is not measured, and the host has the memory at hand after it. */
    private Comparison compare(Work work, Optional<QemuSide> theirs, TranshumeSide ours) throws IOException {
        Optional<Memory> theirMemory = Optional.empty();
        if (theirs.isPresent()) {
            theirMemory = Optional.of(memory(theirs.get(), work));
        }
        Memory ourMemory = memory(ours, work);
        List<Round> done = new ArrayList<>();
        for (int i = 1; i <= rounds; i++) {
            Optional<Trial> qemu = Optional.empty();
            if (theirs.isPresent()) {
                try (Pair pair = Pair.start(theirs.get(), work, scale, 1)) {
                    qemu = Optional.of(told("QEMU", work, i, pair.migrate()));
                }
            }
            try (Pair pair = Pair.start(ours, work, scale, 2)) {
                Trial fresh = told("Transhume", work, i, pair.migrate());
                done.add(new Round(qemu, fresh, told("Transhume, warm", work, i, pair.migrate())));
            }
        }
        return new Comparison(work, work.ram(scale), List.copyOf(done), theirMemory, ourMemory);
    }

    private Memory memory(Side side, Work work) throws IOException {
        System.err.printf("%s, memory of %s%n", work.title(), side.name());
        try (Pair pair = Pair.start(side, work, scale, 1)) {
            return pair.watch();
        }
    }

    private Trial told(String who, Work work, int round, Trial trial) {
        System.err.printf(
                "%s, round %d of %d, %s: %.0f ms, %.2f s of CPU%n",
                work.title(), round, rounds, who, trial.millis(), trial.cpu());
        return trial;
    }

    static final class WorkConverter implements CommandLine.ITypeConverter<Work> {
        @Override
        public Work convert(String text) {
            return Work.named(text)
                    .orElseThrow(() -> new CommandLine.TypeConversionException(
                            "'%s': expected one of %s".formatted(text, String.join(", ", new WorkNames()))));
        }
    }

    static final class WorkNames implements Iterable<String> {
        @Override
        public Iterator<String> iterator() {
            return Arrays.stream(Work.values()).map(Work::text).iterator();
        }
    }
}
