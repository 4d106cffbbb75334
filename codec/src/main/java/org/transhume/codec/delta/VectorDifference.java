package org.transhume.codec.delta;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/** Which bytes of two pages differ, by vectors. Touched only where there are any. */
final class VectorDifference {
    private static final ByteOrder ORDER = ByteOrder.nativeOrder();
    private static final VectorSpecies<Byte> HALF = ByteVector.SPECIES_256;
    private static final VectorSpecies<Byte> WHOLE = ByteVector.SPECIES_512;
    private static final boolean IN_ONE = ByteVector.SPECIES_PREFERRED.length() >= 64;

    private VectorDifference() {}

    /** Sets bit i of {@code differs} where byte i differs; returns the OR of all words. */
    static long compare(MemorySegment old, long oldAt, MemorySegment fresh, long freshAt, long[] differs) {
        long any = 0;
        for (int word = 0; word < differs.length; word++) {
            long at = (long) word << 6;
            long bits = IN_ONE
                    ? compare(WHOLE, old, oldAt + at, fresh, freshAt + at)
                    : compare(HALF, old, oldAt + at, fresh, freshAt + at)
                            | compare(HALF, old, oldAt + at + 32, fresh, freshAt + at + 32) << 32;
            differs[word] = bits;
            any |= bits;
        }
        return any;
    }

    private static long compare(
            VectorSpecies<Byte> species, MemorySegment old, long oldAt, MemorySegment fresh, long freshAt) {
        return ByteVector.fromMemorySegment(species, old, oldAt, ORDER)
                .compare(VectorOperators.NE, ByteVector.fromMemorySegment(species, fresh, freshAt, ORDER))
                .toLong();
    }

    /**
     * Copies {@code length} bytes. At least 64 must be there to be read, and up to 63 behind the last one written are
     * overwritten if they are fewer.
     */
    static void copy(MemorySegment from, long fromAt, MemorySegment to, long toAt, int length) {
        if (length > 32) {
            for (int at = 0; at < length - 64; at += 64) {
                copy32(from, fromAt + at, to, toAt + at);
                copy32(from, fromAt + at + 32, to, toAt + at + 32);
            }
            int last = Math.max(0, length - 64);
            copy32(from, fromAt + last, to, toAt + last);
            copy32(from, fromAt + last + 32, to, toAt + last + 32);
        } else {
            copy32(from, fromAt, to, toAt);
        }
    }

    private static void copy32(MemorySegment from, long fromAt, MemorySegment to, long toAt) {
        ByteVector.fromMemorySegment(HALF, from, fromAt, ORDER).intoMemorySegment(to, toAt, ORDER);
    }
}
