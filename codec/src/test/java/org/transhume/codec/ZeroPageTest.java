package org.transhume.codec;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** One contract for every implementation. */
class ZeroPageTest {
    private static final int PAGE = 4096;

    enum Implementation {
        CHOSEN {
            @Override
            boolean test(MemorySegment memory, long at, int length) {
                return ZeroPage.test(memory, at, length);
            }
        },
        PUBLIC_PLAIN {
            @Override
            boolean test(MemorySegment memory, long at, int length) {
                return ZeroPage.testPlainly(memory, at, length);
            }
        },
        PLAIN {
            @Override
            boolean test(MemorySegment memory, long at, int length) {
                return PlainZeroTest.test(memory, at, length);
            }
        },
        VECTOR {
            @Override
            boolean test(MemorySegment memory, long at, int length) {
                assumeTrue(ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent());
                return VectorZeroTest.test(memory, at, length);
            }
        };

        abstract boolean test(MemorySegment memory, long at, int length);
    }

    @ParameterizedTest
    @EnumSource
    void takesAPageOfZeroesForZeroWhateverSurroundsIt(Implementation zero) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment memory = arena.allocate(3 * PAGE).fill((byte) 0xff);
            memory.asSlice(PAGE, PAGE).fill((byte) 0);

            assertTrue(zero.test(memory, PAGE, PAGE));
            assertFalse(zero.test(memory, PAGE - 1, PAGE));
            assertFalse(zero.test(memory, PAGE + 1, PAGE));
        }
    }

    @ParameterizedTest
    @EnumSource
    void findsASingleBitAnywhereInAPageOfAnySize(Implementation zero) {
        try (Arena arena = Arena.ofConfined()) {
            for (int length : new int[] {1024, 2048, 3072, PAGE, 16 * 1024}) {
                MemorySegment memory = arena.allocate(length);

                for (int at = 0; at < length; at++) {
                    memory.set(ValueLayout.JAVA_BYTE, at, (byte) (1 << (at & 7)));
                    assertFalse(zero.test(memory, 0, length), "byte " + at + " of " + length);
                    memory.set(ValueLayout.JAVA_BYTE, at, (byte) 0);
                }
                assertTrue(zero.test(memory, 0, length), length + " bytes");
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void agreesWithALoopOverTheBytesAtAnyPlace(Implementation zero) {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment memory = arena.allocate(4 * PAGE);
            MemorySegment nothing = arena.allocate(4 * PAGE);

            for (int i = 0; i < 2_000; i++) {
                memory.fill((byte) 0);
                memory.set(ValueLayout.JAVA_BYTE, random.nextInt(4 * PAGE), (byte) (1 + random.nextInt(255)));
                int length = 1024 * (1 + random.nextInt(8));
                long at = random.nextInt(4 * PAGE - length + 1);
                boolean expected = memory.asSlice(at, length).mismatch(nothing.asSlice(0, length)) == -1;

                assertEquals(expected, zero.test(memory, at, length), "seed " + seed + ", round " + i);
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void readsNothingBeyondTheSegment(Implementation zero) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment memory = arena.allocate(PAGE);

            assertTrue(zero.test(memory, 0, PAGE));
            assertThrows(IndexOutOfBoundsException.class, () -> zero.test(memory, 1024, PAGE));
            assertThrows(IndexOutOfBoundsException.class, () -> zero.test(memory, -1024, PAGE));
        }
    }
}
