package org.transhume.engine.incoming;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.transhume.channels.qemu.BlockEntry;
import org.transhume.engine.MigrationException;
import org.transhume.memory.DirtyBitmap;
import org.transhume.memory.GuestMemory;
import org.transhume.memory.PageSize;
import org.transhume.memory.RamBlock;

/**
 * The RAM that a migration fills, and which of its pages have come. Written by all channels at once: pages of one epoch are
 * never the same on two of them. Offsets must have been checked.
 */
final class LoadedRam implements AutoCloseable {
    private static final byte ZERO = 0;

    private final List<BlockEntry> blocks;
    private final Map<String, Integer> byName = new HashMap<>();
    private final List<MemorySegment> segments = new ArrayList<>();
    private final List<DirtyBitmap> received = new ArrayList<>();
    private final boolean fresh;

    LoadedRam(List<BlockEntry> blocks, GuestMemory memory, boolean fresh) {
        this.blocks = blocks;
        this.fresh = fresh;
        try {
            for (int i = 0; i < blocks.size(); i++) {
                RamBlock block = memory.blocks().get(i);
                byName.put(blocks.get(i).name(), i);
                segments.add(block.segment());
                received.add(new DirtyBitmap(block.pages()));
            }
        } catch (Throwable t) {
            close();
            throw t;
        }
    }

    /** @return null if there is no such block */
    Integer index(String name) {
        return byName.get(name);
    }

    BlockEntry block(int index) {
        return blocks.get(index);
    }

    MemorySegment segment(int index) {
        return segments.get(index);
    }

    /** Whether any version of the page came already. */
    boolean came(int block, long offset) {
        return received.get(block).isMarked(offset / PageSize.BYTES);
    }

    /** A page was put in its place. */
    void arrived(int block, long offset) {
        received.get(block).mark(offset / PageSize.BYTES);
    }

    /** A page is zero. Memory that is fresh and was not written since needs no touch, and stays unallocated. */
    void zero(int block, long offset) {
        boolean came = received.get(block).testAndMark(offset / PageSize.BYTES);
        if (came || !fresh) {
            segments.get(block).asSlice(offset, PageSize.BYTES).fill(ZERO);
        }
    }

    /** A whole range is zero. */
    void hole(int block, long offset, long length) {
        DirtyBitmap pages = received.get(block);
        long first = offset / PageSize.BYTES;
        long count = length / PageSize.BYTES;
        long marked = pages.nextMarked(first);
        if (!fresh || (marked >= 0 && marked < first + count)) {
            for (long page = first; page < first + count; page++) {
                zero(block, page * PageSize.BYTES);
            }
        } else {
            pages.markRange(first, count);
        }
    }

    /**
     * Refuses RAM of which pages are missing.
     *
     * @param sharedMayBeAbsent blocks without a single page are shared ones, which do not travel
     */
    void checkComplete(boolean sharedMayBeAbsent) {
        for (int i = 0; i < blocks.size(); i++) {
            DirtyBitmap pages = received.get(i);
            long missing = pages.pages() - pages.count();
            if (missing > 0 && !(sharedMayBeAbsent && missing == pages.pages())) {
                throw new MigrationException(
                        "RAM is incomplete: %d of %d pages of block '%s' never came, the first at 0x%x; the source is broken"
                                .formatted(missing, pages.pages(), blocks.get(i).name(), firstMissing(pages)));
            }
        }
    }

    private static long firstMissing(DirtyBitmap pages) {
        long page = 0;
        while (pages.isMarked(page)) {
            page++;
        }
        return page * PageSize.BYTES;
    }

    @Override
    public void close() {
        received.forEach(DirtyBitmap::close);
    }
}
