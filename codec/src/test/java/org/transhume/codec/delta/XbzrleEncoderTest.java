package org.transhume.codec.delta;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** One contract for both ways of comparing; the vectors V1 to V11 are those of the wire specification. */
class XbzrleEncoderTest {
    private static final HexFormat HEX = HexFormat.of();
    private static final byte GUARD = 0x5a;
    private static final int MARGIN = 128;
    private static final byte[] OVERFLOW = null;

    enum Way {
        VECTORS,
        PLAIN;

        XbzrleEncoder encoder() {
            assumeTrue(this == PLAIN
                    || ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent());
            return new XbzrleEncoder(this == VECTORS);
        }
    }

    private final Arena arena = Arena.ofConfined();
    // As small as they may be, so that a read beyond a page is an error.
    private final MemorySegment old = arena.allocate(Page.BYTES);
    private final MemorySegment fresh = arena.allocate(Page.BYTES);
    private final MemorySegment out = arena.allocate(MARGIN + XbzrleEncoder.ROOM + MARGIN);

    @AfterEach
    void close() {
        arena.close();
    }

    @ParameterizedTest
    @EnumSource
    void sendsNothingForAnUnchangedPage(Way way) {
        assertEquals("", hex(way, zeroes(), zeroes())); // V1
    }

    @ParameterizedTest
    @EnumSource
    void encodesBytesAndRunsAsSpecified(Way way) {
        assertEquals("000101", hex(way, zeroes(), with(zeroes(), 0, 0x01))); // V2
        assertEquals("ff1f01ff", hex(way, zeroes(), with(zeroes(), 4095, 0xff))); // V3
        assertEquals("7f01aa800102bbcc", hex(way, zeroes(), with(with(zeroes(), 127, 0xaa), 256, 0xbb, 0xcc))); // V4
        assertEquals("800101aa", hex(way, zeroes(), with(zeroes(), 128, 0xaa))); // V5
    }

    @ParameterizedTest
    @EnumSource
    void encodesALongRunAsSpecified(Way way) throws Exception {
        byte[] page = zeroes();
        for (int i = 0; i < 200; i++) {
            page[16 + i] = (byte) (i + 1);
        }

        byte[] delta = encode(way, zeroes(), page); // V6

        assertEquals(203, delta.length);
        assertEquals("10c801", HEX.formatHex(delta, 0, 3));
        assertEquals(
                "9a1ddd3b676d6750",
                HEX.formatHex(MessageDigest.getInstance("SHA-256").digest(delta), 0, 8));
    }

    @ParameterizedTest
    @EnumSource
    void comparesWithWhatWasThere(Way way) {
        byte[] counting = zeroes();
        for (int i = 0; i < counting.length; i++) {
            counting[i] = (byte) i;
        }
        byte[] page = with(with(with(counting, 0x100, 0xff, 0xff), 0x104, 0), 0xfff, 0);

        assertEquals("800202ffff020100fa1d0100", hex(way, counting, page)); // V7
    }

    @ParameterizedTest
    @EnumSource
    void overflowsWhereEveryByteOrEveryOtherChanged(Way way) {
        byte[] all = zeroes();
        Arrays.fill(all, (byte) 0x55);

        assertArrayEquals(OVERFLOW, encode(way, zeroes(), all)); // V8
        assertArrayEquals(OVERFLOW, encode(way, zeroes(), everyOther(2048))); // V9
    }

    /** The toy pages of 16 bytes stand at the head of a page whose rest is equal, which is not encoded. */
    @ParameterizedTest
    @EnumSource
    void encodesTheToyPagesAsSpecified(Way way) {
        byte[] toy = with(with(zeroes(), 4, 1, 2, 3, 4), 15, 5);
        byte[] counting = with(zeroes(), 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);

        assertEquals("040401020304070105", hex(way, zeroes(), toy)); // V10
        assertEquals("0001ff0a01ee", hex(way, counting, with(with(counting, 0, 0xff), 11, 0xee))); // V11
    }

    @ParameterizedTest
    @EnumSource
    void overflowsExactlyWhereTheReferenceDoes(Way way) {
        assertEquals(4092, encode(way, zeroes(), everyOther(1364)).length);
        assertArrayEquals(OVERFLOW, encode(way, zeroes(), everyOther(1365)));
    }

    @ParameterizedTest
    @EnumSource
    void takesARunThatFillsTheLimitOnlyUpToTheEndOfThePage(Way way) {
        byte[] fits = zeroes();
        Arrays.fill(fits, 3, 4096, (byte) 1); // 1 + 2 + 4093 bytes
        byte[] overflows = zeroes();
        Arrays.fill(overflows, 2, 4096, (byte) 1);
        byte[] equalAtTheEnd = zeroes();
        Arrays.fill(equalAtTheEnd, 0, 4092, (byte) 1); // 1 + 2 + 4092 bytes, and no room to look on

        assertEquals(4096, encode(way, zeroes(), fits).length);
        assertArrayEquals(OVERFLOW, encode(way, zeroes(), overflows));
        assertArrayEquals(OVERFLOW, encode(way, zeroes(), equalAtTheEnd));
    }

