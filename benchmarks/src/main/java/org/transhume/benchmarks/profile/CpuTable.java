package org.transhume.benchmarks.profile;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The samples of one process, summed. Shares are those of the samples; seconds are those shares of what the kernel says that the
 * process used, so that a coarse timer does not matter.
 */
final class CpuTable {
    private static final String OURS = "org/transhume/";
    private static final int FRAMES = 10;

    private final Map<String, Row> threads = new LinkedHashMap<>();
    private final Map<String, Row> frames = new LinkedHashMap<>();
    private final Row all = new Row();
    private boolean kernelSeen;

    /** Samples by kind. */
    private static final class Row {
        private final EnumMap<CpuKind, Long> counts = new EnumMap<>(CpuKind.class);

        void add(CpuKind kind, long count) {
            counts.merge(kind, count, Long::sum);
        }

        long of(CpuKind kind) {
            return counts.getOrDefault(kind, 0L);
        }

        long sum() {
            return counts.values().stream().mapToLong(Long::longValue).sum();
        }
    }

    /** Reads stacks in the collapsed form: {@code [thread];frame;frame number}, frames annotated. */
    static CpuTable read(Path collapsed) throws IOException {
        CpuTable table = new CpuTable();
        for (String line : Files.readAllLines(collapsed)) {
            int count = line.lastIndexOf(' ');
            if (!line.startsWith("[") || count < 0) {
                throw new IOException("%s: '%s', expected '[thread];frames number'".formatted(collapsed, line));
            }
            List<String> stack =
                    new ArrayList<>(Arrays.asList(line.substring(0, count).split(";", -1)));
            String thread = stack.removeFirst();
            table.add(thread.substring(1, thread.length() - 1), stack, Long.parseLong(line.substring(count + 1)));
        }
        return table;
    }

    private void add(String thread, List<String> stack, long count) {
        ThreadWork group = ThreadWork.of(thread);
        CpuKind kind = CpuKind.of(group, stack);
        all.add(kind, count);
        threads.computeIfAbsent(group.name(), _ -> new Row()).add(kind, count);
        kernelSeen |= stack.stream().anyMatch(frame -> frame.endsWith("_[k]"));
        stack.reversed().stream()
                .filter(frame -> frame.startsWith(OURS))
                .findFirst()
                .ifPresent(frame ->
                        frames.computeIfAbsent(bare(frame), _ -> new Row()).add(kind, count));
    }

    private static String bare(String frame) {
        String name = frame.endsWith("]") ? frame.substring(0, frame.lastIndexOf("_[")) : frame;
        return name.substring(OURS.length()).replace('/', '.');
    }

    long samples() {
        return all.sum();
    }

    /** Whether a stack went on in the kernel, which the system may forbid to look at. */
    boolean kernelSeen() {
        return kernelSeen;
    }

    /** Share of samples of that kind, 0 to 1. */
    double share(CpuKind kind) {
        return (double) all.of(kind) / samples();
    }

    /** Share of samples of that group of threads, 0 to 1. */
    double share(String group) {
        return (double) threads.getOrDefault(group, new Row()).sum() / samples();
    }

    /**
     * Prints the table.
     *
     * @param seconds of CPU that the process used
     * @param gibibytes of RAM that moved
     */
    void print(PrintStream out, double seconds, double gibibytes) {
        List<CpuKind> columns =
                Arrays.stream(CpuKind.values()).filter(kind -> all.of(kind) > 0).toList();
        header(out, columns);
        for (Map.Entry<String, Row> row : largest(threads)) {
            line(out, row.getKey(), row.getValue(), columns, seconds / gibibytes);
        }
        line(out, "all", all, columns, seconds / gibibytes);
        out.println();
        out.println("by our own frame nearest to the end of the stack, with all it called");
        header(out, columns);
        largest(frames).stream()
                .limit(FRAMES)
                .forEach(row -> line(out, row.getKey(), row.getValue(), columns, seconds / gibibytes));
    }

    private static List<Map.Entry<String, Row>> largest(Map<String, Row> rows) {
        return rows.entrySet().stream()
                .sorted(Comparator.comparingLong(row -> -row.getValue().sum()))
                .toList();
    }

    private static void header(PrintStream out, List<CpuKind> columns) {
        out.printf("%-44s %6s %7s ", "", "all %", "s/GiB");
        columns.forEach(kind -> out.printf(" %8s", kind.title()));
        out.println();
    }

    private void line(PrintStream out, String name, Row row, List<CpuKind> columns, double secondsPerGibibyte) {
        double share = (double) row.sum() / samples();
        out.printf("%-44s %6.1f %7.3f ", last(name, 44), share * 100, share * secondsPerGibibyte);
        columns.forEach(kind -> out.printf(" %8.1f", row.of(kind) * 100.0 / samples()));
        out.println();
    }

    private static String last(String text, int length) {
        return text.length() <= length ? text : text.substring(text.length() - length);
    }
}
