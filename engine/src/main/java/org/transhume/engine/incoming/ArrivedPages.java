package org.transhume.engine.incoming;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.transhume.memory.DirtyBitmap;
import org.transhume.memory.PageSize;
import org.transhume.memory.RamBlock;

/**
 * What came of one block, and which of its memory holds something. Costs what came as pages and not what the block spans: long
 * holes are kept as one bit for 128 MiB, and memory that holds nothing is never touched for a page that is zero. Any thread,
 * but for {@link #missing} and {@link #firstMissing}, which want all others to have ended; a page's versions one after the other.
 */
final class ArrivedPages implements AutoCloseable {
    private static final byte ZERO = 0;
    /** Pages to a bit of {@link #holes}: as many as share a bit of a bitmap's summary, so that nothing is committed for them. */
    private static final long STRETCH = 1 << 15;

    private final List<DirtyBitmap> owned = new ArrayList<>();
    private final MemorySegment ram;
    private final long pages;
    private final DirtyBitmap written;
    private final DirtyBitmap zeroes;
    private final DirtyBitmap holes;
    private final DirtyBitmap stale; // null if there is nothing

    /** @param fresh whether the block was never written; else what it holds is looked up */
    ArrivedPages(RamBlock block, boolean fresh) {
        ram = block.segment();
        pages = block.pages();
        try {
            written = bitmap(pages);
            zeroes = bitmap(pages);
            holes = bitmap(Math.ceilDiv(pages, STRETCH));
            stale = fresh ? null : bitmap(pages);
            if (stale != null) {
                block.populatedExtents(
                        (offset, length) -> stale.markRange(offset / PageSize.BYTES, length / PageSize.BYTES));
            }
        } catch (Throwable t) {
            close();
            throw t;
        }
    }

    private DirtyBitmap bitmap(long bits) {
        DirtyBitmap made = new DirtyBitmap(bits);
        owned.add(made);
        return made;
    }

    /** A page was put in its place, or is about to be. */
    void page(long page) {
        written.mark(page);
    }

    /** Whether a version of the page came with content. */
    boolean hasContent(long page) {
        return written.isMarked(page);
    }

    /** A page is zero: it is written only where the memory can hold anything else. */
    void zero(long page) {
        if (written.isMarked(page) || (stale != null && stale.isMarked(page))) {
            clear(page);
        }
        zeroes.mark(page);
    }

    /** {@code count} pages from {@code first} on are zero. */
    void hole(long first, long count) {
        long end = first + count;
        clearAll(written, first, end);
        if (stale != null) {
            clearAll(stale, first, end);
        }
        long from = Math.ceilDiv(first, STRETCH);
        long to = end == pages ? Math.ceilDiv(end, STRETCH) : end / STRETCH;
        if (from < to) {
            holes.markRange(from, to - from);
            zeroes.markRange(first, from * STRETCH - first);
            long rest = Math.min(to * STRETCH, end);
            zeroes.markRange(rest, end - rest);
        } else {
            zeroes.markRange(first, count);
        }
    }

    private void clearAll(DirtyBitmap content, long first, long end) {
        long left = content.count(first, end); // not far beyond the end looked for more
        for (long page = first; left > 0; left--, page++) {
            page = content.nextMarked(page);
            clear(page);
        }
    }

    private void clear(long page) {
        ram.asSlice(page * PageSize.BYTES, PageSize.BYTES).fill(ZERO);
    }

    /** Pages of which nothing came. */
    long missing() {
        zeroes.merge(written); // from here on: those that came in any way
        long came = zeroes.count();
        for (long[] range : holeRanges()) {
            came += range[1] - range[0] - zeroes.count(range[0], range[1]);
        }
        return pages - came;
    }

    /** The lowest page of which nothing came, if there is one; after {@link #missing}. Takes a while. */
    long firstMissing() {
        holeRanges().forEach(range -> zeroes.markRange(range[0], range[1] - range[0]));
        long page = 0;
        while (page < pages && zeroes.isMarked(page)) {
            page++;
        }
        return page;
    }

    /** Page numbers from, to. */
    private List<long[]> holeRanges() {
        List<long[]> ranges = new ArrayList<>();
        holes.harvest((first, count) ->
                ranges.add(new long[] {first * STRETCH, Math.min(pages, (first + count) * STRETCH)}));
        for (long[] range : ranges) {
            holes.markRange(range[0] / STRETCH, Math.ceilDiv(range[1] - range[0], STRETCH));
        }
        return ranges;
    }

    @Override
    public void close() {
        owned.forEach(DirtyBitmap::close);
    }
}
