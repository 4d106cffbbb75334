package org.transhume.codec.delta;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.transhume.codec.CorruptDataException;

class XbzrleDecoderTest {
    private static final HexFormat HEX = HexFormat.of();
    private static final byte GUARD = 0x5a;

    private final Arena arena = Arena.ofConfined();
    private final MemorySegment memory = arena.allocate(3 * Page.BYTES);

    @AfterEach
    void close() {
        arena.close();
    }

    @Test
    void appliesRunsAndLeavesTheRestAsItWas() {
        memory.fill(GUARD);

        decode(HEX.parseHex("7f01aa800102bbcc"));

        byte[] expected = new byte[3 * Page.BYTES];
        Arrays.fill(expected, GUARD);
        expected[Page.BYTES + 127] = (byte) 0xaa;
        expected[Page.BYTES + 256] = (byte) 0xbb;
        expected[Page.BYTES + 257] = (byte) 0xcc;
        assertArrayEquals(expected, memory.toArray(ValueLayout.JAVA_BYTE));
    }

    @Test
    void appliesADeltaThatReachesTheLastByte() {
        decode(HEX.parseHex("ff1f01ff"));

        assertEquals((byte) 0xff, memory.get(ValueLayout.JAVA_BYTE, 2 * Page.BYTES - 1));
        assertEquals(0, memory.get(ValueLayout.JAVA_BYTE, 2 * Page.BYTES));
    }

    @ParameterizedTest
    @CsvSource({
        "ff, '1 bytes left at byte 0 of 1, expected a run of unchanged bytes'",
        "05, '1 bytes left at byte 0 of 1'",
        "01, '1 bytes left at byte 0 of 1'",
        "'', 'delta of 0 bytes, expected 1..4096'",
        "0000, '1 bytes left at byte 1 of 2, expected a run of new bytes'",
        "000000, 'a run of 0 new bytes at byte 1'",
        "8000, '0 bytes left at byte 2 of 2, expected a run of new bytes'",
        "0001aa00, '1 bytes left at byte 3 of 4'",
        "0001aa0001bb, 'a run of 0 unchanged bytes at byte 3'",
        "00808001, 'byte 2 is 0x80, expected the second and last byte of a length'",
        "ff8001, 'byte 1 is 0x80, expected the second'",
        "802001aa, '1 new bytes at byte 2 of the delta, but only 0 of the page are left'",
        "812001aa, '4097 unchanged bytes at byte 0 of the delta, but only 4096 of the page are left'",
        "ff1f02aabb, '2 new bytes at byte 2 of the delta, but only 1 of the page are left'",
        "ff7f01aa, '16383 unchanged bytes'",
        "0002aa, '2 new bytes announced at byte 1, but the delta ends after 1'",
        "00ff7faa, '16383 new bytes at byte 1'",
    })
    void refusesWhatNoEncoderMakes(String delta, String expected) {
        CorruptDataException refused = assertThrows(CorruptDataException.class, () -> decode(HEX.parseHex(delta)));

        assertTrue(refused.getMessage().contains(expected), refused.getMessage());
        assertGuards(0, 0);
    }

    @Test
    void refusesADeltaLongerThanAPage() {
        CorruptDataException refused = assertThrows(CorruptDataException.class, () -> decode(new byte[Page.BYTES + 1]));

        assertTrue(refused.getMessage().contains("delta of 4097 bytes, expected 1..4096"), refused.getMessage());
    }

    @Test
    void decidesOnAnyBytesAsTheSpecificationDoesAndKeepsToThePage() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        int applied = 0;
        int refused = 0;
        for (int i = 0; i < 10_000; i++) {
            byte[] old = PagePairs.page(random);
            byte[] delta = hostile(old, random);
            byte[] expected = old.clone();
            boolean wellFormed = NaiveXbzrle.decode(delta, expected);
            memory.fill(GUARD);
            MemorySegment.copy(old, 0, memory, ValueLayout.JAVA_BYTE, Page.BYTES, Page.BYTES);
            String where = "seed " + seed + ", delta " + i;

            try {
                decode(delta);
                applied++;
                assertTrue(wellFormed, where);
                assertEquals(
                        -1, MemorySegment.ofArray(expected).mismatch(memory.asSlice(Page.BYTES, Page.BYTES)), where);
            } catch (CorruptDataException e) {
                refused++;
                assertTrue(!wellFormed, where);
            }
            assertGuards(GUARD, i);
        }
        assertTrue(applied > 500 && refused > 500, "seed %d: %d, %d".formatted(seed, applied, refused));
    }

    /** A proper delta, cut, with bytes overwritten, or nothing but random bytes. */
    private static byte[] hostile(byte[] old, Random random) {
        byte[] delta = NaiveXbzrle.encode(old, PagePairs.changed(old, random));
        if (delta == null || delta.length == 0 || random.nextInt(4) == 0) {
            delta = new byte[random.nextInt(40)];
            random.nextBytes(delta);
            if (random.nextBoolean()) {
                for (int at = 0; at < delta.length; at++) {
                    delta[at] &= 3;
                }
            }
            return delta;
        }
        if (random.nextBoolean()) {
            delta = Arrays.copyOf(delta, random.nextInt(delta.length + 1));
        }
        for (int i = random.nextInt(3); i > 0 && delta.length > 0; i--) {
            delta[random.nextInt(Math.min(delta.length, 20))] = (byte) random.nextInt();
        }
        return delta;
    }

    /** From a segment of exactly its size, so that a read beyond it fails. */
    private void decode(byte[] delta) {
        XbzrleDecoder.decode(MemorySegment.ofArray(delta), 0, delta.length, memory, Page.BYTES);
    }

    private void assertGuards(int guard, int round) {
        byte[] expected = new byte[Page.BYTES];
        Arrays.fill(expected, (byte) guard);
        for (long at : new long[] {0, 2L * Page.BYTES}) {
            assertEquals(
                    -1, MemorySegment.ofArray(expected).mismatch(memory.asSlice(at, Page.BYTES)), "delta " + round);
        }
    }
}
