package org.transhume.engine.incoming;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Random;
import java.util.function.LongFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.transhume.engine.NothingLeft;
import org.transhume.memory.Access;
import org.transhume.memory.PageSize;
import org.transhume.memory.RamBlock;

class ArrivedPagesTest {
    private static final int PAGE = PageSize.BYTES;
    private static final int STRETCH = 1 << 15;

    @RegisterExtension
    final NothingLeft nothingLeft = new NothingLeft();

    @TempDir
    Path directory;

    /** Pages, zeroes and holes in any order, against a set of pages and a map of what they hold. */
    @ParameterizedTest(name = "seed {0}, fresh {1}")
    @CsvSource({"1,true", "2,true", "3,true", "4,false", "5,false", "6,false"})
    void keepsWhatCameAndWhatIsInMemory(long seed, boolean fresh) {
        Random random = new Random(seed);
        int pages = 5 * STRETCH - random.nextInt(STRETCH);
        byte[] model = new byte[pages];
        BitSet came = new BitSet();
        BitSet touched = new BitSet();
        try (RamBlock block = RamBlock.memfd("pc.ram", (long) pages * PAGE)) {
            for (int i = 0; !fresh && i < 100; i++) {
                write(block, random.nextInt(pages), (byte) 0x5a, model, touched);
            }
            try (ArrivedPages arrived = new ArrivedPages(block, fresh)) {
                for (int step = 0; step < 400; step++) {
                    int near = random.nextInt(6) * STRETCH + random.nextInt(9) - 4;
                    int first = Math.clamp(random.nextBoolean() ? near : random.nextInt(pages), 0, pages - 1);
                    switch (random.nextInt(3)) {
                        case 0 -> {
                            write(block, first, (byte) (1 + random.nextInt(100)), model, touched);
                            arrived.page(first);
                            came.set(first);
                            assertTrue(arrived.hasContent(first));
                        }
                        case 1 -> {
                            arrived.zero(first);
                            model[first] = 0;
                            came.set(first);
                        }
                        default -> {
                            int most = random.nextInt(10) == 0 ? 2 * STRETCH : 40;
                            int count = 1 + random.nextInt(Math.min(most, pages - first));
                            arrived.hole(first, count, _ -> {});
                            Arrays.fill(model, first, first + count, (byte) 0);
                            came.set(first, first + count);
                        }
                    }
                    if (random.nextInt(40) == 0) {
                        assertEquals(pages - came.cardinality(), arrived.missing(), "step " + step);
                    }
                }

                assertEquals(pages - came.cardinality(), arrived.missing());
                assertEquals(came.nextClearBit(0), arrived.firstMissing());
            }
            assertHolds(model, block);
            assertTrue(touched.equals(populated(block)), "memory was touched that nothing was written to");
        }
    }

    /** Before postcopy what is old is forgotten, and comes again, against a set of pages. */
    @ParameterizedTest(name = "seed {0}")
    @ValueSource(longs = {1, 2, 3})
    void whatIsForgottenHasToComeAgain(long seed) {
        Random random = new Random(seed);
        int pages = 3 * STRETCH - random.nextInt(STRETCH);
        BitSet came = new BitSet();
        try (RamBlock block = RamBlock.memfd("pc.ram", (long) pages * PAGE);
                ArrivedPages arrived = new ArrivedPages(block, true)) {
            for (int step = 0; step < 300; step++) {
                int near = random.nextInt(4) * STRETCH + random.nextInt(9) - 4;
                int first = Math.clamp(random.nextBoolean() ? near : random.nextInt(pages), 0, pages - 1);
                int most = random.nextInt(5) == 0 ? 2 * STRETCH : 200;
                int count = 1 + random.nextInt(Math.min(most, pages - first));
                switch (random.nextInt(6)) {
                    case 0, 1 -> {
                        arrived.page(first);
                        came.set(first);
                    }
                    case 2 -> {
                        arrived.zero(first);
                        came.set(first);
                    }
                    case 3 -> {
                        arrived.placedZero(first);
                        came.set(first);
                    }
                    case 4 -> {
                        arrived.hole(first, count, _ -> {});
                        came.set(first, first + count);
                    }
                    default -> {
                        arrived.forget(first, count);
                        came.clear(first, first + count);
                    }
                }
                assertEquals(pages - came.cardinality(), arrived.missing(), "step " + step);
            }
            for (int page = 0; page < pages; page++) {
                assertEquals(came.get(page), arrived.came(page), "page " + page);
            }
            for (int first = 0; first < pages; first += Long.SIZE) {
                long[] words = came.get(first, first + Long.SIZE).toLongArray();
                assertEquals(words.length == 0 ? 0 : words[0], arrived.cameOf64(first), "page " + first);
            }
        }
    }

