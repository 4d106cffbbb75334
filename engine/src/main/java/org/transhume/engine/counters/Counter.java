package org.transhume.engine.counters;

import static org.transhume.engine.counters.Reset.MOMENT;
import static org.transhume.engine.counters.Reset.ONCE;
import static org.transhume.engine.counters.Reset.TOTAL;
import static org.transhume.engine.counters.Reset.WINDOW;
import static org.transhume.engine.counters.Side.DESTINATION;
import static org.transhume.engine.counters.Side.SOURCE;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/**
 * Every counter there is: the one table that reports, the counters file, {@code top}, docs/counters.md and the tests go by. Names
 * and codes are part of the counters file and never change their meaning.
 */
@SuppressWarnings("ImmutableEnumChecker") // the set of sides is made once and never changed
public enum Counter {
    STATE(1, "code", MOMENT, "where the migration stands: " + StateCode.text(), SOURCE, DESTINATION),
    ELAPSED_MILLIS(
            2, "ms", TOTAL, "since it began; at a destination since the main channel connected", SOURCE, DESTINATION),
    SETUP_MILLIS(3, "ms", ONCE, "from its beginning to the first page", SOURCE),
    DOWNTIME_MILLIS(4, "ms", TOTAL, "since the guest was stopped", SOURCE),
    EXPECTED_DOWNTIME_MILLIS(
            5,
            "ms",
            WINDOW,
            "QEMU's forecast: dirty bytes at the last harvest over the bandwidth; the downtime limit until there is one",
            SOURCE),
    RAM_BYTES(6, "bytes", ONCE, "guest RAM, written or not", SOURCE, DESTINATION),
    REMAINING_BYTES(7, "bytes", MOMENT, "known to be dirty and not yet sent", SOURCE),
    ROUNDS(8, "count", TOTAL, "harvests of the dirty source", SOURCE),
    DIRTY_PAGES_PER_SECOND(9, "pages/s", WINDOW, "found by harvests, over a second or more; 0 when completed", SOURCE),
    BYTES_PER_SECOND(
            10,
            "bytes/s",
            WINDOW,
            "sent on all channels, over 100 ms or more; when completed, the mean since the first page",
            SOURCE),
    PAGES_PER_SECOND(11, "pages/s", WINDOW, "dealt with, in whatever form, over 100 ms or more", SOURCE),

    MAIN_WRITTEN_BYTES(
            20,
            "bytes",
            TOTAL,
            "given to the kernel on the main channel; at a destination answers",
            SOURCE,
            DESTINATION),
    MAIN_READ_BYTES(
            21, "bytes", TOTAL, "taken from the kernel on the main channel; at a source answers", SOURCE, DESTINATION),
    MULTIFD_WRITTEN_BYTES(22, "bytes", TOTAL, "given to the kernel on page channels", SOURCE, DESTINATION),
    MULTIFD_READ_BYTES(23, "bytes", TOTAL, "taken from the kernel on page channels", SOURCE, DESTINATION),
    PRECOPY_BYTES(24, "bytes", TOTAL, "of the main channel's, written while the guest ran", SOURCE),
    DOWNTIME_BYTES(25, "bytes", TOTAL, "of the main channel's, written while the guest stood", SOURCE),
    POSTCOPY_BYTES(27, "bytes", TOTAL, "written to all channels since the guest runs at the destination", SOURCE),
    POSTCOPY_REQUESTS(
            28,
            "pages",
            TOTAL,
            "that the destination asked for in postcopy; at a destination those it asked for",
            SOURCE,
            DESTINATION),
    POSTCOPY_BLOCKTIME_MILLIS(
            29,
            "ms",
            TOTAL,
            "in which all virtual CPUs waited for missing pages at once; 0 while they are not known",
            DESTINATION),
    POSTCOPY_LATENCY_NANOS(
            37, "ns", MOMENT, "from the fault on a missing page until it was there, in the mean so far", DESTINATION),
    DEVICE_BYTES(26, "bytes", ONCE, "device state that came", DESTINATION),

    NORMAL_PAGES(
            30,
            "pages",
            TOTAL,
            "that travelled in full: as they are, or in a compressed packet of a page channel",
            SOURCE,
            DESTINATION),
    ZERO_PAGES(
            31,
            "pages",
            TOTAL,
            "found to be zero, which travelled as such; at a destination also those of ranges never written that came one by one",
            SOURCE,
            DESTINATION),
    HOLE_PAGES(
            32,
            "pages",
            TOTAL,
            "of ranges that were never written, known without reading them; at a destination those that came as ranges",
            SOURCE,
            DESTINATION),
    DELTA_PAGES(33, "pages", TOTAL, "that travelled as XBZRLE deltas, on whatever channel", SOURCE, DESTINATION),
    COMPRESSED_PAGES(
            34,
            "pages",
            TOTAL,
            "that travelled compressed one by one on the main channel (capability compress)",
            SOURCE,
            DESTINATION),
    SYNC_PACKETS(35, "packets", TOTAL, "that end an epoch of a page channel", SOURCE, DESTINATION),
    SYNCS(36, "count", TOTAL, "sync points passed: every page channel had applied its epoch", DESTINATION),

