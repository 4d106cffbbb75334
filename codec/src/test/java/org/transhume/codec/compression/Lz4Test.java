package org.transhume.codec.compression;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTimeout;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.Arrays;
import java.util.Random;
import net.jpountz.lz4.LZ4Factory;
import org.junit.jupiter.api.Test;
import org.transhume.codec.CorruptDataException;

class Lz4Test implements CompressionContract {
    private final LZ4Factory inJava = LZ4Factory.safeInstance();

    @Override
    public Compressor compressor() {
        return new Lz4Compressor();
    }

    @Override
    public Decompressor decompressor() {
        return new Lz4Decompressor();
    }

    @Override
    public boolean hasCheckSum() {
        return false;
    }

    @Test
    void agreesWithTheImplementationInJavaBothWays() {
        Random random = new Random(1);
        try (BatchBuffers buffers = new BatchBuffers(ROOM, BatchBuffers.MAX_PACKED);
                Compressor compressor = compressor();
                Decompressor decompressor = decompressor()) {
            for (int i = 0; i < 20; i++) {
                byte[] batch = Batches.any(random);

                byte[] ours = Batches.pack(compressor, buffers, batch);
                byte[] theirs = inJava.fastCompressor().compress(batch);

                assertArrayEquals(batch, inJava.safeDecompressor().decompress(ours, batch.length));
                assertArrayEquals(batch, Batches.unpack(decompressor, buffers, theirs, batch.length));
            }
        }
    }

    @Test
    void packsEachBatchWithoutThoseBeforeIt() {
        byte[] batch = Batches.any(new Random(2), 8);
        try (BatchBuffers buffers = new BatchBuffers(ROOM, BatchBuffers.MAX_PACKED);
                Compressor compressor = compressor()) {

            byte[] first = Batches.pack(compressor, buffers, batch);
            byte[] again = Batches.pack(compressor, buffers, batch);

            assertArrayEquals(first, again);
        }
    }

    @Test
    void stopsABombAtTheLastByteExpected() {
        byte[] bomb = new byte[BatchBuffers.MAX_PACKED];
        Arrays.fill(bomb, (byte) 0xff);
        bomb[0] = 0x1f; // one literal, then a match of 19 bytes and 255 more for each byte that follows
        bomb[1] = 'x';
        bomb[2] = 1; // from one byte back
        bomb[3] = 0;

        CorruptDataException e = assertTimeout(
                Duration.ofSeconds(10), () -> ZlibStreamTest.refusal(decompressor(), bomb, Batches.PAGES * PAGE));

        assertTrue(e.getMessage().contains("lz4 block of 1048576 bytes for 524288"), e.getMessage());
    }

    @Test
    void refusesAnEmptyBody() {
        CorruptDataException e = ZlibStreamTest.refusal(decompressor(), new byte[0], PAGE);

        assertEquals(true, e.getMessage().startsWith("lz4 block of 0 bytes"));
    }
}
