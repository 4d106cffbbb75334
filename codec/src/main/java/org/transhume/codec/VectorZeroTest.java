package org.transhume.codec;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/** {@link ZeroPage} by vectors. */
final class VectorZeroTest {
    private static final ByteOrder ORDER = ByteOrder.nativeOrder();
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ORDER);
    /** With 512 bits a load is a whole cache line. */
    private static final VectorSpecies<Long> SPECIES =
            LongVector.SPECIES_PREFERRED.vectorBitSize() >= 512 ? LongVector.SPECIES_512 : LongVector.SPECIES_256;

    private static final int TAIL = 128;
    private static final int STEP = SPECIES.vectorByteSize();
    private static final long VECTOR = STEP;

    private VectorZeroTest() {}

    /**
     * In the loop one load a step and no exit: unrolled by hand, or with a look at the sum now and then, it reads from memory
     * at little more than half the rate. No method here takes or returns a vector: where the compiler chooses not to inline
     * it, vectors become objects.
     */
    static boolean test(MemorySegment memory, long at, int length) {
        if (memory.get(LONG, at) != 0) {
            return false;
        }
        long end = at + length;
        if (LongVector.fromMemorySegment(SPECIES, memory, end - 2 * VECTOR, ORDER)
                .or(LongVector.fromMemorySegment(SPECIES, memory, end - VECTOR, ORDER))
                .compare(VectorOperators.NE, 0)
                .anyTrue()) {
            return false;
        }
        if (2 * VECTOR < TAIL
                && LongVector.fromMemorySegment(SPECIES, memory, end - 4 * VECTOR, ORDER)
                        .or(LongVector.fromMemorySegment(SPECIES, memory, end - 3 * VECTOR, ORDER))
                        .compare(VectorOperators.NE, 0)
                        .anyTrue()) {
            return false;
        }
        LongVector any = LongVector.zero(SPECIES);
        for (int i = 0; i < length - TAIL; i += STEP) {
            any = any.or(LongVector.fromMemorySegment(SPECIES, memory, at + i, ORDER));
        }
        return !any.compare(VectorOperators.NE, 0).anyTrue();
    }
}