    DELTA_CACHE_BYTES(40, "bytes", MOMENT, "size of the delta cache; 0 without one", SOURCE),
    DELTA_BYTES(
            41,
            "bytes",
            TOTAL,
            "of deltas, with what goes before each but the page's address; a page for each overflow",
            SOURCE),
    DELTA_HITS(42, "pages", TOTAL, "found in the delta cache: encoded, unchanged or overflowed", SOURCE),
    DELTA_MISSES(43, "pages", TOTAL, "not found in the delta cache", SOURCE),
    DELTA_OVERFLOWS(44, "pages", TOTAL, "whose delta was no gain, so that they travelled in full", SOURCE),
    UNCHANGED_PAGES(45, "pages", TOTAL, "marked dirty that held what was sent before, and did not travel", SOURCE),
    COMPRESSED_BYTES(46, "bytes", TOTAL, "of the compressed pages, without what goes before each", SOURCE),
    COMPRESS_BUSY(47, "count", TOTAL, "times a page found no thread free that would compress it", SOURCE),
    ADAPTIVE_RAW_PAGES(48, "pages", TOTAL, "of the normal ones, sent as they are by x-adaptive", SOURCE),
    ADAPTIVE_LZ4_PAGES(49, "pages", TOTAL, "of the normal ones, sent in LZ4 blocks by x-adaptive", SOURCE),
    ADAPTIVE_ZSTD_PAGES(50, "pages", TOTAL, "of the normal ones, sent in zstd streams by x-adaptive", SOURCE),
    ADAPTIVE_TRIED_PAGES(
            51, "pages", TOTAL, "compressed in vain by x-adaptive, as samples or in batches that did not pay", SOURCE),

    /** One for each channel. */
    CHANNEL_WRITTEN_BYTES(60, "bytes", TOTAL, "given to the kernel on this channel", SOURCE, DESTINATION),
    /** One for each channel. */
    CHANNEL_READ_BYTES(61, "bytes", TOTAL, "taken from the kernel on this channel", SOURCE, DESTINATION);

    final int code;
    private final String unit;
    private final Reset reset;
    private final String meaning;
    private final Set<Side> sides;

    Counter(int code, String unit, Reset reset, String meaning, Side... sides) {
        this.code = code;
        this.unit = unit;
        this.reset = reset;
        this.meaning = meaning;
        this.sides = EnumSet.copyOf(Arrays.asList(sides));
    }

    /** As it stands in the counters file, for instance {@code normal-pages}. */
    public String wireName() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    public String unit() {
        return unit;
    }

    public String meaning() {
        return meaning;
    }

    public Reset reset() {
        return reset;
    }

    /** Whether that end of a migration has it. */
    public boolean countedAt(Side side) {
        return sides.contains(side);
    }

    /** Whether each channel has one of its own, rather than the migration. */
    public boolean perChannel() {
        return this == CHANNEL_WRITTEN_BYTES || this == CHANNEL_READ_BYTES;
    }

    /** Those that a migration has one of, at that end. */
    public static List<Counter> of(Side side) {
        return Arrays.stream(values())
                .filter(counter -> counter.countedAt(side) && !counter.perChannel())
                .toList();
    }

    /** The table as docs/counters.md has it. */
    public static String markdown() {
        StringBuilder text = new StringBuilder("Values are reset like this:\n\n");
        for (Reset reset : Reset.values()) {
            text.append("* %s: %s\n".formatted(reset.word(), reset.text));
        }
        text.append("\n| counter | unit | counted at | meaning | reset |\n|---|---|---|---|---|\n");
        for (Counter counter : values()) {
            List<String> where = new ArrayList<>();
            counter.sides.forEach(side -> where.add(side.name().toLowerCase(Locale.ROOT)));
            text.append("| `%s` | %s | %s%s | %s | %s |\n"
                    .formatted(
                            counter.wireName(),
                            counter.unit,
                            String.join(", ", where),
                            counter.perChannel() ? ", each channel" : "",
                            counter.meaning,
                            counter.reset.word()));
        }
        return text.toString();
    }
}
