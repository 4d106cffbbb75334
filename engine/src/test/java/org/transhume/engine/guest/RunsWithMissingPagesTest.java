package org.transhume.engine.guest;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.transhume.engine.ArrivingPages;
import org.transhume.engine.MigrationException;
import org.transhume.engine.NothingLeft;
import org.transhume.memory.GuestMemory;
import org.transhume.memory.MissingPages;
import org.transhume.memory.PageSize;
import org.transhume.memory.RamBlock;
import org.transhume.memory.WriterMarks;

/** A synthetic guest that runs before its memory is there. */
@Timeout(60)
class RunsWithMissingPagesTest {
    private static final long RAM = 16 << 20;
    private static final int PAGES = (int) (RAM / PageSize.BYTES);
    private static final ArrivingPages NONE = (_, _) -> false;
    private static final long PLACED = 0x5555_5555_5555_5555L;

    @RegisterExtension
    final NothingLeft nothingLeft = new NothingLeft();

    private final Set<Integer> waiting = new ConcurrentSkipListSet<>();
    private final Set<Long> asked = new ConcurrentSkipListSet<>();

    private static SyntheticGuest guest(String workload, long ram) {
        GuestMemory memory = new GuestMemory(List.of(RamBlock.memfd(SyntheticGuest.BLOCK, ram)));
        return new SyntheticGuest(
                SyntheticGuest.MACHINE, memory, new WriterMarks(memory), WorkloadSpec.parse(workload), true);
    }

    private static MemorySegment ram(SyntheticGuest guest) {
        return guest.memory().blocks().getFirst().segment();
    }

    private static void await(String what, BooleanSupplier condition) {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
        while (!condition.getAsBoolean()) {
            assertTrue(System.nanoTime() - deadline < 0, "not within 20 s: " + what);
            LockSupport.parkNanos(500_000);
        }
    }

    private void hear(MissingPages missing, int millis) {
        int _ = missing.read(
                (_, offset, _, thread) -> {
                    waiting.add(thread);
                    asked.add(offset);
                },
                millis);
    }

