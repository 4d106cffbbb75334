package org.transhume.memory;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * Finds the next word that is not zero, sixteen at a time in long stretches where the Vector API is there: most of a bitmap
 * is zeroes.
 */
final class WordScan {
    /** Coordinates: segment, byte offset. */
    static final VarHandle WORD = ValueLayout.JAVA_LONG.varHandle();

    private static final int BLOCK = 16;
    /**
     * Words from which vectors pay, 128 GiB of guest RAM. A vector loop that was not compiled yet takes a microsecond a step,
     * and the harvests of a pause are few: tens of milliseconds where plain words take one.
     */
    private static final long LONG_STRETCH = 1 << 19;

    private static final boolean VECTORS =
            ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent();

    private WordScan() {}

    /** The first word of {@code from} to {@code to - 1} that is not zero, or {@code to}. */
    static long nextNonZero(MemorySegment words, long from, long to) {
        long word = from;
        if (VECTORS && to - from >= LONG_STRETCH) {
            for (long block = Math.min(to, (from + BLOCK - 1) & -BLOCK); word < block; word++) {
                if (nonZero(words, word)) {
                    return word;
                }
            }
            word = Vectors.skipZeroBlocks(words, word, to);
        }
        while (word < to && !nonZero(words, word)) {
            word++;
        }
        return word;
    }

    // Opaque: each call looks at memory anew. What the bit stands for is ordered by whoever takes the bit.
    private static boolean nonZero(MemorySegment words, long word) {
        return (long) WORD.getOpaque(words, word << 3) != 0;
    }

    /** Apart, so that a JVM started without the module never loads it. */
    private static final class Vectors {
        private static final VectorSpecies<Long> SPECIES = LongVector.SPECIES_256;
        private static final int STEP = 32;

        static long skipZeroBlocks(MemorySegment words, long from, long to) {
            long word = from;
            for (; word + BLOCK <= to; word += BLOCK) {
                long at = word << 3;
                LongVector any = load(words, at)
                        .or(load(words, at + STEP))
                        .or(load(words, at + 2 * STEP).or(load(words, at + 3 * STEP)));
                if (any.compare(VectorOperators.NE, 0).anyTrue()) {
                    break;
                }
            }
            return word;
        }

        private static LongVector load(MemorySegment words, long at) {
            return LongVector.fromMemorySegment(SPECIES, words, at, ByteOrder.nativeOrder());
        }
    }
}
