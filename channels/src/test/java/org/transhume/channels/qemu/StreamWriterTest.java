package org.transhume.channels.qemu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.ByteArrayOutputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class StreamWriterTest {
    private static final int PAGE = 4096;
    private static final int PAGES = 64;

    @Test
    void numbersAreBigEndianAndNamesStandBehindTheirLength() throws Exception {
        byte[] written = Wired.written(out -> out.u8(0x101)
                .be16(0x1234)
                .be32(0x89abcdef)
                .be64(0x0123456789abcdefL)
                .str8("pc.ram")
                .str8(""));

        assertEquals(Wired.spec("01 1234 89abcdef 0123456789abcdef 06 70632e72616d 00"), Wired.hex(written));
    }

    @Test
    void aNameOfMoreThan255BytesIsRefused() {
        assertThrows(IllegalArgumentException.class, () -> Wired.written(out -> out.str8("x".repeat(256))));
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4})
    void numbersBlobsAndBorrowedPagesLeaveInTheirOrder(long seed) throws Exception {
        Random random = new Random(seed);
        ByteArrayOutputStream expected = new ByteArrayOutputStream();
        BytesConnection connection = new BytesConnection();
        try (Arena arena = Arena.ofConfined();
                StreamWriter out = new StreamWriter(connection)) {
            MemorySegment ram = arena.allocate(PAGES * PAGE);
            for (long at = 0; at < ram.byteSize(); at++) {
                ram.set(ValueLayout.JAVA_BYTE, at, (byte) random.nextInt());
            }
            for (int i = 0; i < 3000; i++) {
                switch (random.nextInt(4)) {
                    case 0 -> {
                        long number = random.nextLong();
                        out.be64(number);
                        expected.writeBytes(Wired.bytes("%016x".formatted(number)));
                    }
                    case 1 -> {
                        byte[] blob = new byte[random.nextInt(i % 100 == 0 ? 200_000 : 300)];
                        random.nextBytes(blob);
                        out.bytes(blob);
                        expected.writeBytes(blob);
                    }
                    default -> {
                        long at = (long) random.nextInt(PAGES) * PAGE;
                        out.borrowed(ram, at, PAGE);
                        expected.writeBytes(ram.asSlice(at, PAGE).toArray(ValueLayout.JAVA_BYTE));
                    }
                }
                assertEquals(expected.size(), out.offset(), "seed %d, step %d".formatted(seed, i));
            }
            out.flush();
        }

        assertArrayEquals(expected.toByteArray(), connection.written(), "seed " + seed);
    }

    @Test
    void aBorrowedPageIsSentAsItIsAtTheFlush() throws Exception {
        BytesConnection connection = new BytesConnection();
        try (Arena arena = Arena.ofConfined();
                StreamWriter out = new StreamWriter(connection)) {
            MemorySegment ram = arena.allocate(PAGE);
            out.borrowed(ram, 0, PAGE);
            ram.fill((byte) 7);

            out.flush();

            assertArrayEquals(ram.toArray(ValueLayout.JAVA_BYTE), connection.written());
        }
    }
}