    private static void bring(MissingPages.Placer placer, long offset) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment page = arena.allocate(PageSize.BYTES, Long.BYTES).fill((byte) PLACED);
            boolean _ = placer.put(0, offset, page, 0);
        }
    }

    /** So much RAM that no page is written twice. */
    @ParameterizedTest
    @CsvSource({"random-bytes:rate=20000, 512", "sparse-words:rate=20000, 4", "uniform:rate=20000, 1"})
    void writesTheSameWhereverPagesAreMissing(String workload, int words) {
        long much = 64L << 30;
        try (SyntheticGuest plain = guest(workload + ",seed=5", much);
                SyntheticGuest careful = guest(workload + ",seed=5", much)) {
            careful.missing(NONE);
            plain.resume();
            careful.resume();
            await("pages", () -> plain.pagesWritten() > 200 && careful.pagesWritten() > 200);
            plain.pause();
            careful.pause();

            long[] compared = {0, 0};
            plain.memory().blocks().getFirst().populatedExtents((offset, length) -> {
                for (long at = offset; at < offset + length; at += Long.BYTES) {
                    long there = ram(careful).get(ValueLayout.JAVA_LONG, at);
                    if (there != 0) {
                        compared[there == ram(plain).get(ValueLayout.JAVA_LONG, at) ? 0 : 1]++;
                    }
                }
            });

            // Not all 200: of its two threads one may be ahead here and the other there, and a word be written twice.
            assertTrue(compared[0] >= 100L * words, "the same words: " + compared[0]);
            assertEquals(0, compared[1], "other words");
        }
    }

    @Test
    void isStoppedWhileItsThreadsWaitAndWritesNothingAfterwards() {
        SyntheticGuest guest = guest("random-bytes:rate=0", RAM);
        try (MissingPages missing = new MissingPages(guest.memory());
                MissingPages.Placer placer = missing.placer()) {
            guest.missing(NONE);
            guest.resume();
            while (waiting.size() < 2) {
                hear(missing, -1);
            }
            long[] threads = guest.vcpuThreads();

            guest.pause();

            assertFalse(guest.running());
            assertEquals(waiting, Set.of((int) threads[0], (int) threads[1]));
            assertEquals(0, guest.vcpuThreads().length);
            for (long offset : asked) {
                bring(placer, offset);
            }
            await("the threads", () -> noThread(threads));
            for (long offset : asked) {
                assertEquals(PLACED, ram(guest).get(ValueLayout.JAVA_LONG, offset));
            }
        }
        guest.close();
    }

    @Test
    void goesOnAndIsClosedWhileAnEarlierThreadOfItStillWaits() {
        SyntheticGuest guest = guest("uniform:rate=0", RAM);
        try (MissingPages missing = new MissingPages(guest.memory())) {
            guest.missing(NONE);
            guest.resume();
            while (waiting.size() < 2) {
                hear(missing, -1);
            }
            guest.pause();
            guest.resume();
            while (waiting.size() < 4) {
                hear(missing, -1);
            }

            guest.close();
        } // lets them go: the last of them unmaps the memory
        assertThrows(IllegalStateException.class, () -> guest.memory().lease("test"));
    }

    @Test
    void runsOnWhenItsMemoryIsWholeAndWasToldOnlyOfWhatIsThere() {
        try (SyntheticGuest guest = guest("uniform:rate=0", RAM)) {
            try (MissingPages missing = new MissingPages(guest.memory());
                    MissingPages.Placer placer = missing.placer()) {
                guest.missing(NONE);
                guest.resume();
                boolean[] there = new boolean[PAGES];
                for (int left = PAGES; left > 0; ) {
                    asked.clear();
                    hear(missing, 0);
                    asked.add((long) (left - 1) * PageSize.BYTES); // the next one in the background
                    for (long offset : asked) {
                        there[(int) (offset / PageSize.BYTES)] = true;
                        bring(placer, offset);
                    }
                    while (left > 0 && there[left - 1]) {
                        left--;
                    }
                    if (left % 128 == 0) {
                        System.gc(); // would wait for ever for a thread that faults in Java
                    }
                }
                guest.whole();
            }
            long written = guest.pagesWritten();
            await("more pages", () -> guest.pagesWritten() > written + PAGES);
            guest.pause();

            for (int page = 0; page < PAGES; page++) {
                long[] words = ram(guest)
                        .asSlice((long) page * PageSize.BYTES, PageSize.BYTES)
                        .toArray(ValueLayout.JAVA_LONG);
                assertTrue(Arrays.stream(words).filter(word -> word == PLACED).count() > 256, "page " + page);
            }
        }
    }

    @Test
    void writesNothingWhereItIsLetGoWithoutThePage() {
        try (SyntheticGuest guest = guest("random-bytes:rate=0", RAM)) {
            long[] threads;
            try (MissingPages missing = new MissingPages(guest.memory())) {
                guest.missing(NONE);
                guest.resume();
                while (waiting.size() < 2) {
                    hear(missing, -1);
                }
                threads = guest.vcpuThreads();

                guest.abandoned();
            }
            guest.whole();

            assertFalse(guest.running());
            await("the threads", () -> noThread(threads));
            guest.memory().blocks().getFirst().populatedExtents((offset, length) -> {
                for (long at = offset; at < offset + length; at += Long.BYTES) {
                    assertEquals(0, ram(guest).get(ValueLayout.JAVA_LONG, at));
                }
            });
        }
    }

    @Test
    void itsDevicesSayThatItRanWhenItWasAbandoned() {
        try (SyntheticGuest guest = guest("uniform:rate=100", RAM);
                SyntheticGuest next = guest("idle", RAM)) {
            guest.missing(NONE);
            guest.resume();
            guest.abandoned();

            next.load(guest.saveDevices());

            assertFalse(guest.running());
            assertTrue(next.ranAtSource());
        }
    }

    @Test
    void refusesToMissPagesWhileItRuns() {
        try (SyntheticGuest guest = guest("uniform:rate=100", RAM)) {
            guest.resume();

            assertThrows(IllegalStateException.class, () -> guest.missing(NONE));
        }
    }

    /** Its pages would come one by one. */
    @Test
    void refusesToMissPartsOfHugePages() throws IOException {
        Optional<Path> hugetlbfs = Files.readAllLines(Path.of("/proc/mounts")).stream()
                .map(line -> line.split(" "))
                .filter(fields -> fields[2].equals("hugetlbfs") && !fields[3].contains("pagesize=1"))
                .map(fields -> Path.of(fields[1]))
                .filter(Files::isWritable)
                .findFirst();
        assumeTrue(hugetlbfs.isPresent(), "no writable hugetlbfs is mounted");
        assumeTrue(
                Files.readAllLines(Path.of("/proc/meminfo")).stream()
                        .anyMatch(line -> line.matches("HugePages_Free: +[1-9].*")),
                "no huge page is free: sysctl vm.nr_hugepages");
        GuestMemory memory =
                new GuestMemory(List.of(RamBlock.hugepages(SyntheticGuest.BLOCK, hugetlbfs.get(), 2L << 20)));
        try (SyntheticGuest guest =
                new SyntheticGuest(SyntheticGuest.MACHINE, memory, new WriterMarks(memory), WorkloadSpec.IDLE, true)) {
            MigrationException refusal = assertThrows(MigrationException.class, () -> guest.missing(NONE));

            assertTrue(refusal.getMessage().contains("huge pages of 2097152 bytes"), refusal.getMessage());
        }
    }

    private static boolean noThread(long[] ids) {
        return Arrays.stream(ids).noneMatch(id -> Files.exists(Path.of("/proc/self/task/" + id)));
    }
}
