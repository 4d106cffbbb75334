package org.transhume.engine.incoming;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.BitSet;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.transhume.channels.qemu.BlockEntry;
import org.transhume.engine.NothingLeft;
import org.transhume.memory.GuestMemory;
import org.transhume.memory.PageSize;
import org.transhume.memory.RamBlock;

class MemoryAheadTest {
    private static final int PAGES = 4096;
    private static final int SMALL = 100; // not a multiple of what is looked at together
    private static final long LIMIT_NANOS = 10_000_000_000L;

    @RegisterExtension
    final NothingLeft nothingLeft = new NothingLeft();

    @Test
    void memoryIsThereAsFarAheadAsPagesCameInARow() {
        try (GuestMemory memory = memory();
                LoadedRam ram = loaded(memory)) {
            MemoryAhead.Row row = ram.row();
            row.came(0, 199L * PageSize.BYTES, 200);

            await(memory, 0, 200, 400);

            assertTrue(populated(memory, 0).length() <= 400 + Long.SIZE, "no farther");
            assertEquals(0, populated(memory, 1).cardinality(), "of another block nothing");
        }
    }

    @Test
    void aPageThatIsZeroBreaksTheRow() {
        try (GuestMemory memory = memory();
                LoadedRam ram = loaded(memory)) {
            MemoryAhead.Row row = ram.row();
            for (int page = 0; page < 1000; page++) {
                row.came(0, (long) page * PageSize.BYTES, 1);
                if (page % 60 == 59) {
                    row.broken();
                }
            }
            row.came(0, 3000L * PageSize.BYTES, 100); // what follows is looked at last

            await(memory, 0, 3001, 3101);

            assertEquals(3001 & -Long.SIZE, populated(memory, 0).nextSetBit(0));
        }
    }

    @Test
    void whatIsKnownToBeZeroStaysWithoutMemory() {
        try (GuestMemory memory = memory();
                LoadedRam ram = loaded(memory)) {
            ram.hole(0, 1024L * PageSize.BYTES, 1024L * PageSize.BYTES, ram.recorder());
            ram.row().came(0, 1023L * PageSize.BYTES, 1024);
            ram.row().came(0, 2559L * PageSize.BYTES, 512);

            await(memory, 0, 2560, 3072);

            BitSet there = populated(memory, 0);
            assertEquals(-1, between(there, 1024, 2048), "in the hole");
        }
    }

    @Test
    void itEndsWithItsBlock() {
        try (GuestMemory memory = memory();
                LoadedRam ram = loaded(memory)) {
            ram.row().came(1, 63L * PageSize.BYTES, 64);

            await(memory, 1, 64, SMALL);

            assertEquals(0, populated(memory, 2).cardinality());
        }
    }

    private static GuestMemory memory() {
        return new GuestMemory(List.of(
                RamBlock.anonymous("pc.ram", (long) PAGES * PageSize.BYTES),
                RamBlock.anonymous("small", (long) SMALL * PageSize.BYTES),
                RamBlock.anonymous("last", (long) PAGES * PageSize.BYTES)));
    }

    private static LoadedRam loaded(GuestMemory memory) {
        List<BlockEntry> blocks = memory.blocks().stream()
                .map(block -> new BlockEntry(block.name(), block.size()))
                .toList();
        LoadedRam ram = new LoadedRam(blocks, memory, true, false);
        ram.lookAhead("test");
        return ram;
    }

    private static BitSet populated(GuestMemory memory, int block) {
        BitSet pages = new BitSet();
        memory.blocks()
                .get(block)
                .populatedExtents((offset, length) ->
                        pages.set((int) (offset / PageSize.BYTES), (int) ((offset + length) / PageSize.BYTES)));
        return pages;
    }

    /** The first page of a range that has memory; -1: none. */
    private static int between(BitSet pages, int from, int to) {
        int first = pages.nextSetBit(from);
        return first < to ? first : -1;
    }

    private static void await(GuestMemory memory, int block, int from, int to) {
        long deadline = System.nanoTime() + LIMIT_NANOS;
        while (populated(memory, block).nextClearBit(from) < to) {
            assertTrue(System.nanoTime() < deadline, () -> "has memory: " + populated(memory, block));
            LockSupport.parkNanos(1_000_000);
        }
    }
}