    @ParameterizedTest
    @EnumSource
    void agreesWithAnEncoderWrittenFromTheSpecificationAndIsUndoneByTheDecoder(Way way) {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        int overflows = 0;
        for (int i = 0; i < 3_000; i++) {
            byte[] before = PagePairs.page(random);
            byte[] after = PagePairs.changed(before, random);
            String where = "seed " + seed + ", pair " + i;

            byte[] delta = encode(way, before, after);

            assertArrayEquals(NaiveXbzrle.encode(before, after), delta, where);
            if (delta == null) {
                overflows++;
            } else if (delta.length > 0) {
                assertArrayEquals(after, decoded(delta, before), where);
            }
        }
        assertTrue(overflows > 0, "seed " + seed + ": no overflow among the pairs");
    }

    /** Around the limit, where each of the rules decides some page. */
    @ParameterizedTest
    @EnumSource
    void agreesWithTheSpecificationAroundTheLimit(Way way) {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        int overflows = 0;
        for (int i = 0; i < 3_000; i++) {
            byte[] before = zeroes();
            byte[] after = zeroes();
            for (int at = random.nextInt(3); at < 4096; ) {
                int run = 1 + random.nextInt(i % 2 == 0 ? 2 : 300);
                Arrays.fill(after, at, Math.min(4096, at + run), (byte) 7);
                at += run + 1 + random.nextInt(i % 2 == 0 ? 2 : 4);
            }
            Arrays.fill(after, 4096 - random.nextInt(1400), 4096, (byte) 0);

            byte[] delta = encode(way, before, after);

            assertArrayEquals(NaiveXbzrle.encode(before, after), delta, "seed " + seed + ", page " + i);
            overflows += delta == null ? 1 : 0;
        }
        assertTrue(overflows > 100 && overflows < 2_900, "seed " + seed + ": " + overflows + " overflows");
    }

    @ParameterizedTest
    @EnumSource
    void refusesTooLittleRoom(Way way) {
        XbzrleEncoder encoder = way.encoder();

        assertThrows(
                IndexOutOfBoundsException.class,
                () -> encoder.encode(old, 0, fresh, 0, out, out.byteSize() - XbzrleEncoder.ROOM + 1));
        assertThrows(IndexOutOfBoundsException.class, () -> encoder.encode(old, 1, fresh, 0, out, 0));
        assertThrows(IndexOutOfBoundsException.class, () -> encoder.encode(old, 0, fresh, 1, out, 0));
    }

    private String hex(Way way, byte[] before, byte[] after) {
        return HEX.formatHex(encode(way, before, after));
    }

    /** The delta, or null on overflow; what lies around the room must be left alone. */
    private byte[] encode(Way way, byte[] before, byte[] after) {
        MemorySegment.copy(before, 0, old, ValueLayout.JAVA_BYTE, 0, Page.BYTES);
        MemorySegment.copy(after, 0, fresh, ValueLayout.JAVA_BYTE, 0, Page.BYTES);
        out.fill(GUARD);

        int length = way.encoder().encode(old, 0, fresh, 0, out, MARGIN);

        byte[] guard = new byte[MARGIN];
        Arrays.fill(guard, GUARD);
        assertEquals(-1, MemorySegment.ofArray(guard).mismatch(out.asSlice(0, MARGIN)));
        assertEquals(-1, MemorySegment.ofArray(guard).mismatch(out.asSlice(MARGIN + XbzrleEncoder.ROOM, MARGIN)));
        return length == XbzrleEncoder.OVERFLOW
                ? null
                : out.asSlice(MARGIN, length).toArray(ValueLayout.JAVA_BYTE);
    }

    private byte[] decoded(byte[] delta, byte[] before) {
        MemorySegment page = MemorySegment.ofArray(before.clone());
        XbzrleDecoder.decode(MemorySegment.ofArray(delta), 0, delta.length, page, 0);
        return page.toArray(ValueLayout.JAVA_BYTE);
    }

    private static byte[] zeroes() {
        return new byte[Page.BYTES];
    }

    private static byte[] everyOther(int bytes) {
        byte[] page = zeroes();
        for (int i = 0; i < bytes; i++) {
            page[2 * i] = 0x11;
        }
        return page;
    }

    private static byte[] with(byte[] page, int at, int... bytes) {
        byte[] changed = page.clone();
        for (int i = 0; i < bytes.length; i++) {
            changed[at + i] = (byte) bytes[i];
        }
        return changed;
    }
}
