package org.transhume.memory;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What every dirty source must do. Its test extends this, makes the source and tells it of writes if it must be told. */
abstract class DirtySourceContract {
    static final int PAGE = PageSize.BYTES;

    @RegisterExtension
    final GivesBackEverything givesBackEverything = new GivesBackEverything();

    abstract DirtySource source(GuestMemory memory);

    abstract void wrote(DirtySource source, int block, long page);

    final void write(GuestMemory memory, DirtySource source, int block, long page) {
        memory.blocks().get(block).segment().set(JAVA_BYTE, page * PAGE, (byte) page);
        wrote(source, block, page);
    }

    static GuestMemory memory(RamKind kind, long... sizes) {
        List<RamBlock> blocks = new ArrayList<>();
        for (long size : sizes) {
            blocks.add(kind.block("block" + blocks.size(), size));
        }
        return new GuestMemory(blocks);
    }

    static List<Long> harvested(DirtySource source, int block, long pages) {
        try (DirtyBitmap told = new DirtyBitmap(pages)) {
            source.harvest(block, told);
            List<Long> list = new ArrayList<>();
            told.harvest((first, count) -> {
                for (long page = first; page < first + count; page++) {
                    list.add(page);
                }
            });
            return list;
        }
    }

    @ParameterizedTest
    @EnumSource
    void tellsThePagesWrittenSinceItWasLastAsked(RamKind kind) {
        try (GuestMemory memory = memory(kind, 64 * PAGE, 64 * PAGE);
                DirtySource source = source(memory)) {
            for (long page = 0; page < 64; page++) {
                write(memory, source, 0, page);
                write(memory, source, 1, page);
            }
            source.start();
            write(memory, source, 0, 5);
            write(memory, source, 0, 63);
            write(memory, source, 1, 6);

            List<Long> first = harvested(source, 0, 64);
            List<Long> again = harvested(source, 0, 64);
            write(memory, source, 0, 5);
            List<Long> later = harvested(source, 0, 64);

            assertEquals(List.of(5L, 63L), first);
            assertEquals(List.of(), again);
            assertEquals(List.of(5L), later);
            assertEquals(List.of(6L), harvested(source, 1, 64));
        }
    }

    @ParameterizedTest
    @EnumSource
    void tellsPagesBornInAHole(RamKind kind) {
        long pages = (8L << 30) / PAGE;
        try (GuestMemory memory = memory(kind, 8L << 30);
                DirtySource source = source(memory)) {
            write(memory, source, 0, 3);
            source.start();
            write(memory, source, 0, 4);
            write(memory, source, 0, pages - 1);

            assertEquals(List.of(4L, pages - 1), harvested(source, 0, pages));
            write(memory, source, 0, pages - 1);
            assertEquals(List.of(pages - 1), harvested(source, 0, pages));
        }
    }