    @Test
    void memoryOfWhatDidNotComeIsGivenBackBeforeTheGuestRunsWithoutIt() {
        int pages = 100;
        try (RamBlock block = RamBlock.memfd("pc.ram", (long) pages * PAGE)) {
            block.segment().fill((byte) 0x5a); // of an earlier try
            try (ArrivedPages arrived = new ArrivedPages(block, false)) {
                for (int page : new int[] {0, 7, 8, 99}) {
                    block.segment().asSlice((long) page * PAGE, PAGE).fill((byte) 1);
                    arrived.page(page);
                }

                arrived.discardTheRest(block);

                assertEquals("{0, 7, 8, 99}", populated(block).toString());
            }
        }
    }

    private static void write(RamBlock block, int page, byte value, byte[] model, BitSet touched) {
        block.segment().asSlice((long) page * PAGE, PAGE).fill(value);
        model[page] = value;
        touched.set(page);
    }

    private static void assertHolds(byte[] model, RamBlock block) {
        BitSet there = populated(block);
        MemorySegment ram = block.segment();
        MemorySegment expected = MemorySegment.ofArray(new byte[PAGE]);
        for (int page = 0; page < model.length; page++) {
            if (there.get(page)) {
                expected.fill(model[page]);
                assertEquals(-1, ram.asSlice((long) page * PAGE, PAGE).mismatch(expected), "page " + page);
            } else {
                assertEquals(0, model[page], "page " + page + " was never written");
            }
        }
    }

    private static BitSet populated(RamBlock block) {
        BitSet pages = new BitSet();
        block.populatedExtents((offset, length) -> pages.set((int) (offset / PAGE), (int) ((offset + length) / PAGE)));
        return pages;
    }

    /** Also zero a second time, and in whatever kind of memory holds nothing. */
    @Test
    void leavesMemoryAloneThatHoldsNothing() {
        long size = 1L << 30;
        List<LongFunction<RamBlock>> kinds = List.of(
                bytes -> RamBlock.memfd("shared", bytes),
                bytes -> RamBlock.anonymous("private", bytes),
                bytes -> RamBlock.file("file", directory.resolve("guest.ram"), bytes, Access.SHARED));
        for (LongFunction<RamBlock> kind : kinds) {
            for (boolean fresh : new boolean[] {true, false}) {
                try (RamBlock block = kind.apply(size);
                        ArrivedPages arrived = new ArrivedPages(block, fresh)) {
                    for (int page = 0; page < 1000; page++) {
                        arrived.zero(page);
                        arrived.zero(page);
                    }
                    arrived.hole(1000, block.pages() - 1000, _ -> {});
                    arrived.zero(block.pages() - 1);

                    assertEquals(0, arrived.missing());
                    assertFalse(arrived.hasContent(0));
                    assertTrue(populated(block).isEmpty(), block.name() + ", fresh " + fresh);
                }
            }
        }
    }

    @Test
    void tellsTheFirstPageThatIsMissingBehindAHoleOfATebibyte() {
        try (RamBlock block = RamBlock.memfd("pc.ram", 1L << 40);
                ArrivedPages arrived = new ArrivedPages(block, true)) {
            long gap = block.pages() / 2 + 77;
            arrived.hole(0, gap, _ -> {});
            arrived.hole(gap + 2, block.pages() - gap - 2, _ -> {});
            arrived.page(gap + 1);

            assertEquals(1, arrived.missing());
            assertEquals(gap, arrived.firstMissing());
            assertTrue(populated(block).isEmpty());
        }
    }
}
