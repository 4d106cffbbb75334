package org.transhume.memory;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DirtyBitmapTest {
    @RegisterExtension
    final GivesBackEverything givesBackEverything = new GivesBackEverything();

    @ParameterizedTest(name = "seed {0}")
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void doesWhatASetOfBitsDoes(long seed) {
        Random random = new Random(seed);
        int pages = 1 + random.nextInt(5000);
        try (DirtyBitmap bitmap = new DirtyBitmap(pages);
                DirtyBitmap other = new DirtyBitmap(pages)) {
            BitSet model = new BitSet();
            for (int step = 0; step < 2000; step++) {
                int first = random.nextInt(pages);
                int count = random.nextInt(Math.min(pages - first, 1 + random.nextInt(300)) + 1);
                switch (random.nextInt(10)) {
                    case 0, 1, 2 -> {
                        bitmap.mark(first);
                        model.set(first);
                    }
                    case 3 -> {
                        bitmap.markRange(first, count);
                        model.set(first, first + count);
                    }
                    case 4 -> {
                        bitmap.clearRange(first, count);
                        model.clear(first, first + count);
                    }
                    case 5 -> {
                        assertEquals(model.get(first), bitmap.testAndMark(first));
                        model.set(first);
                    }
                    case 6 -> {
                        assertEquals(taken(model, first, first + count), runs(bitmap, first, first + count));
                        model.clear(first, first + count);
                    }
                    case 7 -> {
                        assertEquals(model.nextSetBit(first), bitmap.nextMarked(first));
                        List<String> told = new ArrayList<>();
                        bitmap.forEachRun((from, length) -> told.add(from + "+" + length));
                        assertEquals(taken(model, 0, pages), told);
                    }
                    case 8 -> {
                        other.markRange(first, count);
                        bitmap.merge(other);
                        model.set(first, first + count);
                        assertEquals(count, other.count());
                        other.clear();
                    }
                    default -> assertEquals(model.get(first), bitmap.isMarked(first));
                }
                assertEquals(model.cardinality(), bitmap.count());
            }
            assertEquals(taken(model, 0, pages), runs(bitmap, 0, pages));
            assertEquals(0, bitmap.count());
        }
    }

    /** Stretches of the summary: marked, unmarked, and half of one at the end. */
    @ParameterizedTest(name = "seed {0}")
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void doesSoWhereNearlyNothingIsMarked(long seed) {
        Random random = new Random(seed);
        int stretch = 512 * Long.SIZE;
        int pages = (1 + random.nextInt(200)) * stretch - random.nextInt(stretch);
        try (DirtyBitmap bitmap = new DirtyBitmap(pages);
                DirtyBitmap other = new DirtyBitmap(pages)) {
            BitSet model = new BitSet();
            for (int step = 0; step < 500; step++) {
                // Often at the borders of stretches, and seldom many of them.
                int near = random.nextInt(1 + pages / stretch) * stretch + random.nextInt(200) - 100;
                int first = Math.clamp(random.nextInt(3) == 0 ? random.nextInt(pages) : near, 0, pages - 1);
                int most = random.nextInt(20) == 0 ? 3 * stretch : 200;
                int count = Math.min(pages - first, random.nextInt(most));
                switch (random.nextInt(8)) {
                    case 0 -> {
                        bitmap.mark(first);
                        model.set(first);
                    }
                    case 1 -> {
                        bitmap.markRange(first, count);
                        model.set(first, first + count);
                    }
                    case 2 -> {
                        bitmap.clearRange(first, count);
                        model.clear(first, first + count);
                    }
                    case 3 -> {
                        assertEquals(model.get(first), bitmap.testAndMark(first));
                        model.set(first);
                    }
                    case 4 -> {
                        assertEquals(taken(model, first, first + count), runs(bitmap, first, first + count));
                        model.clear(first, first + count);
                    }
                    case 5 -> assertEquals(model.nextSetBit(first), bitmap.nextMarked(first));
                    case 6 -> {
                        other.markRange(first, count);
                        bitmap.merge(other);
                        other.clear();
                        model.set(first, first + count);
                    }
                    default -> {
                        int to = first + count;
                        assertEquals(model.get(first, to).cardinality(), bitmap.count(first, to));
                    }
                }
            }
            assertEquals(model.cardinality(), bitmap.count());
            assertEquals(taken(model, 0, pages), runs(bitmap, 0, pages));
            assertEquals(-1, bitmap.nextMarked(0));
        }
    }

    @Test
    void commitsNoMemoryWhereNothingIsMarkedHoweverOftenItIsScanned() throws IOException {
        long pages = (1L << 46) / PageSize.BYTES;
        long before = residentKilobytes();
        try (DirtyBitmap bitmap = new DirtyBitmap(pages);
                DirtyBitmap other = new DirtyBitmap(pages)) {
            bitmap.mark(pages / 2);
            other.mark(pages / 3);

            bitmap.merge(other);
            long count = bitmap.count();
            bitmap.harvest((first, run) -> {});
            bitmap.clear();
            long next = bitmap.nextMarked(0);
            long grown = residentKilobytes() - before;

            assertEquals(2, count);
            assertEquals(-1, next);
            // A few pages; a look at all of them alone would take a page-table entry for each page of both: 8 MiB.
            assertTrue(grown < 1000, grown + " KiB of " + pages / 8 / 1024);
        }
    }

    /** Of the bitmaps of this process, with their page tables (which the kernel counts for the whole process). */
    private static long residentKilobytes() throws IOException {
        long sum = 0;
        boolean bitmap = false;
        for (String line : Files.readAllLines(Path.of("/proc/self/smaps"))) {
            if (line.matches("[0-9a-f]+-[0-9a-f]+ .*")) {
                bitmap = line.contains("transhume:bitmap");
            } else if (bitmap && line.startsWith("Rss:")) {
                sum += number(line);
            }
        }
        for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
            if (line.startsWith("VmPTE:")) {
                sum += number(line);
            }
        }
        return sum;
    }

    private static long number(String line) {
        return Long.parseLong(line.replaceAll("[^0-9]", ""));
    }

    @Test
    void handsOutAdjacentPagesAsOneRunAcrossWords() {
        try (DirtyBitmap bitmap = new DirtyBitmap(1000)) {
            bitmap.markRange(60, 200);
            bitmap.mark(999);

            assertEquals(List.of("60+200", "999+1"), runs(bitmap, 0, 1000));
        }
    }

    @Test
    void reportsAPageWrittenDuringTheHarvestInTheNextRound() {
        try (DirtyBitmap bitmap = new DirtyBitmap(64)) {
            bitmap.mark(7);
            bitmap.harvest((first, count) -> bitmap.markRange(first, count));

            assertEquals(List.of("7+1"), runs(bitmap, 0, 64));
        }
    }

    @Test
    void marksAgainWhatAFailingSinkDidNotGet() {
        try (DirtyBitmap bitmap = new DirtyBitmap(1000)) {
            for (long page : new long[] {3, 4, 10, 12, 700}) {
                bitmap.mark(page);
            }

            assertThrows(
                    IllegalStateException.class,
                    () -> bitmap.harvest((first, count) -> {
                        if (first == 10) {
                            throw new IllegalStateException("the lane is gone");
                        }
                    }));

            assertEquals(List.of("10+1", "12+1", "700+1"), runs(bitmap, 0, 1000));
        }
    }

    @Test
    void marksATebibyteOfGuestAndCountsIt() {
        long pages = (1L << 40) / PageSize.BYTES;
        try (DirtyBitmap bitmap = new DirtyBitmap(pages)) {
            bitmap.mark(pages - 1);
            long sparse = bitmap.nextMarked(0);
            bitmap.markAll();

            assertEquals(pages - 1, sparse);
            assertEquals(pages, bitmap.count());
            assertEquals(List.of("0+" + pages), runs(bitmap, 0, pages));
        }
    }

    @Test
    void refusesPagesItDoesNotHave() {
        try (DirtyBitmap bitmap = new DirtyBitmap(70)) {
            assertThrows(IndexOutOfBoundsException.class, () -> bitmap.mark(70));
            assertThrows(IndexOutOfBoundsException.class, () -> bitmap.mark(-1));
            assertThrows(IndexOutOfBoundsException.class, () -> bitmap.markRange(60, 11));
            assertThrows(IndexOutOfBoundsException.class, () -> bitmap.harvest(0, 71, (first, count) -> {}));
            assertThrows(IllegalArgumentException.class, () -> new DirtyBitmap(0));
            assertEquals(0, bitmap.count());
        }
    }

    @Test
    void refusesUseAfterItsEnd() {
        DirtyBitmap bitmap = new DirtyBitmap(64);
        bitmap.close();
        bitmap.close();

        assertThrows(IllegalStateException.class, () -> bitmap.mark(1));
        assertThrows(IllegalStateException.class, () -> bitmap.harvest((first, count) -> {}));
        assertThrows(IllegalStateException.class, () -> bitmap.nextMarked(0));
        assertThrows(IllegalStateException.class, bitmap::count);
        assertThrows(IllegalStateException.class, bitmap::clear);
    }

    @ParameterizedTest(name = "seed {0}")
    @ValueSource(longs = {11, 12, 13})
    void losesNoPageThatIsMarkedWhileItIsHarvested(long seed) throws InterruptedException {
        int pages = 4096;
        int writers = 3;
        long[] memory = new long[pages * writers]; // a writer's pages are its own, their bits share words
        long[] copy = new long[memory.length];
        try (DirtyBitmap bitmap = new DirtyBitmap(memory.length)) {
            List<Thread> threads = new ArrayList<>();
            for (int writer = 0; writer < writers; writer++) {
                Random random = new Random(seed * 100 + writer);
                int offset = writer;
                threads.add(Thread.ofPlatform().start(() -> {
                    for (int step = 1; step <= 150_000; step++) {
                        int page = random.nextInt(pages) * writers + offset;
                        memory[page] = step;
                        bitmap.mark(page);
                    }
                }));
            }
            RunSink copying = (first, count) -> System.arraycopy(memory, (int) first, copy, (int) first, (int) count);
            while (threads.stream().anyMatch(Thread::isAlive)) {
                bitmap.harvest(copying);
            }
            for (Thread thread : threads) {
                thread.join();
            }
            bitmap.harvest(copying);

            assertArrayEquals(memory, copy);
        }
    }

    @Test
    void tellsExactlyOneThreadThatItMarkedAPageFirst() throws InterruptedException {
        int pages = 20_000;
        try (DirtyBitmap received = new DirtyBitmap(pages)) {
            AtomicLong firsts = new AtomicLong();
            Runnable receiver = () -> {
                for (int page = 0; page < pages; page++) {
                    if (!received.testAndMark(page)) {
                        firsts.incrementAndGet();
                    }
                }
            };
            Thread one = Thread.ofPlatform().start(receiver);
            Thread two = Thread.ofPlatform().start(receiver);
            one.join();
            two.join();

            assertEquals(pages, firsts.get());
            assertTrue(received.isMarked(pages - 1));
            assertFalse(received.nextMarked(0) != 0);
        }
    }

    private static List<String> runs(DirtyBitmap bitmap, long from, long to) {
        List<String> runs = new ArrayList<>();
        long[] sum = {0};
        long told = bitmap.harvest(from, to, (first, count) -> {
            runs.add(first + "+" + count);
            sum[0] += count;
        });
        assertEquals(sum[0], told);
        return runs;
    }

    /** The runs of ones in {@code model}. */
    private static List<String> taken(BitSet model, int from, int to) {
        List<String> runs = new ArrayList<>();
        for (int first = model.nextSetBit(from); first >= 0 && first < to; ) {
            int end = Math.min(to, model.nextClearBit(first));
            runs.add(first + "+" + (end - first));
            first = model.nextSetBit(end);
        }
        return runs;
    }
}
