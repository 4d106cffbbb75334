package org.transhume.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Touches missing pages as a vCPU would: in a foreign function, where a thread that waits holds up nobody. */
@Timeout(60)
class MissingPagesTest {
    private static final int PAGES = 1024;
    private static final long SIZE = (long) PAGES * PageSize.BYTES;
    private static final int LIMIT_SECONDS = 20;

    private final Arena arena = Arena.ofShared();
    private GuestMemory memory;
    private MissingPages missing;

    @AfterEach
    void close() {
        if (missing != null) {
            missing.close();
        }
        if (memory != null) {
            memory.close();
        }
        arena.close();
    }

    private void open(String kind) {
        RamBlock first = kind.equals("memfd") ? RamBlock.memfd("first", SIZE) : RamBlock.anonymous("first", SIZE);
        memory = new GuestMemory(List.of(first, RamBlock.memfd("second", SIZE)));
    }

    private CompletableFuture<Long> touch(int block, long offset) {
        long address = memory.blocks().get(block).address() + offset;
        CompletableFuture<Long> value = new CompletableFuture<>();
        Thread.ofPlatform().daemon().start(() -> {
            MemorySegment to = arena.allocate(Long.BYTES, Long.BYTES);
            GuestAccess.read(address, to, Long.BYTES);
            value.complete(to.get(ValueLayout.JAVA_LONG, 0));
        });
        return value;
    }

    private MemorySegment page(long value) {
        MemorySegment page = arena.allocate(PageSize.BYTES, PageSize.BYTES);
        page.set(ValueLayout.JAVA_LONG, 0, value);
        return page;
    }

    private List<String> faults(int count) {
        List<String> told = new ArrayList<>();
        while (told.size() < count) {
            missing.read(
                    (block, offset, inMemory, thread) -> {
                        assertTrue(thread != 0);
                        told.add("%d %x%s".formatted(block, offset, inMemory ? " in memory" : ""));
                    },
                    -1);
        }
        return told;
    }

    @ParameterizedTest
    @ValueSource(strings = {"memfd", "anonymous"})
    void whoTouchesAMissingPageWaitsForItAndHoldsUpNobodyElse(String kind) throws Exception {
        open(kind);
        memory.blocks().getFirst().segment().set(ValueLayout.JAVA_LONG, 0, 7); // before: it is there
        missing = new MissingPages(memory);

        CompletableFuture<Long> there = touch(0, 0);
        CompletableFuture<Long> copied = touch(0, 3 * PageSize.BYTES + 8 - 8);
        List<String> first = faults(1);
        System.gc(); // would wait for ever for a thread that faults in Java
        CompletableFuture<Long> zero = touch(1, SIZE - PageSize.BYTES);
        List<String> second = faults(1);
        boolean waits = !copied.isDone() && !zero.isDone();
        try (MissingPages.Placer placer = missing.placer()) {
            assertTrue(placer.put(0, 3 * PageSize.BYTES, page(42), 0));
            assertTrue(placer.zero(1, SIZE - PageSize.BYTES));
            assertFalse(placer.put(0, 3 * PageSize.BYTES, page(43), 0));
            assertFalse(placer.zero(0, 3 * PageSize.BYTES));
        }

        assertEquals(7, there.get(LIMIT_SECONDS, TimeUnit.SECONDS));
        assertEquals(42, copied.get(LIMIT_SECONDS, TimeUnit.SECONDS));
        assertEquals(0, zero.get(LIMIT_SECONDS, TimeUnit.SECONDS));
        assertEquals(List.of("0 3000"), first);
        assertEquals(List.of("1 %x".formatted(SIZE - PageSize.BYTES)), second);
        assertTrue(waits);
    }

    @Test
    void whatIsInMemoryAndNotMappedIsToldApartAndRevealed() throws Exception {
        open("memfd");
        RamBlock block = memory.blocks().getFirst();
        block.segment().set(ValueLayout.JAVA_LONG, PageSize.BYTES, 9);
        Linux.advise(block.address(), SIZE, Linux.MADV_DONTNEED, "test"); // unmapped, and kept by the file
        missing = new MissingPages(memory);

        CompletableFuture<Long> value = touch(0, PageSize.BYTES);
        List<String> told = faults(1);
        try (MissingPages.Placer placer = missing.placer()) {
            placer.reveal(0, PageSize.BYTES);
            placer.reveal(0, PageSize.BYTES);
        }

        assertEquals(9, value.get(LIMIT_SECONDS, TimeUnit.SECONDS));
        assertEquals(List.of("0 1000 in memory"), told);
    }

    /** Its fault was told, and it came before anybody looked: nothing is left to map in private memory. */
    @ParameterizedTest
    @ValueSource(strings = {"memfd", "anonymous"})
    void toRevealWhatIsThereAlreadyIsHarmless(String kind) throws Exception {
        open(kind);
        missing = new MissingPages(memory);

        CompletableFuture<Long> value = touch(0, PageSize.BYTES);
        List<String> told = faults(1);
        try (MissingPages.Placer placer = missing.placer()) {
            assertTrue(placer.zero(0, PageSize.BYTES));
            assertFalse(placer.zero(0, PageSize.BYTES));
            placer.reveal(0, PageSize.BYTES);
        }

        assertEquals(0, value.get(LIMIT_SECONDS, TimeUnit.SECONDS));
        assertEquals(1, told.size());
    }

