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

    private static final int VECTOR = SPECIES.vectorByteSize();
    private static final int TAIL = 128;

    private VectorZeroTest() {}

    /**
     * In the loop one load a step and no exit: unrolled by hand, or with a look at the sum now and then, it reads from memory
     * at little more than half the rate.
     */
    static boolean test(MemorySegment memory, long at, int length) {
        if (memory.get(LONG, at) != 0 || !tailIsZero(memory, at + length)) {
            return false;
        }
        LongVector any = LongVector.zero(SPECIES);
        for (int i = 0; i < length - TAIL; i += VECTOR) {
            any = any.or(load(memory, at + i));
        }
        return isZero(any);
    }

    private static boolean tailIsZero(MemorySegment memory, long end) {
        LongVector any = load(memory, end - TAIL).or(load(memory, end - VECTOR));
        if (VECTOR < TAIL / 2) {
            any = any.or(load(memory, end - 3L * VECTOR)).or(load(memory, end - 2L * VECTOR));
        }
        return isZero(any);
    }

    private static boolean isZero(LongVector any) {
        return !any.compare(VectorOperators.NE, 0).anyTrue();
    }

    private static LongVector load(MemorySegment memory, long at) {
        return LongVector.fromMemorySegment(SPECIES, memory, at, ORDER);
    }
}
