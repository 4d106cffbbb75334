package org.transhume.codec;

import java.lang.foreign.MemorySegment;

/**
 * 64 bits that stand for the bytes of a page in a digest of RAM (docs/wire.md). Pages that differ in one word alone never have
 * the same. Whoever wants two pages to have the same can find them: it tells damage, not forgery. Any thread; nothing is
 * allocated.
 *
 * <pre>
 *   word   0   1  ..   7     four stretches of 128 words, little-endian, each in eight lanes of its own;
 *          8   9  ..  15     a lane's state takes its words one after the other:
 *         ..                     state = rotate(state ^ word * SPREAD, 29) * STEP
 *        120 121  .. 127     One to one in the state and in the word, so nothing that came in is lost; twice a product, as
 *                            a bit at the top of one stays alone, and its like in the next word would undo it.
 *        128 129  .. 135     At the end the 32 lanes, each scrambled in its own way, are added up.
 * </pre>
 */
public final class PageHash {
    /** Bytes of a page. */
    public static final int BYTES = 4096;

    /** Of all stretches together. */
    static final int LANES = 32;
    /** Bytes. */
    static final int STRETCH = 1024;
    /** Lanes of a stretch. */
    static final int ROW = 8;
    /** From a word of a lane to its next. */
    static final int ROW_BYTES = ROW * Long.BYTES;

    static final long SPREAD = 0xc2b2ae3d27d4eb4fL;
    static final long STEP = 0x9e3779b97f4a7c15L;
    static final int ROTATION = 29;

    /** State of each lane at first. */
    static final long[] START = new long[LANES];
    /** What the state of each lane is multiplied by at last; odd. */
    static final long[] LAST = new long[LANES];

    private static final long FINISH = 0xd6e8feb86659fd93L;
    /** Of a page of zeroes, before it is taken off everything so that theirs is zero. */
    private static final long ZERO;

    static {
        for (int lane = 0; lane < LANES; lane++) {
            START[lane] = constant(lane + 1);
            LAST[lane] = constant(LANES + lane + 1) | 1;
        }
        ZERO = finish(PlainPageHash.sum(MemorySegment.ofArray(new long[BYTES / Long.BYTES]), 0));
    }

    private PageHash() {}

    /** The {@code n}-th number that SplitMix64 gives from 0 on. */
    private static long constant(int n) {
        long z = n * 0x9e3779b97f4a7c15L;
        z = (z ^ (z >>> 30)) * 0xbf58476d1ce4e5b9L;
        z = (z ^ (z >>> 27)) * 0x94d049bb133111ebL;
        return z ^ (z >>> 31);
    }

    /** Waits until {@link #of} is compiled: the first time some 200 ms, which the first pages would take otherwise. */
    public static void prepare() {
        if (Vectors.PRESENT) {
            VectorPageHash.compile();
        }
    }

    /**
     * Of the 4096 bytes at {@code at}, by vector loads where there are any. Only for memory that nobody can truncate: a
     * SIGBUS in a vector load ends the JVM. For any other there is {@link #plainlyOf}. If the page is written meanwhile, it
     * is of bytes that may never have been in it together.
     *
     * @return 0 for a page of zeroes
     * @throws IndexOutOfBoundsException if they are not all within {@code memory}
     */
    public static long of(MemorySegment memory, long at) {
        return finish(Vectors.PRESENT ? VectorPageHash.sum(memory, at) : PlainPageHash.sum(memory, at)) - ZERO;
    }

    /** As {@link #of}, by plain loads only: a page whose file was truncated ends in an {@link InternalError}. */
    public static long plainlyOf(MemorySegment memory, long at) {
        return finish(PlainPageHash.sum(memory, at)) - ZERO;
    }

    private static long finish(long sum) {
        long h = sum;
        h = (h ^ (h >>> 32)) * FINISH;
        h = (h ^ (h >>> 32)) * FINISH;
        return h ^ (h >>> 32);
    }
}
