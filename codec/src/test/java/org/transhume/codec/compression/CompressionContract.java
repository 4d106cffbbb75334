package org.transhume.codec.compression;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeout;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Random;
import java.util.Scanner;
import org.junit.jupiter.api.Test;
import org.transhume.codec.CorruptDataException;

/** What every format keeps; a format's test implements this and gives its two sides. */
interface CompressionContract {
    int PAGE = Batches.PAGE;

    int ROOM = Batches.PAGES * PAGE + Batches.GUARD;

    Compressor compressor();

    Decompressor decompressor();

    /** Whether no change on the way can come out as other pages. */
    boolean hasCheckSum();

    @Test
    default void givesBackAnyBatchThroughoutTheLifeOfAChannel() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        try (BatchBuffers buffers = new BatchBuffers(ROOM, BatchBuffers.MAX_PACKED);
                Compressor compressor = compressor();
                Decompressor decompressor = decompressor()) {
            for (int i = 0; i < 60; i++) {
                byte[] batch = Batches.any(random);

                byte[] body = Batches.pack(compressor, buffers, batch);

                assertArrayEquals(
                        batch,
                        Batches.unpack(decompressor, buffers, body, batch.length),
                        "batch " + i + ", seed " + seed);
            }
        }
    }

    @Test
    default void packsEvenNoiseIntoTheWorstCase() {
        Random random = new Random(1);
        int largest = Batches.PAGES * PAGE;
        try (BatchBuffers buffers = new BatchBuffers(ROOM, BatchBuffers.worstCase(largest));
                Compressor compressor = compressor();
                Decompressor decompressor = decompressor()) {
            for (int pages : new int[] {128, 1, 127, 2, 64, 128}) {
                byte[] batch = Batches.noise(random, pages * PAGE);

                byte[] body = Batches.pack(compressor, buffers, batch);

                assertTrue(body.length <= BatchBuffers.worstCase(batch.length), body.length + " bytes");
                assertArrayEquals(batch, Batches.unpack(decompressor, buffers, body, batch.length));
            }
        }
    }

    @Test
    default void refusesToPackWhereTheWorstCaseHasNoRoom() {
        try (BatchBuffers buffers = new BatchBuffers(2 * PAGE, 2 * PAGE);
                Compressor compressor = compressor()) {

            assertThrows(IllegalArgumentException.class, () -> compressor.compress(buffers, 2 * PAGE));
        }
    }

    @Test
    default void refusesAnyTruncation() {
        hostileBatch((batch, body, attempt) -> {
            for (int length = 0; length < body.length; length++) {
                byte[] cut = Arrays.copyOf(body, length);

                // Where only the end of a block and a flush are missing, all pages are there.
                byte[] got = attempt.unpack(cut, batch.length);

                assertTrue(got == null || Arrays.equals(batch, got), "other pages, cut at " + length);
                assertTrue(got == null || length >= body.length - 8, "cut at " + length + " of " + body.length);
            }
        });
    }

    @Test
    default void refusesAnyChangedByteOrGivesExactlyABatch() {
        Random random = new Random(2);
        hostileBatch((batch, body, attempt) -> {
            for (int at = 0; at < body.length; at++) {
                byte[] changed = body.clone();
                changed[at] ^= (byte) (1 + random.nextInt(255));

                byte[] got = attempt.unpack(changed, batch.length);

                assertTrue(got == null || !hasCheckSum() || Arrays.equals(batch, got), "changed at " + at);
            }
        });
    }

    @Test
    default void refusesEveryLieAboutALength() {
        hostileBatch((batch, body, attempt) -> {
            for (int plain : new int[] {1, PAGE - 1, PAGE, batch.length - 1, batch.length + 1, batch.length + PAGE}) {
                assertEquals(null, attempt.unpack(body, plain), "expecting " + plain);
            }
            for (int more : new int[] {1, 2, 3, 4, 5, 9, PAGE}) {
                byte[] longer = Arrays.copyOf(body, body.length + more);
                Arrays.fill(longer, body.length, longer.length, (byte) 0x5a);
                byte[] got = attempt.unpack(longer, batch.length);
                // An endless stream may begin its next block with them.
                assertTrue(got == null || (!hasCheckSum() && Arrays.equals(batch, got)), more + " more");
            }
        });
    }

    @Test
    default void refusesNoiseWithoutLosingItsFooting() {
        Random random = new Random(3);
        try (BatchBuffers buffers = new BatchBuffers(ROOM, BatchBuffers.MAX_PACKED)) {
            assertTimeout(Duration.ofSeconds(60), () -> {
                for (int i = 0; i < 2000; i++) {
                    byte[] noise = Batches.noise(random, 1 + random.nextInt(i % 100 == 0 ? 1 << 20 : 300));
                    try (Decompressor decompressor = decompressor()) {
                        Batches.unpack(decompressor, buffers, noise, PAGE);
                    } catch (CorruptDataException e) {
                        assertTrue(e.getMessage().contains("" + noise.length), e.getMessage());
                    }
                }
            });
        }
    }

    @Test
    default void allocatesNothingPerBatch() {
        byte[] batch = Batches.any(new Random(4), 16);
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long thread = Thread.currentThread().threadId();
        try (BatchBuffers buffers = new BatchBuffers(ROOM, BatchBuffers.MAX_PACKED);
                Compressor compressor = compressor();
                Decompressor decompressor = decompressor()) {
            MemorySegment.copy(batch, 0, buffers.plain(), ValueLayout.JAVA_BYTE, 0, batch.length);

            // The first stretches may link and compile: what each batch allocates would be in all of them.
            long allocated = Long.MAX_VALUE;
            for (int stretch = 0; stretch < 20 && allocated >= 200; stretch++) {
                long before = threads.getThreadAllocatedBytes(thread);
                for (int i = 0; i < 200; i++) {
                    decompressor.decompress(buffers, compressor.compress(buffers, batch.length), batch.length);
                }
                allocated = threads.getThreadAllocatedBytes(thread) - before;
            }

            assertTrue(allocated < 200, allocated + " bytes in 200 batches");
        }
    }

    @Test
    default void freesWhatItHeldWithTheFirstOfTwoCloses() throws IOException {
        byte[] batch = Batches.any(new Random(5), 32);
        try (BatchBuffers buffers = new BatchBuffers(ROOM, BatchBuffers.MAX_PACKED)) {
            MemorySegment.copy(batch, 0, buffers.plain(), ValueLayout.JAVA_BYTE, 0, batch.length);
            long before = 0;
            for (int i = 0; i < 600; i++) {
                if (i == 100) {
                    System.gc();
                    before = residentBytes();
                }
                Compressor compressor = compressor();
                Decompressor decompressor = decompressor();
                decompressor.decompress(buffers, compressor.compress(buffers, batch.length), batch.length);
                compressor.close();
                compressor.close();
                decompressor.close();
                decompressor.close();
            }

            // Those that hold something hold 300 KiB a pair and more: 150 MiB by now. The JVM may grow a little, too.
            System.gc();
            long grown = residentBytes() - before;
            assertTrue(grown < 64L << 20, "grown by " + (grown >> 20) + " MiB");
        }
    }

    private static long residentBytes() throws IOException {
        try (Scanner statm = new Scanner(Files.readString(Path.of("/proc/self/statm")))) {
            statm.nextLong(); // mapped
            return statm.nextLong() * PAGE;
        }
    }

    /** Three pages, two of them packing well, as a channel's first batch, and as one that leans on the batch before it. */
    private void hostileBatch(HostileCase hostile) {
        Random random = new Random(6);
        byte[] first = Batches.any(random, 2);
        byte[] second = Batches.any(random, 3);
        try (BatchBuffers buffers = new BatchBuffers(ROOM, BatchBuffers.MAX_PACKED);
                Compressor compressor = compressor()) {
            byte[] firstBody = Batches.pack(compressor, buffers, first);
            byte[] secondBody = Batches.pack(compressor, buffers, second);
            hostile.run(first, firstBody, (body, plainBytes) -> attempt(buffers, null, 0, body, plainBytes));
            hostile.run(
                    second,
                    secondBody,
                    (body, plainBytes) -> attempt(buffers, firstBody, first.length, body, plainBytes));
        }
    }

    /** What comes out of {@code body} where {@code before} came first, or null where it is refused. */
    private byte[] attempt(BatchBuffers buffers, byte[] before, int plainBefore, byte[] body, int plainBytes) {
        try (Decompressor decompressor = decompressor()) {
            if (before != null) {
                Batches.unpack(decompressor, buffers, before, plainBefore);
            }
            return Batches.unpack(decompressor, buffers, body, plainBytes);
        } catch (CorruptDataException refused) {
            return null;
        }
    }

    interface Attempt {
        byte[] unpack(byte[] body, int plainBytes);
    }

    interface HostileCase {
        void run(byte[] batch, byte[] body, Attempt attempt);
    }
}