    @ParameterizedTest
    @ValueSource(strings = {"memfd", "anonymous"})
    void whatIsDiscardedIsMissingAgain(String kind) throws Exception {
        open(kind);
        RamBlock block = memory.blocks().getFirst();
        block.segment().fill((byte) 5);
        block.discard(PageSize.BYTES, 2 * PageSize.BYTES);
        missing = new MissingPages(memory);

        CompletableFuture<Long> value = touch(0, 2 * PageSize.BYTES);
        List<String> told = faults(1);
        try (MissingPages.Placer placer = missing.placer()) {
            assertTrue(placer.zero(0, 2 * PageSize.BYTES));
            assertTrue(placer.put(0, PageSize.BYTES, page(1), 0));
            assertFalse(placer.zero(0, 0));
        }

        assertEquals(0, value.get(LIMIT_SECONDS, TimeUnit.SECONDS));
        assertEquals(List.of("0 2000"), told);
        assertEquals(0x0505050505050505L, touch(0, 0).get(LIMIT_SECONDS, TimeUnit.SECONDS));
    }

    @Test
    void aReaderIsInterruptedAndABlockThatIsWholeIsReleased() throws Exception {
        open("memfd");
        missing = new MissingPages(memory);
        CompletableFuture<Integer> reader = new CompletableFuture<>();
        Thread.ofPlatform().daemon().start(() -> reader.complete(missing.read((_, _, _, _) -> {}, -1)));

        missing.interrupt();

        assertEquals(0, reader.get(LIMIT_SECONDS, TimeUnit.SECONDS));
        missing.release(0);
        assertEquals(0, touch(0, 0).get(LIMIT_SECONDS, TimeUnit.SECONDS));
    }

    /** Four threads touch every page in their own order, two bring them, and the collector stops all Java in between. */
    @ParameterizedTest
    @ValueSource(strings = {"memfd", "anonymous"})
    void everybodyGetsWhatBelongsThereInAStorm(String kind) throws Exception {
        open(kind);
        missing = new MissingPages(memory);
        AtomicLong wrong = new AtomicLong();
        List<Thread> vcpus = new ArrayList<>();
        for (int seed = 0; seed < 4; seed++) {
            Random random = new Random(seed);
            vcpus.add(Thread.ofPlatform().daemon().start(() -> {
                MemorySegment to = arena.allocate(Long.BYTES, Long.BYTES);
                for (int i = 0; i < PAGES; i++) {
                    int page = random.nextInt(PAGES);
                    GuestAccess.read(
                            memory.blocks().getFirst().address() + (long) page * PageSize.BYTES, to, Long.BYTES);
                    if (to.get(ValueLayout.JAVA_LONG, 0) != page) {
                        wrong.incrementAndGet();
                    }
                }
            }));
        }
        Thread background = Thread.ofPlatform().daemon().start(() -> {
            try (MissingPages.Placer placer = missing.placer()) {
                MemorySegment bytes = arena.allocate(PageSize.BYTES, PageSize.BYTES);
                for (int page = PAGES - 1; page >= 0; page -= 2) {
                    bytes.set(ValueLayout.JAVA_LONG, 0, page);
                    placer.put(0, (long) page * PageSize.BYTES, bytes, 0);
                }
            }
        });
        try (MissingPages.Placer placer = missing.placer()) {
            MemorySegment bytes = arena.allocate(PageSize.BYTES, PageSize.BYTES);
            while (vcpus.stream().anyMatch(Thread::isAlive)) {
                missing.read(
                        (block, offset, _, _) -> {
                            bytes.set(ValueLayout.JAVA_LONG, 0, offset / PageSize.BYTES);
                            placer.put(block, offset, bytes, 0);
                        },
                        5);
                System.gc();
            }
        }
        background.join();

        assertEquals(0, wrong.get());
    }

