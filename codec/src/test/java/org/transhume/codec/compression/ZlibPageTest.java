package org.transhume.codec.compression;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeout;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.time.Duration;
import java.util.Arrays;
import java.util.Random;
import java.util.zip.InflaterInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.transhume.codec.CorruptDataException;

class ZlibPageTest implements CompressionContract {
    @Override
    public Compressor compressor() {
        return new ZlibPageCompressor(1);
    }

    @Override
    public Decompressor decompressor() {
        return new ZlibPageDecompressor();
    }

    @Override
    public boolean hasCheckSum() {
        return true;
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 5, 9})
    void isAWholeStreamAPageThatAPlainInflaterReadsToItsEnd(int level) throws IOException {
        Random random = new Random(level);
        try (BatchBuffers buffers = new BatchBuffers(PAGE, ZlibPageCompressor.MAX_PACKED);
                Compressor compressor = new ZlibPageCompressor(level)) {
            for (int i = 0; i < 100; i++) {
                byte[] page = Batches.any(random, 1);

                byte[] body = Batches.pack(compressor, buffers, page);

                InflaterInputStream inflater = new InflaterInputStream(new ByteArrayInputStream(body));
                assertArrayEquals(page, inflater.readAllBytes());
            }
        }
    }

    @Test
    void readsPagesThatQemuWrote() throws Exception {
        try (Decompressor decompressor = decompressor()) {

            assertEquals(
                    "141db5329082a1640c3341e875559acb652e0fead8a6222c8bca229264ee5cd2",
                    Packets.digest("page-7.2.22.bin", decompressor));
        }
    }

    @Test
    void isAsNewBehindACorruptPage() {
        byte[] page = Batches.any(new Random(1), 1);
        byte[] body = ZlibStreamTest.deflate(page);
        try (BatchBuffers buffers = new BatchBuffers(ROOM, BatchBuffers.MAX_PACKED);
                Decompressor decompressor = decompressor()) {
            byte[] cut = Arrays.copyOf(body, body.length / 2);
            assertThrows(CorruptDataException.class, () -> Batches.unpack(decompressor, buffers, cut, PAGE));

            assertArrayEquals(page, Batches.unpack(decompressor, buffers, body, PAGE));
        }
    }

    @Test
    void refusesWhatFollowsTheEnd() {
        byte[] body = ZlibStreamTest.deflate(Batches.any(new Random(1), 1));
        byte[] twice = Arrays.copyOf(body, 2 * body.length);
        System.arraycopy(body, 0, twice, body.length, body.length);

        CorruptDataException e = ZlibStreamTest.refusal(decompressor(), twice, PAGE);

        assertTrue(e.getMessage().contains(body.length + " bytes follow"), e.getMessage());
    }

    @Test
    void refusesAStreamThatDoesNotEnd() {
        byte[] page = Batches.any(new Random(1), 1);
        byte[] body;
        try (BatchBuffers buffers = new BatchBuffers(ROOM, BatchBuffers.MAX_PACKED);
                Compressor endless = new ZlibStreamCompressor(1)) {
            body = Batches.pack(endless, buffers, page);
        }

        CorruptDataException e = ZlibStreamTest.refusal(decompressor(), body, PAGE);

        assertTrue(e.getMessage().contains("does not end"), e.getMessage());
    }

    @Test
    void stopsABombAtTheFirstByteTooMany() {
        byte[] bomb = ZlibStreamTest.bomb();

        CorruptDataException e =
                assertTimeout(Duration.ofSeconds(10), () -> ZlibStreamTest.refusal(decompressor(), bomb, PAGE));

        assertTrue(e.getMessage().contains("more comes out"), e.getMessage());
    }

    @Test
    void takesItsLevelFrom0To9() {
        assertThrows(IllegalArgumentException.class, () -> new ZlibPageCompressor(-1));
        assertThrows(IllegalArgumentException.class, () -> new ZlibPageCompressor(10));
    }
}
