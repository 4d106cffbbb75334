package org.transhume.benchmarks.versus;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** What both sides are given to do, and how much better Transhume is to be at it. Sizes are bytes. */
enum Work {
    RANDOM("random bytes, one stream", 2048, Content.RANDOM, 0, "none", 1.8),
    RANDOM_MULTIFD_2("random bytes, multifd 2", 2048, Content.RANDOM, 2, "none", 1.6),
    RANDOM_MULTIFD_4("random bytes, multifd 4", 2048, Content.RANDOM, 4, "none", 0),
    ZEROS("resident zeros", 4096, Content.ZEROS, 0, "none", 1.4),
    UNTOUCHED("untouched", 16384, Content.NOTHING, 0, "none", 20),
    ZSTD("library bytes, zstd, multifd 2", 1024, Content.LIBRARIES, 2, "zstd", 1.2),
    ZLIB("library bytes, zlib, multifd 2", 1024, Content.LIBRARIES, 2, "zlib", 1.0),
    XBZRLE("random bytes, xbzrle, a quarter hot", 1024, Content.RANDOM, 0, "none", 0);

    private static final long MIB = 1 << 20;
    /** Pages a second that the guest of {@link #XBZRLE} writes, a word each, one after the other. */
    static final int HOT_PAGES_A_SECOND = 100_000;

    private static final int HOT_PART = 4;

    private final String title;
    private final long mebibytes;
    private final Content content;
    private final int channels;
    private final String compression;
    private final double timesFaster;

    /**
     * @param channels page connections; 0: none but the main one
     * @param compression method of those
     */
    Work(String title, long mebibytes, Content content, int channels, String compression, double timesFaster) {
        this.title = title;
        this.mebibytes = mebibytes;
        this.content = content;
        this.channels = channels;
        this.compression = compression;
        this.timesFaster = timesFaster;
    }

    /** The name on the command line. */
    String text() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    String title() {
        return title;
    }

    Content content() {
        return content;
    }

    long ram(int scale) {
        return mebibytes * MIB / scale;
    }

    /** Of it, what the destination has to write; the rest is zero there already. */
    long written(int scale) {
        return content == Content.NOTHING || content == Content.ZEROS ? 0 : ram(scale);
    }

    /** Bytes of RAM that the guest writes again and again while it moves; 0: it stands still. */
    long hot(int scale) {
        return this == XBZRLE ? ram(scale) / HOT_PART : 0;
    }

    /** QEMU's time over Transhume's, at least; 0: nobody has asked for anything. */
    double timesFaster() {
        return timesFaster;
    }

    /** Whether it has to do with no more bytes, too. */
    boolean noMoreBytes() {
        return this == ZSTD;
    }

    /** Whether CPU time can be compared: the guest of xbzrle writes with other instructions on each side. */
    boolean sameInstructions() {
        return this != XBZRLE;
    }

    /** For both ends of both sides. With a return path the source has ended only when the destination has all. */
    List<String> capabilities() {
        List<String> names = new ArrayList<>(List.of("events", "return-path"));
        if (channels > 0) {
            names.add("multifd");
        }
        if (this == XBZRLE) {
            names.add("xbzrle");
        }
        return names;
    }

    /** For both ends of both sides. */
    Map<String, Object> parameters(int scale) {
        Map<String, Object> values = new TreeMap<>(Map.of("max-bandwidth", 0));
        if (channels > 0) {
            values.put("multifd-channels", channels);
            values.put("multifd-compression", compression);
        }
        if (this == XBZRLE) {
            values.put("xbzrle-cache-size", 2 * hot(scale));
            values.put("downtime-limit", 10); // else the hot pages would be sent once, in the pause
        }
        return values;
    }

    static Optional<Work> named(String text) {
        for (Work work : values()) {
            if (work.text().equals(text)) {
                return Optional.of(work);
            }
        }
        return Optional.empty();
    }
}
