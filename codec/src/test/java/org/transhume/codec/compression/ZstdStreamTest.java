package org.transhume.codec.compression;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeout;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.github.luben.zstd.Zstd;
import com.github.luben.zstd.ZstdCompressCtx;
import com.github.luben.zstd.ZstdInputStream;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.transhume.codec.CorruptDataException;

class ZstdStreamTest implements CompressionContract {
    private static final int MAGIC = 0xfd2fb528;

    // Window descriptors: the power of two above 10 in their upper five bits, eighths more in the lower three.
    private static final int WINDOW_1_MIB = 10 << 3;
    private static final int WINDOW_32_MIB = 15 << 3;

    @Override
    public Compressor compressor() {
        return new ZstdStreamCompressor(1);
    }

    @Override
    public Decompressor decompressor() {
        return new ZstdStreamDecompressor();
    }

    @Override
    public boolean hasCheckSum() {
        return false;
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 9, 19})
    void isOneFrameThatTheLibrarysInputStreamReads(int level) throws IOException {
        Random random = new Random(level);
        ByteArrayOutputStream plain = new ByteArrayOutputStream();
        ByteArrayOutputStream frame = new ByteArrayOutputStream();

        try (BatchBuffers buffers = new BatchBuffers(ROOM, BatchBuffers.MAX_PACKED);
                Compressor compressor = new ZstdStreamCompressor(level)) {
            for (int i = 0; i < 4; i++) {
                byte[] batch = Batches.any(random);
                plain.writeBytes(batch);
                frame.writeBytes(Batches.pack(compressor, buffers, batch));
            }
        }

        try (ZstdInputStream in = new ZstdInputStream(new ByteArrayInputStream(frame.toByteArray()))) {
            assertArrayEquals(plain.toByteArray(), in.setContinuous(true).readNBytes(plain.size()));
        }
    }

    @ParameterizedTest
    @CsvSource({
        "zstd-10.0.2.bin, 13549f6688c1d65ba52f4b1d328df53224cab325c4eec6c804560b5b8e721354",
        "zstd-7.2.22.bin, 55da2bd5c0709ecaaf4df69a5330b3156150ce04609182de50f89d780bd346c6"
    })
    void readsWhatQemuWrote(String packets, String digest) throws Exception {
        try (Decompressor decompressor = decompressor()) {

            assertEquals(digest, Packets.digest(packets, decompressor));
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void takesFramesThatEndOnePerPacketOrOnePerPageWithOrWithoutCheckSum(boolean checkSum) {
        Random random = new Random(1);
        try (BatchBuffers buffers = new BatchBuffers(ROOM, BatchBuffers.MAX_PACKED);
                Compressor endless = compressor();
                Decompressor decompressor = decompressor();
                ZstdCompressCtx frames = new ZstdCompressCtx().setLevel(1).setChecksum(checkSum)) {
            for (int i = 0; i < 10; i++) {
                byte[] batch = Batches.any(random, 20);
                ByteArrayOutputStream perPage = new ByteArrayOutputStream();
                for (int at = 0; at < batch.length; at += PAGE) {
                    perPage.writeBytes(frames.compress(Arrays.copyOfRange(batch, at, at + PAGE)));
                }

                byte[] fromPages = Batches.unpack(decompressor, buffers, perPage.toByteArray(), batch.length);
                byte[] fromOne = Batches.unpack(decompressor, buffers, frames.compress(batch), batch.length);

                assertArrayEquals(batch, fromPages);
                assertArrayEquals(batch, fromOne);
            }
            byte[] last = Batches.any(random, 20);
            byte[] body = Batches.pack(endless, buffers, last);

            assertArrayEquals(last, Batches.unpack(decompressor, buffers, body, last.length));
        }
    }

    @Test
    void refusesAWrongCheckSum() {
        byte[] page = Batches.any(new Random(1), 1);
        byte[] body;
        try (ZstdCompressCtx frames = new ZstdCompressCtx().setChecksum(true)) {
            body = frames.compress(page);
        }
        body[body.length - 1] ^= 1;

        CorruptDataException e = refusal(body, PAGE);

        assertTrue(e.getMessage().contains("checksum"), e.getMessage());
    }

    @Test
    void takesTheWindowOfLevel20() {
        byte[] batch = Batches.any(new Random(1), 4);
        try (BatchBuffers buffers = new BatchBuffers(ROOM, BatchBuffers.MAX_PACKED);
                Compressor compressor = new ZstdStreamCompressor(20);
                Decompressor decompressor = decompressor()) {
            byte[] body = Batches.pack(compressor, buffers, batch);

            assertEquals(WINDOW_32_MIB, body[5], "not the window this test is about");
            assertArrayEquals(batch, Batches.unpack(decompressor, buffers, body, batch.length));
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {WINDOW_32_MIB + 1, WINDOW_32_MIB + 8, WINDOW_32_MIB + 16, 0xa8, 0xff})
    void refusesAnyLargerWindow(int windowDescriptor) {
        byte[] frame = zeroes(windowDescriptor, 1);

        CorruptDataException e = refusal(frame, PAGE);

        assertTrue(e.getMessage().contains("too much memory"), e.getMessage());
    }

    @Test
    void stopsABombAtTheFirstByteTooMany() {
        byte[] bomb = zeroes(WINDOW_1_MIB, (BatchBuffers.MAX_PACKED / 4) - 2); // 32 GiB

        CorruptDataException e = assertTimeout(Duration.ofSeconds(10), () -> refusal(bomb, Batches.PAGES * PAGE));

        assertTrue(e.getMessage().contains("more comes out"), e.getMessage());
    }

    @Test
    void endsAFloodOfEmptyFramesWhoseWindowsGrowAndShrink() {
        byte[] large = {0x28, (byte) 0xb5, 0x2f, (byte) 0xfd, 0, WINDOW_32_MIB, 1, 0, 0};
        byte[] small = {0x28, (byte) 0xb5, 0x2f, (byte) 0xfd, 0, 0, 1, 0, 0};
        ByteBuffer flood = ByteBuffer.allocate((BatchBuffers.MAX_PACKED / small.length) * small.length);
        for (int i = 0; flood.hasRemaining(); i++) {
            flood.put(i % 130 == 0 ? large : small); // 128 small ones make the library let go of the large window
        }

        CorruptDataException e = assertTimeout(Duration.ofSeconds(10), () -> refusal(flood.array(), PAGE));

        assertTrue(e.getMessage().contains("0 bytes came out, expected 4096"), e.getMessage());
    }

    @ParameterizedTest
    @ValueSource(
            ints = {0xfd2fb522, 0xfd2fb523, 0xfd2fb524, 0xfd2fb525, 0xfd2fb526, 0xfd2fb527, 0x184d2a50, 0x184d2a5f})
    void refusesFramesOfOldFormatsAndThoseToSkip(int magic) {
        byte[] frame = zeroes(WINDOW_1_MIB, 1);
        ByteBuffer.wrap(frame).order(ByteOrder.LITTLE_ENDIAN).putInt(magic);

        CorruptDataException e = refusal(frame, PAGE);

        assertTrue(e.getMessage().contains("byte 0 of 10: magic 0x%08x".formatted(magic)), e.getMessage());
    }

    @Test
    void refusesWhatFollowsAFrameAndIsNone() {
        byte[] page = Batches.any(new Random(1), 1);
        byte[] frame = Zstd.compress(page);

        CorruptDataException few = refusal(Arrays.copyOf(frame, frame.length + 3), PAGE);
        CorruptDataException more = refusal(Arrays.copyOf(frame, frame.length + 9), PAGE);

        assertTrue(few.getMessage().contains("3 bytes, expected a frame"), few.getMessage());
        assertTrue(more.getMessage().contains("magic 0x00000000"), more.getMessage());
    }

    @Test
    void takesItsLevelFrom0To20() {
        assertThrows(IllegalArgumentException.class, () -> new ZstdStreamCompressor(-1));
        assertThrows(IllegalArgumentException.class, () -> new ZstdStreamCompressor(21));
    }

    private CorruptDataException refusal(byte[] body, int plainBytes) {
        return ZlibStreamTest.refusal(decompressor(), body, plainBytes);
    }

    /** A frame that does not end, of blocks of 128 KiB of zeroes each (or of the window, where that is smaller). */
    private static byte[] zeroes(int windowDescriptor, int blocks) {
        ByteBuffer frame = ByteBuffer.allocate(6 + (4 * blocks)).order(ByteOrder.LITTLE_ENDIAN);
        frame.putInt(MAGIC).put((byte) 0).put((byte) windowDescriptor);
        for (int i = 0; i < blocks; i++) {
            frame.putInt(((128 << 10) << 3) | (1 << 1)); // one byte repeated; the byte is the fourth, 0
        }
        return frame.array();
    }
}
