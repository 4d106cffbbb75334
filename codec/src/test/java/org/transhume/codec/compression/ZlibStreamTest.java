package org.transhume.codec.compression;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeout;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.time.Duration;
import java.util.Arrays;
import java.util.Random;
import java.util.zip.Deflater;
import java.util.zip.InflaterInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.transhume.codec.CorruptDataException;

class ZlibStreamTest implements CompressionContract {
    @Override
    public Compressor compressor() {
        return new ZlibStreamCompressor(1);
    }

    @Override
    public Decompressor decompressor() {
        return new ZlibStreamDecompressor();
    }

    @Override
    public boolean hasCheckSum() {
        return false;
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 5, 9})
    void isOneStreamThatAPlainInflaterReads(int level) throws IOException {
        Random random = new Random(level);
        ByteArrayOutputStream plain = new ByteArrayOutputStream();
        ByteArrayOutputStream stream = new ByteArrayOutputStream();

        try (BatchBuffers buffers = new BatchBuffers(ROOM, BatchBuffers.MAX_PACKED);
                Compressor compressor = new ZlibStreamCompressor(level)) {
            for (int i = 0; i < 8; i++) {
                byte[] batch = Batches.any(random);
                byte[] body = Batches.pack(compressor, buffers, batch);
                assertArrayEquals(
                        new byte[] {0, 0, -1, -1},
                        Arrays.copyOfRange(body, body.length - 4, body.length),
                        "batch " + i);
                plain.writeBytes(batch);
                stream.writeBytes(body);
            }
        }

        InflaterInputStream inflater = new InflaterInputStream(new ByteArrayInputStream(stream.toByteArray()));
        assertArrayEquals(plain.toByteArray(), inflater.readNBytes(plain.size()));
    }

    @ParameterizedTest
    @CsvSource({
        "zlib-10.0.2.bin, 43d2c6be2ca13793a3a8e455972798f00b407cbbfac85fe4c4321ff82c7293b6",
        "zlib-7.2.22.bin, 3256be0b3d15fc73bd10bad0ef88a28c45ff0da80645a86cd0d68a7114b8045a",
        "zlib-small-window.bin, ba8df62f6d3c47a94740547f86f115a61590973879a6957d1ef6b69bf87af62e"
    })
    void readsWhatOthersWrote(String packets, String digest) throws Exception {
        try (Decompressor decompressor = decompressor()) {

            assertEquals(digest, Packets.digest(packets, decompressor));
        }
    }

    @Test
    void refusesAStreamThatEnds() {
        byte[] page = Batches.any(new Random(1), 1);
        byte[] ended = deflate(page);

        CorruptDataException e = refusal(ended, page.length);

        assertTrue(e.getMessage().contains("the stream ends"), e.getMessage());
    }

    @Test
    void refusesAStreamThatBeginsAnew() {
        byte[] page = Batches.any(new Random(1), 1);
        try (BatchBuffers buffers = new BatchBuffers(ROOM, BatchBuffers.MAX_PACKED);
                Decompressor decompressor = decompressor()) {
            byte[] body;
            try (Compressor compressor = compressor()) {
                body = Batches.pack(compressor, buffers, page);
            }
            Batches.unpack(decompressor, buffers, body, page.length);

            assertThrows(CorruptDataException.class, () -> Batches.unpack(decompressor, buffers, body, page.length));
        }
    }

    @Test
    void refusesAStreamThatNeedsADictionary() {
        Deflater deflater = new Deflater();
        deflater.setDictionary(new byte[] {1, 2, 3});
        byte[] page = new byte[PAGE];
        deflater.setInput(page);
        byte[] body = new byte[PAGE];
        int length = deflater.deflate(body, 0, body.length, Deflater.SYNC_FLUSH);
        deflater.end();

        CorruptDataException e = refusal(Arrays.copyOf(body, length), page.length);

        assertTrue(e.getMessage().contains("dictionary"), e.getMessage());
    }

    @Test
    void stopsABombAtTheFirstByteTooMany() {
        byte[] bomb = bomb();

        CorruptDataException e = assertTimeout(Duration.ofSeconds(10), () -> refusal(bomb, Batches.PAGES * PAGE));

        assertTrue(e.getMessage().contains("more comes out"), e.getMessage());
    }

    @Test
    void takesItsLevelFrom0To9() {
        assertThrows(IllegalArgumentException.class, () -> new ZlibStreamCompressor(-1));
        assertThrows(IllegalArgumentException.class, () -> new ZlibStreamCompressor(10));
    }

    static CorruptDataException refusal(Decompressor decompressor, byte[] body, int plainBytes) {
        try (BatchBuffers buffers = new BatchBuffers(ROOM, BatchBuffers.MAX_PACKED);
                decompressor) {
            return assertThrows(
                    CorruptDataException.class, () -> Batches.unpack(decompressor, buffers, body, plainBytes));
        }
    }

    private CorruptDataException refusal(byte[] body, int plainBytes) {
        return refusal(decompressor(), body, plainBytes);
    }

    static byte[] deflate(byte[] plain) {
        Deflater deflater = new Deflater(1);
        deflater.setInput(plain);
        deflater.finish();
        byte[] packed = new byte[plain.length + 100];
        int length = deflater.deflate(packed);
        deflater.end();
        return Arrays.copyOf(packed, length);
    }

    /** A MiB that inflates to a GiB. */
    static byte[] bomb() {
        byte[] bomb = new byte[BatchBuffers.MAX_PACKED];
        Deflater deflater = new Deflater(9);
        byte[] zeroes = new byte[1 << 20];
        int at = 0;
        while (at < bomb.length) {
            deflater.setInput(zeroes);
            at += deflater.deflate(bomb, at, bomb.length - at);
        }
        deflater.end();
        return bomb;
    }
}
