package org.transhume.engine.outgoing;

/** What multifd lanes make of the pages that are not zero. */
public sealed interface Compression {
    /** Pages travel as they are. */
    record None() implements Compression {}

    /**
     * One zlib stream a channel, as QEMU has it.
     *
     * @param level 0..9
     */
    record Zlib(int level) implements Compression {
        public Zlib {
            checkLevel("zlib", level, 9);
        }
    }

    /**
     * One zstd stream a channel, as QEMU has it.
     *
     * @param level 0..20; 0 is the library's own default
     */
    record Zstd(int level) implements Compression {
        public Zstd {
            checkLevel("zstd", level, 20);
        }
    }

    /** One LZ4 block a packet: extension {@code x-lz4}. */
    record Lz4() implements Compression {}

    /** Batch by batch whatever is fastest at this moment, also raw or deltas: extension {@code x-adaptive}. */
    record Adaptive() implements Compression {}

    private static void checkLevel(String name, int level, int most) {
        if (level < 0 || level > most) {
            throw new IllegalArgumentException("%s level=%d: expected 0..%d".formatted(name, level, most));
        }
    }
}
