package org.transhume.control.display;

import java.util.Locale;
import java.util.stream.Collectors;
import org.transhume.engine.ConnectionSet;
import org.transhume.engine.counters.Counter;
import org.transhume.engine.counters.CounterValues;
import org.transhume.engine.counters.CountersReading;
import org.transhume.engine.counters.Side;
import org.transhume.engine.counters.StateCode;

/** The counters of a process for people: a block of lines for each migration. */
public final class CountersText {
    /** A process that publishes ten times a second and has not for so long does not run. */
    private static final long STALE_MILLIS = 2000;

    private CountersText() {}

    /** @param nowMillis by this machine's clock, which is that of the process, too */
    public static String of(long pid, CountersReading.Snapshot snapshot, long nowMillis) {
        StringBuilder text = new StringBuilder("process %d".formatted(pid));
        long age = nowMillis - snapshot.publishedMillis();
        if (age > STALE_MILLIS) {
            text.append(", whose last word is %s old (is it stopped?)".formatted(millis(age)));
        }
        if (snapshot.migrations().isEmpty()) {
            return text.append(": no migration yet\n").toString();
        }
        text.append('\n');
        snapshot.migrations().forEach(migration -> add(migration, text));
        return text.toString();
    }

    private static void add(CountersReading.Migration migration, StringBuilder text) {
        boolean source = migration.side() == Side.SOURCE;
        line(
                text,
                "%s '%s': %s%s, %s",
                migration.side() == null ? "migration" : migration.side().name().toLowerCase(Locale.ROOT),
                migration.name(),
                StateCode.name(migration.get(Counter.STATE)),
                source ? ", round " + migration.get(Counter.ROUNDS) : "",
                millis(migration.get(Counter.ELAPSED_MILLIS)));
        if (source) {
            sent(migration, text);
        } else {
            line(
                    text,
                    "  received    %s for %s of RAM, %s of devices",
                    Units.bytes(migration.get(Counter.MAIN_READ_BYTES) + migration.get(Counter.MULTIFD_READ_BYTES)),
                    Units.bytes(migration.get(Counter.RAM_BYTES)),
                    Units.bytes(migration.get(Counter.DEVICE_BYTES)));
        }
        postcopy(migration, text);
        line(
                text,
                "  pages       %d in full, %d zero, %d never written, %d as deltas, %d compressed",
                migration.get(Counter.NORMAL_PAGES),
                migration.get(Counter.ZERO_PAGES),
                migration.get(Counter.HOLE_PAGES),
                migration.get(Counter.DELTA_PAGES),
                migration.get(Counter.COMPRESSED_PAGES));
        if (source) {
            forms(migration, text);
        }
        line(
                text,
                "  channels    %s",
                migration.channels().isEmpty()
                        ? "none yet"
                        : migration.channels().stream()
                                .map(channel -> channel(channel, source))
                                .collect(Collectors.joining(", ")));
    }

    private static void postcopy(CountersReading.Migration migration, StringBuilder text) {
        long asked = migration.get(Counter.POSTCOPY_REQUESTS);
        boolean begun = StateCode.name(migration.get(Counter.STATE)).startsWith("postcopy");
        if (!begun && asked == 0) {
            return;
        }
        if (migration.side() == Side.SOURCE) {
            line(
                    text,
                    "  postcopy    %s since the guest runs there, %d pages asked for",
                    Units.bytes(migration.get(Counter.POSTCOPY_BYTES)),
                    asked);
        } else {
            line(text, "  postcopy    %d pages asked for", asked);
        }
    }

    private static void sent(CountersReading.Migration migration, StringBuilder text) {
        line(
                text,
                "  remaining   %s of %s, %d pages/s become dirty",
                Units.bytes(migration.get(Counter.REMAINING_BYTES)),
                Units.bytes(migration.get(Counter.RAM_BYTES)),
                migration.get(Counter.DIRTY_PAGES_PER_SECOND));
        line(
                text,
                "  sent        %s, %s, %d pages/s",
                Units.bytes(migration.get(Counter.MAIN_WRITTEN_BYTES) + migration.get(Counter.MULTIFD_WRITTEN_BYTES)),
                Units.rate((double) migration.get(Counter.BYTES_PER_SECOND)),
                migration.get(Counter.PAGES_PER_SECOND));
        line(
                text,
                "  downtime    %s, expected %s",
                millis(migration.get(Counter.DOWNTIME_MILLIS)),
                millis(migration.get(Counter.EXPECTED_DOWNTIME_MILLIS)));
    }

    private static void forms(CountersReading.Migration migration, StringBuilder text) {
        if (migration.get(Counter.DELTA_CACHE_BYTES) > 0) {
            line(
                    text,
                    "  deltas      %s for %d found in the cache of %s, %d unchanged, %d that grew (overflow), %d not found",
                    Units.bytes(migration.get(Counter.DELTA_BYTES)),
                    migration.get(Counter.DELTA_HITS),
                    Units.bytes(migration.get(Counter.DELTA_CACHE_BYTES)),
                    migration.get(Counter.UNCHANGED_PAGES),
                    migration.get(Counter.DELTA_OVERFLOWS),
                    migration.get(Counter.DELTA_MISSES));
        }
        if (migration.get(Counter.COMPRESSED_PAGES) + migration.get(Counter.COMPRESS_BUSY) > 0) {
            line(
                    text,
                    "  compressed  %s, %d times all threads were busy",
                    Units.bytes(migration.get(Counter.COMPRESSED_BYTES)),
                    migration.get(Counter.COMPRESS_BUSY));
        }
        long packed = migration.get(Counter.ADAPTIVE_LZ4_PAGES) + migration.get(Counter.ADAPTIVE_ZSTD_PAGES);
        if (packed + migration.get(Counter.ADAPTIVE_RAW_PAGES) > 0) {
            line(
                    text,
                    "  chosen      %d pages as they are, %d by LZ4, %d by zstd; %d compressed in vain",
                    migration.get(Counter.ADAPTIVE_RAW_PAGES),
                    migration.get(Counter.ADAPTIVE_LZ4_PAGES),
                    migration.get(Counter.ADAPTIVE_ZSTD_PAGES),
                    migration.get(Counter.ADAPTIVE_TRIED_PAGES));
        }
    }

    private static String channel(CounterValues.Channel channel, boolean source) {
        return "%s %s".formatted(name(channel), Units.bytes(source ? channel.writtenBytes() : channel.readBytes()));
    }

    /** For instance {@code multifd 0}. */
    public static String name(CounterValues.Channel channel) {
        return switch (channel.number()) {
            case ConnectionSet.MAIN -> "main";
            case ConnectionSet.URGENT -> "urgent";
            case ConnectionSet.UNKNOWN -> "unknown";
            default -> "multifd " + channel.number();
        };
    }

    private static String millis(long millis) {
        return Units.millis((double) millis);
    }

    @SuppressWarnings("AnnotateFormatMethod") // the annotation would be one more dependency
    private static void line(StringBuilder text, String format, Object... arguments) {
        text.append(String.format(Locale.ROOT, format, arguments)).append('\n');
    }
}