    @ParameterizedTest
    @ValueSource(strings = {"memfd", "anonymous"})
    void aRunIsPutAroundThePagesThatAreThereAlready(String kind) throws Exception {
        open(kind);
        RamBlock block = memory.blocks().getFirst();
        for (long there : new long[] {2, 5, 6, 7}) {
            block.segment().set(ValueLayout.JAVA_LONG, there * PageSize.BYTES, 100 + there);
        }
        missing = new MissingPages(memory);
        MemorySegment run = arena.allocate(10 * PageSize.BYTES, PageSize.BYTES);
        for (int page = 0; page < 10; page++) {
            run.set(ValueLayout.JAVA_LONG, (long) page * PageSize.BYTES, page);
        }
        CompletableFuture<Long> waits = touch(0, 3 * PageSize.BYTES);
        List<String> told = faults(1);

        try (MissingPages.Placer placer = missing.placer()) {
            assertEquals(3, placer.put(0, PageSize.BYTES, run, PageSize.BYTES, 7 * PageSize.BYTES));
            assertEquals(0, placer.put(0, PageSize.BYTES, run, 0, 3 * PageSize.BYTES));
            assertThrows(
                    IllegalArgumentException.class, () -> placer.put(0, PageSize.BYTES / 2, run, 0, PageSize.BYTES));
            assertThrows(
                    IndexOutOfBoundsException.class,
                    () -> placer.put(0, SIZE - PageSize.BYTES, run, 0, 2 * PageSize.BYTES));
        }

        assertEquals(List.of("0 3000"), told);
        assertEquals(3, waits.get(LIMIT_SECONDS, TimeUnit.SECONDS));
        for (long page : new long[] {1, 2, 3, 4, 5, 6, 7}) {
            long expected = page == 2 || page >= 5 ? 100 + page : page;
            assertEquals(expected, touch(0, page * PageSize.BYTES).get(LIMIT_SECONDS, TimeUnit.SECONDS));
        }
        CompletableFuture<Long> beyond = touch(0, 8 * PageSize.BYTES);
        assertEquals(List.of("0 8000"), faults(1));
        assertFalse(beyond.isDone());
        try (MissingPages.Placer placer = missing.placer()) {
            assertTrue(placer.zero(0, 8 * PageSize.BYTES));
        }
        assertEquals(0, beyond.get(LIMIT_SECONDS, TimeUnit.SECONDS)); // nobody reads any more when the memory goes
    }

    @Test
    void aHugePageIsMissingAndPutAsAWhole() throws Exception {
        int page = 2 << 20;
        RamBlock huge = RamBlock.hugepages("huge", HugePages.mount(4), 3L * page);
        memory = new GuestMemory(List.of(RamBlock.memfd("first", SIZE), huge));
        huge.segment().fill((byte) 9);
        huge.discard(page, 2L * page);
        missing = new MissingPages(memory);
        MemorySegment bytes = arena.allocate(page, PageSize.BYTES);
        bytes.fill((byte) 7);

        CompletableFuture<Long> there = touch(1, 0);
        CompletableFuture<Long> copied = touch(1, page + 5L * PageSize.BYTES);
        List<String> first = faults(1);
        CompletableFuture<Long> zero = touch(1, 2L * page);
        List<String> second = faults(1);
        try (MissingPages.Placer placer = missing.placer()) {
            assertEquals(page / PageSize.BYTES, placer.put(1, 0, bytes, 0, page) + placer.put(1, page, bytes, 0, page));
            assertTrue(placer.zero(1, 2L * page));
            assertFalse(placer.zero(1, page));
            assertFalse(placer.put(1, 0, bytes, 0));
            assertThrows(IllegalArgumentException.class, () -> placer.put(1, PageSize.BYTES, bytes, 0, PageSize.BYTES));
        }

        assertEquals(page, huge.hostPageSize());
        assertEquals(PageSize.BYTES, memory.blocks().getFirst().hostPageSize());
        assertThrows(IllegalArgumentException.class, () -> huge.discard(0, PageSize.BYTES));
        assertEquals(0x0909090909090909L, there.get(LIMIT_SECONDS, TimeUnit.SECONDS));
        assertEquals(0x0707070707070707L, copied.get(LIMIT_SECONDS, TimeUnit.SECONDS));
        assertEquals(0, zero.get(LIMIT_SECONDS, TimeUnit.SECONDS));
        assertEquals(List.of("1 %x".formatted(page)), first);
        assertEquals(List.of("1 %x".formatted(2L * page)), second);
    }

    @Test
    void worksHereAndSaysSo() {
        assertEquals(Optional.empty(), MissingPages.unavailable());
    }

    /** One block can be in one userfaultfd only. */
    @ParameterizedTest
    @ValueSource(strings = {"memfd", "anonymous"})
    void whatIsWrittenIsTrackedOnceAllIsThereAndNotBefore(String kind) {
        assumeTrue(
                WriteProtectSource.unavailable().isEmpty(),
                () -> WriteProtectSource.unavailable().toString());
        open(kind);
        RamBlock block = memory.blocks().getFirst();
        missing = new MissingPages(memory);
        try (WriteProtectSource source = new WriteProtectSource(memory);
                MissingPages.Placer placer = missing.placer();
                DirtyBitmap dirty = new DirtyBitmap(PAGES)) {
            for (long page = 0; page < PAGES; page++) {
                assertTrue(
                        page % 2 == 0
                                ? placer.zero(0, page * PageSize.BYTES)
                                : placer.put(0, page * PageSize.BYTES, page(page), 0));
            }

            SystemCallException early = assertThrows(SystemCallException.class, source::start);
            missing.close();
            missing = null;
            source.start();
            GuestAccess.write(block.address() + 6 * PageSize.BYTES, page(1), Long.BYTES);
            block.segment().set(ValueLayout.JAVA_LONG, 9 * PageSize.BYTES, 1);
            long told = source.harvest(0, dirty);

            assertTrue(early.getMessage().contains("EBUSY"), early.getMessage());
            assertEquals(2, told);
            assertTrue(dirty.isMarked(6) && dirty.isMarked(9));
        }
    }
}
