package org.transhume.codec.deflate;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.zip.DataFormatException;
import java.util.zip.Deflater;
import java.util.zip.Inflater;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Anybody's inflate gives back what went in. */
class DeflateEncoderTest {
    private static final int LARGEST = 512 << 10;
    private static final int BATCHES = 40;

    private final DeflateEncoder encoder = new DeflateEncoder();
    private final Inflater inflater = new Inflater(true);
    private final MemorySegment plain = Arena.ofAuto().allocate(LARGEST);
    private final MemorySegment packed = Arena.ofAuto().allocate(DeflateEncoder.worstCase(LARGEST));
    private final byte[] body = new byte[DeflateEncoder.worstCase(LARGEST)];
    private final byte[] back = new byte[LARGEST];

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void givesBackBatchesOfAnySizeAndContent(long seed) throws DataFormatException {
        Random random = new Random(seed);
        for (int i = 0; i < BATCHES; i++) {
            byte[] batch = new byte[random.nextBoolean() ? random.nextInt(300) : random.nextInt(LARGEST)];
            fill(batch, random);
            int length = pack(batch, batch.length);
            assertTrue(length <= DeflateEncoder.worstCase(batch.length), "batch " + i);
            assertGivesBack(batch, length, "batch %d, seed %d".formatted(i, seed));
        }
    }

    @Test
    void reachesAsFarAsAMatchMayAndNoFarther() throws DataFormatException {
        for (int distance = Alphabet.FARTHEST - 2; distance <= Alphabet.FARTHEST + 2; distance++) {
            byte[] batch = new byte[2 * distance];
            new Random(distance).nextBytes(batch);
            System.arraycopy(batch, 0, batch, distance, distance);
            int length = pack(batch, batch.length);
            assertGivesBack(batch, length, "distance " + distance);
            assertEquals(distance <= Alphabet.FARTHEST, length < batch.length * 3 / 4, "distance " + distance);
        }
    }

    /** In noise fewer and fewer bytes are looked at, so that a repeat shows long behind its beginning. */
    @Test
    void takesARepeatThatIsFoundLongBehindItsBeginning() throws DataFormatException {
        Random random = new Random(1);
        for (int i = 0; i < 300; i++) {
            byte[] batch = new byte[4 * 4096];
            random.nextBytes(batch);
            int from = random.nextInt(4096);
            int to = 2 * 4096 + random.nextInt(4096);
            System.arraycopy(batch, from, batch, to, 4096);
            assertGivesBack(batch, pack(batch, batch.length), "%d to %d, turn %d".formatted(from, to, i));
        }
    }

    @Test
    void remembersTheBatchBefore() throws DataFormatException {
        byte[] batch = new byte[20_000];
        new Random(1).nextBytes(batch);
        assertGivesBack(batch, pack(batch, batch.length), "first");

        int again = pack(batch, batch.length);

        assertGivesBack(batch, again, "again");
        assertTrue(again < batch.length / 10, "again " + again);
    }

    @Test
    void goesOnBehindWhatItsPlacesCanCount() throws DataFormatException {
        byte[] batch = new byte[LARGEST];
        for (int i = 0; i < 1200; i++) {
            batch[i] = (byte) i;
            int length = pack(batch, batch.length);
            if (i % 100 == 0 || i > 1000) {
                assertGivesBack(batch, length, "batch " + i);
            } else {
                skip(length);
            }
        }
    }

    @Test
    void packsALibraryAsWellAsZlibDoes() throws IOException, DataFormatException {
        Deflater zlib = new Deflater(Deflater.BEST_SPEED, true);
        long own = 0;
        long theirs = 0;
        try (RandomAccessFile library = new RandomAccessFile(
                Path.of(System.getProperty("java.home"), "lib", "server", "libjvm.so")
                        .toFile(),
                "r")) {
            byte[] batch = new byte[LARGEST];
            for (int i = 0; i < 24; i++) {
                library.readFully(batch);
                int length = pack(batch, batch.length);
                assertGivesBack(batch, length, "batch " + i);
                own += length;
                zlib.setInput(batch);
                theirs += zlib.deflate(body, 0, body.length, Deflater.SYNC_FLUSH);
            }
        }
        zlib.end();
        assertTrue(own < theirs * 1.01, "%d bytes, zlib %d".formatted(own, theirs));
    }

    private int pack(byte[] batch, int bytes) {
        MemorySegment.copy(batch, 0, plain, ValueLayout.JAVA_BYTE, 0, bytes);
        return encoder.encode(plain, bytes, packed, 0);
    }

    private void assertGivesBack(byte[] batch, int length, String which) throws DataFormatException {
        int got = skip(length);
        assertEquals(batch.length, got, which);
        assertEquals(-1, Arrays.mismatch(batch, 0, batch.length, back, 0, got), which);
    }

    private int skip(int length) throws DataFormatException {
        MemorySegment.copy(packed, ValueLayout.JAVA_BYTE, 0, body, 0, length);
        inflater.setInput(body, 0, length);
        int got = 0;
        while (!inflater.needsInput()) {
            got += inflater.inflate(back, got, back.length - got);
        }
        return got;
    }

    /** Noise, few symbols, skewed symbols, a period, or copies of what was before with changes. */
    private static void fill(byte[] batch, Random random) {
        int at = 0;
        while (at < batch.length) {
            int end = Math.min(batch.length, at + 1 + random.nextInt(50_000));
            int kind = random.nextInt(6);
            int period = 1 + random.nextInt(random.nextBoolean() ? 9 : 40_000);
            for (int i = at; i < end; i++) {
                batch[i] = switch (kind) {
                    case 0 -> (byte) random.nextInt();
                    case 1 -> (byte) (random.nextInt(3) * 77);
                    case 2 -> (byte) Math.min(255, random.nextInt(1 << random.nextInt(9)));
                    case 3 -> i < period ? (byte) i : batch[i - period];
                    case 4 -> i < period || random.nextInt(60) == 0 ? (byte) random.nextInt() : batch[i - period];
                    default -> 0;
                };
            }
            at = end;
        }
    }
}
