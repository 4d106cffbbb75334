package org.transhume.codec;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.Test;

class ZeroPageTest {
    private static final int PAGE = 4096;

    @Test
    void takesAPageOfZeroesForZeroWhateverSurroundsIt() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment memory = arena.allocate(3 * PAGE).fill((byte) 0xff);
            memory.asSlice(PAGE, PAGE).fill((byte) 0);

            assertTrue(ZeroPage.test(memory, PAGE, PAGE));
        }
    }

    @Test
    void findsASingleBitAnywhereInThePage() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment memory = arena.allocate(PAGE);

            for (int at = 0; at < PAGE; at++) {
                memory.set(ValueLayout.JAVA_BYTE, at, (byte) (1 << (at & 7)));
                assertFalse(ZeroPage.test(memory, 0, PAGE), "byte " + at);
                memory.set(ValueLayout.JAVA_BYTE, at, (byte) 0);
            }
            assertTrue(ZeroPage.test(memory, 0, PAGE));
        }
    }
}
