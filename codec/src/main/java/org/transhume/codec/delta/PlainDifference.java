package org.transhume.codec.delta;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/** Which bytes of two pages differ, where there are no vectors. */
final class PlainDifference {
    /** Little-endian: byte i of memory is bits 8i..8i+7. */
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private static final long LOW_BITS = 0x7f7f7f7f7f7f7f7fL;
    private static final long GATHER = 0x0102040810204080L;

    private PlainDifference() {}

    /** Sets bit i of {@code differs} where byte i differs; returns the OR of all words. */
    static long compare(MemorySegment old, long oldAt, MemorySegment fresh, long freshAt, long[] differs) {
        long any = 0;
        for (int word = 0; word < differs.length; word++) {
            long at = (long) word << 6;
            long d0 = difference(old, oldAt + at, fresh, freshAt + at);
            long d1 = difference(old, oldAt + at + 8, fresh, freshAt + at + 8);
            long d2 = difference(old, oldAt + at + 16, fresh, freshAt + at + 16);
            long d3 = difference(old, oldAt + at + 24, fresh, freshAt + at + 24);
            long d4 = difference(old, oldAt + at + 32, fresh, freshAt + at + 32);
            long d5 = difference(old, oldAt + at + 40, fresh, freshAt + at + 40);
            long d6 = difference(old, oldAt + at + 48, fresh, freshAt + at + 48);
            long d7 = difference(old, oldAt + at + 56, fresh, freshAt + at + 56);
            long bits = 0;
            if ((d0 | d1 | d2 | d3 | d4 | d5 | d6 | d7) != 0) {
                bits = bits(d0)
                        | bits(d1) << 8
                        | bits(d2) << 16
                        | bits(d3) << 24
                        | bits(d4) << 32
                        | bits(d5) << 40
                        | bits(d6) << 48
                        | bits(d7) << 56;
            }
            differs[word] = bits;
            any |= bits;
        }
        return any;
    }

    private static long difference(MemorySegment old, long oldAt, MemorySegment fresh, long freshAt) {
        return old.get(LONG, oldAt) ^ fresh.get(LONG, freshAt);
    }

    /** One bit for each byte that is not zero: its top bit is set by a carry out of the low seven, then all are gathered. */
    private static long bits(long bytes) {
        long tops = (((bytes & LOW_BITS) + LOW_BITS) | bytes) & ~LOW_BITS;
        return ((tops >>> 7) * GATHER) >>> 56;
    }
}
