package org.transhume.codec;

import static org.transhume.codec.PageHash.LANES;
import static org.transhume.codec.PageHash.LAST;
import static org.transhume.codec.PageHash.ROTATION;
import static org.transhume.codec.PageHash.ROW;
import static org.transhume.codec.PageHash.ROW_BYTES;
import static org.transhume.codec.PageHash.SPREAD;
import static org.transhume.codec.PageHash.START;
import static org.transhume.codec.PageHash.STEP;
import static org.transhume.codec.PageHash.STRETCH;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/** {@link PageHash} by plain loads. */
final class PlainPageHash {
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private PlainPageHash() {}

    /** Four lanes at a time: each is a chain of multiplications, which the processor overlaps. */
    static long sum(MemorySegment memory, long at) {
        long sum = 0;
        for (int lane = 0; lane < LANES; lane += 4) {
            long a = START[lane];
            long b = START[lane + 1];
            long c = START[lane + 2];
            long d = START[lane + 3];
            long from = at + (long) (lane / ROW) * STRETCH + (long) (lane % ROW) * Long.BYTES;
            for (int i = 0; i < STRETCH; i += ROW_BYTES) {
                a = Long.rotateLeft(a ^ memory.get(LONG, from + i) * SPREAD, ROTATION) * STEP;
                b = Long.rotateLeft(b ^ memory.get(LONG, from + i + 8) * SPREAD, ROTATION) * STEP;
                c = Long.rotateLeft(c ^ memory.get(LONG, from + i + 16) * SPREAD, ROTATION) * STEP;
                d = Long.rotateLeft(d ^ memory.get(LONG, from + i + 24) * SPREAD, ROTATION) * STEP;
            }
            sum += scrambled(a, lane) + scrambled(b, lane + 1) + scrambled(c, lane + 2) + scrambled(d, lane + 3);
        }
        return sum;
    }

    private static long scrambled(long state, int lane) {
        long z = state * LAST[lane];
        return z ^ (z >>> 32);
    }
}
