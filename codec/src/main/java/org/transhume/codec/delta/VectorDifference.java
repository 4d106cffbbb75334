package org.transhume.codec.delta;

import java.lang.foreign.Arena;
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

    /** Returns when {@link #compare} is compiled, at once after the first time. */
    static void compile() {
        Compiled.touch();
    }

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
     * A vector operation that is interpreted takes a microsecond and more, a page of them a millisecond: where the first
     * deltas are those of a pause, it would be longer by tenths of a second. In a class of its own, since what its own
     * initialisation calls is not compiled well.
     */
    private static final class Compiled {
        private static final int PAGES = 256;
        private static final long FAST = PAGES * 2_000L;
        private static final long ENOUGH = 500_000_000;

        static {
            long[] differs = new long[Page.BYTES / Long.SIZE];
            MemorySegment pages = Arena.ofAuto().allocate(2 * Page.BYTES, Page.BYTES);
            long start = System.nanoTime();
            long now = start;
            long before;
            do {
                before = now;
                for (int page = 0; page < PAGES; page++) {
                    var _ = compare(pages, 0, pages, Page.BYTES, differs);
                }
                now = System.nanoTime();
            } while (now - before > FAST && now - start < ENOUGH);
        }

        static void touch() {}
    }
}
