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

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/** {@link PageHash} by vectors. */
final class VectorPageHash {
    private static final ByteOrder ORDER = ByteOrder.LITTLE_ENDIAN;
    private static final VectorSpecies<Long> SPECIES =
            LongVector.SPECIES_PREFERRED.vectorBitSize() >= 512 ? LongVector.SPECIES_512 : LongVector.SPECIES_256;

    private static final int LENGTH = SPECIES.length();

    private VectorPageHash() {}

    /** Returns when {@link #sum} is compiled, at once after the first time. */
    static void compile() {
        Compiled.touch();
    }

    /**
     * One vector at a time: the next does not wait for it, and the processor sees far enough to overlap them. No vector
     * leaves the method, or it were an object.
     */
    static long sum(MemorySegment memory, long at) {
        long sum = 0;
        for (int lane = 0; lane < LANES; lane += LENGTH) {
            LongVector state = LongVector.fromArray(SPECIES, START, lane);
            long from = at + (long) (lane / ROW) * STRETCH + (long) (lane % ROW) * Long.BYTES;
            for (int i = 0; i < STRETCH; i += ROW_BYTES) {
                LongVector words = LongVector.fromMemorySegment(SPECIES, memory, from + i, ORDER);
                state = state.lanewise(VectorOperators.XOR, words.mul(SPREAD))
                        .lanewise(VectorOperators.ROL, ROTATION)
                        .mul(STEP);
            }
            LongVector last = state.mul(LongVector.fromArray(SPECIES, LAST, lane));
            sum += last.lanewise(VectorOperators.XOR, last.lanewise(VectorOperators.LSHR, 32))
                    .reduceLanes(VectorOperators.ADD);
        }
        return sum;
    }

    /**
     * A vector operation that is interpreted takes a microsecond: the first pages would take a second. In a class of its own,
     * since what its own initialisation calls is not compiled well.
     */
    private static final class Compiled {
        private static final int PAGES = 256;
        private static final long FAST_NANOS = PAGES * 1_000L;
        private static final long ENOUGH_NANOS = 1_000_000_000;

        static {
            MemorySegment page = Arena.ofAuto().allocate(PageHash.BYTES, PageHash.BYTES);
            long start = System.nanoTime();
            long now = start;
            long before;
            do {
                before = now;
                for (int i = 0; i < PAGES; i++) {
                    long _ = sum(page, 0);
                }
                now = System.nanoTime();
            } while (now - before > FAST_NANOS && now - start < ENOUGH_NANOS);
        }

        static void touch() {}
    }
}
