package org.transhume.codec;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Test;

class SampleHashTest {
    /** The algorithm's own test vector for nothing, with seed 1: D5AFBA1336A3BE4B. */
    @Test
    void isTheLowerHalfOfXxh64WithSeedOne() {
        assertEquals(0x36A3BE4B, SampleHash.of(MemorySegment.ofArray(new byte[8]), 8, 0));
    }

    @Test
    void isTheSameOnAndOffTheHeapAndTellsOneBit() {
        byte[] text = "What travels is smaller than what was written.".getBytes(US_ASCII);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment outside = arena.allocate(4096 + text.length);
            MemorySegment.copy(text, 0, outside, JAVA_BYTE, 4096, text.length);

            int first = SampleHash.of(outside, 4096, text.length);
            outside.set(JAVA_BYTE, 4096 + 7, (byte) (text[7] ^ 1));

            assertEquals(SampleHash.of(MemorySegment.ofArray(text), 0, text.length), first);
            assertNotEquals(first, SampleHash.of(outside, 4096, text.length));
        }
    }
}
