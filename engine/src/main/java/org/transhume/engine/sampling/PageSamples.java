package org.transhume.engine.sampling;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import java.util.random.RandomGenerator;
import org.transhume.codec.SampleHash;
import org.transhume.memory.GuestMemory;
import org.transhume.memory.PageSize;
import org.transhume.memory.RamBlock;

/**
 * Pages chosen by chance, and what they held when they were chosen (spec: control.md §6.11). Pages that were never written are
 * not touched, so that looking does not bring them into being. One thread.
 */
public final class PageSamples {
    private static final long LEAST_BLOCK = 128 << 10;
    private static final int MEBIBYTE_SHIFT = 20;
    private static final int GIBIBYTE_SHIFT = 30;

    private record Sample(int block, long page, int hash) {}

    private final GuestMemory memory;
    private final List<Sample> samples;
    private final long bytes;

    private PageSamples(GuestMemory memory, List<Sample> samples, long bytes) {
        this.memory = memory;
        this.samples = samples;
        this.bytes = bytes;
    }

    /** Looks at about {@code perGiB} pages for each GiB; a page may be chosen twice, the last of a block never is. */
    public static PageSamples take(GuestMemory memory, long perGiB, RandomGenerator random) {
        List<Sample> samples = new ArrayList<>();
        long bytes = 0;
        for (int i = 0; i < memory.blocks().size(); i++) {
            RamBlock block = memory.blocks().get(i);
            if (block.size() < LEAST_BLOCK) {
                continue;
            }
            bytes += block.size();
            Look look = new Look(block);
            long count = (block.size() * perGiB) >> GIBIBYTE_SHIFT;
            for (long s = 0; s < count; s++) {
                long page = random.nextLong(block.pages() - 1);
                samples.add(new Sample(i, page, look.hash(page)));
            }
        }
        return new PageSamples(memory, samples, bytes);
    }

    /** Pages looked at. */
    public int count() {
        return samples.size();
    }

    /** Of all blocks that were big enough to be looked at. */
    public long mebibytes() {
        return bytes >> MEBIBYTE_SHIFT;
    }

    /** How many of them hold something else now. */
    public int changed() {
        List<Look> looks = memory.blocks().stream().map(Look::new).toList();
        int changed = 0;
        for (Sample sample : samples) {
            if (looks.get(sample.block).hash(sample.page) != sample.hash) {
                changed++;
            }
        }
        return changed;
    }

    /** One look at a block, with what exists of it. */
    private static final class Look {
        private static final int ZEROES =
                SampleHash.of(MemorySegment.ofArray(new byte[PageSize.BYTES]), 0, PageSize.BYTES);

        private final RamBlock block;
        private final NavigableMap<Long, Long> extents = new TreeMap<>(); // end by offset

        Look(RamBlock block) {
            this.block = block;
            block.populatedExtents((offset, length) -> extents.put(offset, offset + length));
        }

        int hash(long page) {
            long at = page * PageSize.BYTES;
            Map.Entry<Long, Long> extent = extents.floorEntry(at);
            return extent != null && at < extent.getValue()
                    ? SampleHash.of(block.segment(), at, PageSize.BYTES)
                    : ZEROES;
        }
    }
}
