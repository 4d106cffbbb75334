package org.transhume.engine.sampling;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.transhume.engine.NothingLeft;
import org.transhume.memory.GuestMemory;
import org.transhume.memory.PageSize;
import org.transhume.memory.RamBlock;

class PageSamplesTest {
    private static final long MIB = 1 << 20;

    @RegisterExtension
    final NothingLeft nothingLeft = new NothingLeft();

    private final long seed = System.nanoTime();

    @Test
    void looksAtAsManyPagesOfEachBlockAsItsSizeWantsAndLeavesSmallBlocksOut() {
        try (GuestMemory memory = new GuestMemory(List.of(
                RamBlock.memfd("ram", 64 * MIB), RamBlock.memfd("small", MIB / 16), RamBlock.memfd("vga", 16 * MIB)))) {
            PageSamples samples = PageSamples.take(memory, 512, new SplittableRandom(seed));

            assertEquals(32 + 8, samples.count());
            assertEquals(80, samples.mebibytes());
            assertEquals(0, samples.changed());
        }
    }

    @Test
    void findsThePartThatChanged() {
        try (GuestMemory memory = new GuestMemory(List.of(RamBlock.memfd("ram", 64 * MIB)))) {
            MemorySegment ram = memory.blocks().getFirst().segment();
            for (long page = 0; page < 8192; page++) {
                ram.set(ValueLayout.JAVA_LONG, page * PageSize.BYTES, page);
            }
            PageSamples samples = PageSamples.take(memory, 16_384, new SplittableRandom(seed));
            // The last quarter comes into being, the first is written, the second gets what it has.
            for (long page = 0; page < 16_384; page++) {
                if (page < 4096 || page >= 12_288) {
                    ram.set(ValueLayout.JAVA_LONG, page * PageSize.BYTES, -page - 1);
                } else if (page < 8192) {
                    ram.set(ValueLayout.JAVA_LONG, page * PageSize.BYTES, page);
                }
            }

            int changed = samples.changed();

            assertEquals(1024, samples.count());
            // Half of 1024; 16 is one standard deviation.
            assertTrue(Math.abs(changed - 512) < 6 * 16, "changed " + changed + ", seed " + seed);
        }
    }

    @Test
    void bringsNoPageIntoBeing() {
        try (GuestMemory memory = new GuestMemory(List.of(RamBlock.memfd("ram", 1024 * MIB)))) {
            PageSamples samples = PageSamples.take(memory, 4096, new SplittableRandom(seed));
            int changed = samples.changed();
            long[] exists = {0};
            memory.blocks().getFirst().populatedExtents((_, length) -> exists[0] += length);

            assertEquals(0, changed);
            assertEquals(0, exists[0]);
        }
    }
}