    /** Stretches that begin, grow at either end and grow together, against a set of what was written. */
    @ParameterizedTest
    @EnumSource
    void tellsPagesBornInFrontOfBehindAndBetweenOthers(RamKind kind) {
        long seed = System.nanoTime();
        System.out.println(getClass().getSimpleName() + " " + kind + " seed " + seed);
        Random random = new Random(seed);
        int pages = 1 << 20;
        try (GuestMemory memory = memory(kind, (long) pages * PAGE);
                DirtySource source = source(memory)) {
            TreeSet<Long> there = new TreeSet<>();
            for (int start = 0; start < 3; start++) {
                source.start();
                for (int round = 0; round < 40; round++) {
                    TreeSet<Long> written = new TreeSet<>();
                    for (int i = random.nextInt(30); i > 0; i--) {
                        Long near = there.ceiling((long) random.nextInt(pages));
                        long page = near == null || random.nextInt(4) == 0
                                ? random.nextInt(pages)
                                : Math.clamp(near + random.nextInt(5) - 2, 0, pages - 1);
                        write(memory, source, 0, page);
                        there.add(page);
                        written.add(page);
                    }

                    assertEquals(List.copyOf(written), harvested(source, 0, pages), "seed " + seed);
                }
                source.stop();
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void tellsRestoredPagesAgainAlsoInTheNextTry(RamKind kind) {
        try (GuestMemory memory = memory(kind, 64 * PAGE);
                DirtySource source = source(memory);
                DirtyBitmap unconfirmed = new DirtyBitmap(64)) {
            source.start();
            write(memory, source, 0, 9);
            source.harvest(0, unconfirmed);
            source.restore(0, unconfirmed);
            List<Long> atOnce = harvested(source, 0, 64);
            source.restore(0, unconfirmed);
            source.stop();
            source.start();

            List<Long> nextTry = harvested(source, 0, 64);

            assertEquals(List.of(9L), atOnce);
            assertTrue(nextTry.contains(9L), nextTry.toString());
            assertTrue(unconfirmed.isMarked(9));
            assertFalse(harvested(source, 0, 64).contains(9L));
        }
    }

    @ParameterizedTest
    @EnumSource
    void worksAgainAfterAStop(RamKind kind) {
        try (GuestMemory memory = memory(kind, 64 * PAGE);
                DirtySource source = source(memory)) {
            for (long attempt = 0; attempt < 5; attempt++) {
                source.start();
                write(memory, source, 0, attempt);
                assertTrue(harvested(source, 0, 64).contains(attempt));
                write(memory, source, 0, attempt + 10);
                source.stop();
                write(memory, source, 0, attempt + 20);
                source.stop();
            }

            assertThrows(IllegalStateException.class, () -> harvested(source, 0, 64));
            assertEquals(24, memory.blocks().getFirst().segment().get(JAVA_BYTE, 24 * PAGE));
        }
    }

    @ParameterizedTest
    @EnumSource
    void closesWhileStartedAndMoreThanOnce(RamKind kind) {
        try (GuestMemory memory = memory(kind, 64 * PAGE)) {
            DirtySource source = source(memory);
            source.start();
            write(memory, source, 0, 1);

            source.close();
            source.close();

            write(memory, source, 0, 2);
            assertEquals(2, memory.blocks().getFirst().segment().get(JAVA_BYTE, 2 * PAGE));
        }
    }

    /** A migration in small: copy everything, then what is told, round by round; at last the writers stop. */
    @ParameterizedTest
    @EnumSource
    void missesNoWriteWhileWritersRun(RamKind kind) throws InterruptedException {
        long seed = System.nanoTime();
        System.out.println(getClass().getSimpleName() + " " + kind + " seed " + seed);
        try (GuestMemory memory = memory(kind, 8L << 20, 4L << 30);
                GuestMemory copy = memory(kind, 8L << 20, 4L << 30);
                DirtySource source = source(memory)) {
            AtomicBoolean stop = new AtomicBoolean();
            List<Thread> writers = new ArrayList<>();
            for (int writer = 0; writer < 2; writer++) {
                Random random = new Random(seed + writer);
                int word = writer;
                writers.add(Thread.ofPlatform().start(() -> {
                    for (long version = 1; !stop.get(); version++) {
                        int block = random.nextInt(2);
                        MemorySegment ram = memory.blocks().get(block).segment();
                        // Of the large block only some far-off pages: they are born while we look.
                        long page = block == 0 ? random.nextInt(2048) : random.nextInt(1024) * 1021L;
                        ram.set(JAVA_LONG, page * PAGE + word * 2048L, version);
                        wrote(source, block, page);
                    }
                }));
            }

            source.start();
            for (int block = 0; block < 2; block++) {
                MemorySegment from = memory.blocks().get(block).segment();
                MemorySegment to = copy.blocks().get(block).segment();
                memory.blocks()
                        .get(block)
                        .populatedExtents((offset, length) -> MemorySegment.copy(from, offset, to, offset, length));
            }
            for (int round = 0; round < 30; round++) {
                copyRound(source, memory, copy);
            }
            stop.set(true);
            for (Thread writer : writers) {
                writer.join();
            }
            copyRound(source, memory, copy);

            for (int block = 0; block < 2; block++) {
                MemorySegment from = memory.blocks().get(block).segment();
                MemorySegment to = copy.blocks().get(block).segment();
                long[] compared = {0};
                memory.blocks().get(block).populatedExtents((offset, length) -> {
                    assertEquals(-1, from.asSlice(offset, length).mismatch(to.asSlice(offset, length)), "seed " + seed);
                    compared[0] += length;
                });
                assertTrue(compared[0] > 0);
            }
        }
    }

    private static void copyRound(DirtySource source, GuestMemory memory, GuestMemory copy) {
        for (int block = 0; block < memory.blocks().size(); block++) {
            RamBlock from = memory.blocks().get(block);
            RamBlock to = copy.blocks().get(block);
            try (DirtyBitmap dirty = new DirtyBitmap(from.pages())) {
                source.harvest(block, dirty);
                dirty.harvest((first, count) ->
                        MemorySegment.copy(from.segment(), first * PAGE, to.segment(), first * PAGE, count * PAGE));
            }
        }
    }
}
