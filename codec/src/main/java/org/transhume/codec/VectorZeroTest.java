package org.transhume.codec;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/** {@link ZeroPage} by vectors of 256 bits: 512 bits are no faster, as memory is the limit. */
final class VectorZeroTest {
    private static final ByteOrder ORDER = ByteOrder.nativeOrder();
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ORDER);
    private static final VectorSpecies<Long> SPECIES = LongVector.SPECIES_256;
    private static final long VECTOR = SPECIES.vectorByteSize();
    private static final long BLOCK = 8 * VECTOR;

    private VectorZeroTest() {}

    static boolean test(MemorySegment memory, long at, int length) {
        long end = at + length;
        if (memory.get(LONG, at) != 0 || !blockIsZero(memory, end - BLOCK)) {
            return false;
        }
        // The tail is known by now.
        for (end -= BLOCK; at < end; at += BLOCK) {
            if (!blockIsZero(memory, at)) {
                return false;
            }
        }
        return true;
    }

    private static boolean blockIsZero(MemorySegment memory, long at) {
        LongVector low = load(memory, at)
                .or(load(memory, at + VECTOR))
                .or(load(memory, at + 2 * VECTOR))
                .or(load(memory, at + 3 * VECTOR));
        LongVector high = load(memory, at + 4 * VECTOR)
                .or(load(memory, at + 5 * VECTOR))
                .or(load(memory, at + 6 * VECTOR))
                .or(load(memory, at + 7 * VECTOR));
        return low.or(high).reduceLanes(VectorOperators.OR) == 0;
    }

    private static LongVector load(MemorySegment memory, long at) {
        return LongVector.fromMemorySegment(SPECIES, memory, at, ORDER);
    }
}
