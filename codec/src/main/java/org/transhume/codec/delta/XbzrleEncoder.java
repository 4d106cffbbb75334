package org.transhume.codec.delta;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Objects;
import org.transhume.codec.Vectors;

/**
 * Encodes a page as its difference from an older copy of it (spec: stream.md §3.1), byte for byte as QEMU does.
 *
 * <p>What costs time in real pages is not their bytes but the branches that their runs mispredict. So there is none per run:
 * <pre>
 *   compare     one bit a byte, 1 = differs        64 words of 64 bits
 *   edges       m ^ (m << 1): where runs begin     always four stores a word, more only in words that have more
 *   pairs       (zrun, nzrun) from edges 2i-1..2i+1  both lengths and the literals by one store of 8 bytes, where they fit
 * </pre>
 * An encoder holds the tables between these steps: one belongs to one thread at a time. Nothing is allocated per page.
 */
public final class XbzrleEncoder {
    /** Bytes that an encoder may write from {@code outAt} on: the longest delta, and what its stores run over by. */
    public static final int ROOM = Page.BYTES + 64;

    /** The page is as it was: there is nothing to send. */
    static final int UNCHANGED = 0;

    /** The delta would be longer than the page. */
    static final int OVERFLOW = -1;

    /** All of memory, unchecked: bounds are checked once a page. To check them in each run as well is half of its time. */
    private static final MemorySegment RAW = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);

    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final int LAST_LONG = Page.BYTES - Long.BYTES;
    private static final int WORDS = Page.BYTES / Long.SIZE;

    private final boolean vectors;
    private final long[] differs = new long[WORDS];
    /** An edge a byte at most, one at the end, and what the stores run over by. */
    private final int[] edges = new int[Page.BYTES + 1 + Long.SIZE];

    /** The first one in a JVM takes some 100 ms, so that the first pages do not: for the time before a migration. */
    public XbzrleEncoder() {
        this(Vectors.PRESENT);
    }

    XbzrleEncoder(boolean vectors) {
        if (vectors) {
            VectorDifference.compile();
        }
        this.vectors = vectors;
    }

    /**
     * Encodes the 4096 bytes at {@code freshAt} as their difference from those at {@code oldAt}. Nobody may write or
     * truncate any of the three meanwhile, or close their arenas: they are private native memory, not the guest's.
     *
     * @param out gets the delta at {@code outAt}; up to {@link #ROOM} bytes there are overwritten, whatever the outcome
     * @return the delta's length, 1..4096; 0 if the page is unchanged; -1 if its delta would be longer than the page
     * @throws IllegalArgumentException if {@code fresh} or {@code out} is on the heap
     * @throws IndexOutOfBoundsException if a page, or the room in {@code out}, is not all within its segment
     */
    public int encode(MemorySegment old, long oldAt, MemorySegment fresh, long freshAt, MemorySegment out, long outAt) {
        Objects.checkFromIndexSize(oldAt, Page.BYTES, old.byteSize());
        Objects.checkFromIndexSize(freshAt, Page.BYTES, fresh.byteSize());
        Objects.checkFromIndexSize(outAt, ROOM, out.byteSize());
        if (!fresh.isNative() || !out.isNative()) {
            throw new IllegalArgumentException("a page and its delta on the heap, expected native segments");
        }
        long any = vectors
                ? VectorDifference.compare(old, oldAt, fresh, freshAt, differs)
                : PlainDifference.compare(old, oldAt, fresh, freshAt, differs);
        return any == 0 ? UNCHANGED : pairs(edges(differs, edges), fresh, freshAt, out, outAt);
    }

    /** Fills {@code edges} with each byte at which a run begins, alternately differing and equal; returns how many. */
    private static int edges(long[] differs, int[] edges) {
        int count = 0;
        long before = 0;
        for (int word = 0; word < WORDS; word += 4) {
            long m0 = differs[word];
            long m1 = differs[word + 1];
            long m2 = differs[word + 2];
            long m3 = differs[word + 3];
            long e0 = m0 ^ (m0 << 1 | before);
            long e1 = m1 ^ (m1 << 1 | m0 >>> 63);
            long e2 = m2 ^ (m2 << 1 | m1 >>> 63);
            long e3 = m3 ^ (m3 << 1 | m2 >>> 63);
            before = m3 >>> 63;
            if ((e0 | e1 | e2 | e3) != 0) {
                int at = word << 6;
                count = append(e0, at, edges, count);
                count = append(e1, at + 64, edges, count);
                count = append(e2, at + 128, edges, count);
                count = append(e3, at + 192, edges, count);
            }
        }
        edges[count] = Page.BYTES;
        return count;
    }

    /** Writes four edges, however many there are: what is too much is overwritten by the next word's. */
    private static int append(long bits, int at, int[] edges, int count) {
        int after = count + Long.bitCount(bits);
        do {
            edges[count] = at + Long.numberOfTrailingZeros(bits);
            bits &= bits - 1;
            edges[count + 1] = at + Long.numberOfTrailingZeros(bits);
            bits &= bits - 1;
            edges[count + 2] = at + Long.numberOfTrailingZeros(bits);
            bits &= bits - 1;
            edges[count + 3] = at + Long.numberOfTrailingZeros(bits);
            bits &= bits - 1;
            count += 4;
        } while (bits != 0);
        return after;
    }

    private int pairs(int count, MemorySegment fresh, long freshAt, MemorySegment out, long outAt) {
        long from = fresh.address() + freshAt;
        long to = out.address() + outAt;
        int written = 0;
        int end = 0;
        // Where the page ends in a run that differs, the number of edges is odd, and the one behind the last is the
        // end.
        for (int i = 0; i < count; i += 2) {
            int start = edges[i];
            int equal = start - end;
            end = edges[i + 1];
            int run = end - start;
            int equalIsLong = isLong(equal);
            int runIsLong = isLong(run);
            int lengths = 2 + equalIsLong + runIsLong;
            long pair = length(equal, equalIsLong) | length(run, runIsLong) << (8 << equalIsLong);
            int at = written;
            written += lengths + run;
            // The rules check before each step, but each of their checks is implied by this one: what follows a length
            // of equal bytes takes two bytes at least.
            if (written > Page.BYTES) {
                return OVERFLOW;
            }
            if (lengths + run <= Long.BYTES && start <= LAST_LONG) {
                RAW.set(LONG, to + at, pair | RAW.get(LONG, from + start) << (8 * lengths));
            } else {
                RAW.set(LONG, to + at, pair);
                copy(fresh, freshAt, start, out, outAt + at + lengths, run);
            }
        }
        // Equal bytes at the end are not encoded, but the reference looks for room before it sees that they are the
        // last.
        return end < Page.BYTES && written + 2 > Page.BYTES ? OVERFLOW : written;
    }

    /** 1 for a length that takes a second byte, 0 otherwise: the sign of what is left, without a branch. */
    private static int isLong(int length) {
        return (127 - length) >>> 31;
    }

    /** ULEB128 of at most 14 bits: the low 7 stay, the rest moves up by one, and between them goes the mark. */
    private static long length(int value, int isLong) {
        return (value + (value & ~0x7fL)) | ((long) isLong << 7);
    }

    /** By plain longs: a vector in a place that is seldom reached stays uncompiled, microseconds each time. */
    private static void copy(MemorySegment fresh, long freshAt, int start, MemorySegment out, long at, int run) {
        if (run <= 64 && start <= Page.BYTES - 64) {
            long from = fresh.address() + freshAt + start;
            long to = out.address() + at;
            for (int i = 0; i < 64; i += Long.BYTES) {
                RAW.set(LONG, to + i, RAW.get(LONG, from + i));
            }
        } else {
            MemorySegment.copy(fresh, freshAt + start, out, at, run);
        }
    }
}
