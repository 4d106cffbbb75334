package org.transhume.control.display;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.transhume.control.domain.stats.JobStats;
import org.transhume.control.domain.stats.JobType;
import org.transhume.control.domain.stats.StatsField;

/** The figures of a job, as virsh's domjobinfo shows them. */
public final class JobInfoText {
    private static final Map<StatsField, String> LABELS = Map.ofEntries(
            Map.entry(StatsField.TIME_ELAPSED, "Time elapsed"),
            Map.entry(StatsField.TIME_ELAPSED_NET, "Time elapsed w/o network"),
            Map.entry(StatsField.TIME_REMAINING, "Time remaining"),
            Map.entry(StatsField.DATA_PROCESSED, "Data processed"),
            Map.entry(StatsField.DATA_REMAINING, "Data remaining"),
            Map.entry(StatsField.DATA_TOTAL, "Data total"),
            Map.entry(StatsField.MEMORY_PROCESSED, "Memory processed"),
            Map.entry(StatsField.MEMORY_REMAINING, "Memory remaining"),
            Map.entry(StatsField.MEMORY_TOTAL, "Memory total"),
            Map.entry(StatsField.MEMORY_BPS, "Memory bandwidth"),
            Map.entry(StatsField.MEMORY_DIRTY_RATE, "Dirty rate"),
            Map.entry(StatsField.MEMORY_PAGE_SIZE, "Page size"),
            Map.entry(StatsField.MEMORY_ITERATION, "Iteration"),
            Map.entry(StatsField.MEMORY_POSTCOPY_REQUESTS, "Postcopy requests"),
            Map.entry(StatsField.MEMORY_CONSTANT, "Constant pages"),
            Map.entry(StatsField.MEMORY_NORMAL, "Normal pages"),
            Map.entry(StatsField.MEMORY_NORMAL_BYTES, "Normal data"),
            Map.entry(StatsField.DOWNTIME_NET, "Downtime w/o network"),
            Map.entry(StatsField.SETUP_TIME, "Setup time"),
            Map.entry(StatsField.COMPRESSION_CACHE, "Compression cache"),
            Map.entry(StatsField.COMPRESSION_BYTES, "Compressed data"),
            Map.entry(StatsField.COMPRESSION_PAGES, "Compressed pages"),
            Map.entry(StatsField.COMPRESSION_CACHE_MISSES, "Compression cache misses"),
            Map.entry(StatsField.COMPRESSION_OVERFLOW, "Compression overflows"),
            Map.entry(StatsField.AUTO_CONVERGE_THROTTLE, "Auto converge throttle"),
            Map.entry(StatsField.ERRMSG, "Error message"));

    private static final double UNIT = 1024;
    private static final List<String> UNITS = List.of("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB");

    private JobInfoText() {}

    /** Lines; one, if there is no job. */
    public static String of(Optional<JobStats> job) {
        List<String> lines = new ArrayList<>();
        lines.add(line("Job type", job.map(JobStats::type).orElse(JobType.NONE).word()));
        job.ifPresent(stats -> {
            lines.add(line("Operation", stats.operation().word()));
            for (StatsField field : StatsField.values()) {
                String label = field == StatsField.DOWNTIME
                        ? stats.downtimeIsMeasured() ? "Total downtime" : "Expected downtime"
                        : LABELS.get(field);
                if (label != null) {
                    field.of(stats).ifPresent(value -> lines.add(line(label, text(field, value))));
                }
            }
        });
        return String.join(System.lineSeparator(), lines);
    }

    private static String line(String label, String value) {
        return "%-17s %s".formatted(label + ":", value);
    }

    private static String text(StatsField field, Object value) {
        return switch (field.unit()) {
            case "bytes" -> scaled((Long) value);
            case "bytes/s" -> scaled((Long) value) + "/s";
            case "ms", "pages/s" -> "%-12s %s".formatted(value, field.unit());
            case "percent" -> value + "%";
            default -> value.toString();
        };
    }

    private static String scaled(long bytes) {
        double amount = bytes;
        int unit = 0;
        while (amount >= UNIT && unit < UNITS.size() - 1) {
            amount /= UNIT;
            unit++;
        }
        return String.format(Locale.ROOT, "%-12.3f %s", amount, UNITS.get(unit));
    }
}
