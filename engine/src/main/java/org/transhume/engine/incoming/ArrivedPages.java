package org.transhume.engine.incoming;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.LongConsumer;
import org.transhume.memory.DirtyBitmap;
import org.transhume.memory.PageSize;
import org.transhume.memory.RamBlock;

/**
 * What came of one block, and which of its memory holds something. Costs what came as pages and not what the block spans: long
 * holes are kept as one bit for 128 MiB, and memory that holds nothing is never touched for a page that is zero. Any thread,
 * but a page's versions come one after the other.
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
    private final LongAdder came = new LongAdder();

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
        if (!written.testAndMark(page) && !zeroes.isMarked(page) && !holes.isMarked(page / STRETCH)) {
            came.increment();
        }
    }

    /** Whether a version of the page came with content. */
    boolean hasContent(long page) {
        return written.isMarked(page);
    }

    /** A page is zero: it is written only where the memory can hold anything else. */
    void zero(long page) {
        boolean content = written.isMarked(page);
        if (content || (stale != null && stale.isMarked(page))) {
            clear(page);
        }
        if (!zeroes.testAndMark(page) && !content && !holes.isMarked(page / STRETCH)) {
            came.increment();
        }
    }

    /** A page is zero in a place that held nothing. */
    void placedZero(long page) {
        if (!zeroes.testAndMark(page) && !written.isMarked(page) && !holes.isMarked(page / STRETCH)) {
            came.increment();
        }
    }

    /**
     * {@code count} pages from {@code first} on are zero.
     *
     * @param replaced told of those that came with content
     */
    void hole(long first, long count, LongConsumer replaced) {
        long end = first + count;
        long firstStretch = first / STRETCH;
        long behindStretch = Math.ceilDiv(end, STRETCH);
        if (written.count(first, end) + zeroes.count(first, end) + holes.count(firstStretch, behindStretch) > 0) {
            for (long page = first; page < end; page++) {
                if (written.isMarked(page)) {
                    replaced.accept(page);
                }
                zero(page); // no sender of ours says it of pages that came
            }
            return;
        }
        if (stale != null) {
            clearAll(stale, first, end);
        }
        came.add(count);
        long from = Math.ceilDiv(first, STRETCH);
        long to = end == pages ? behindStretch : end / STRETCH;
        if (from < to) {
            holes.markRange(from, to - from);
            zeroes.markRange(first, from * STRETCH - first);
            long rest = Math.min(to * STRETCH, end);
            zeroes.markRange(rest, end - rest);
        } else {
            zeroes.markRange(first, count);
        }
    }

    /** What came of {@code count} pages from {@code first} on does not count any more, as if it had not. One thread. */
    void forget(long first, long count) {
        long end = first + count;
        for (long stretch = first / STRETCH; stretch * STRETCH < end; stretch++) {
            long begin = stretch * STRETCH;
            long behind = Math.min(begin + STRETCH, pages);
            long from = Math.max(first, begin);
            long to = Math.min(end, behind);
            if (holes.isMarked(stretch)) {
                zeroes.markRange(begin, from - begin);
                zeroes.markRange(to, behind - to);
                holes.clearRange(stretch, 1);
                came.add(from - to);
            } else {
                came.add(-cameOf(from, to));
            }
        }
        written.clearRange(first, count);
        zeroes.clearRange(first, count);
    }

    /** Pages of a range that came, where no hole is. */
    private long cameOf(long from, long to) {
        long sum = 0;
        for (long first = from & -Long.SIZE; first < to; first += Long.SIZE) {
            long bits = written.word(first) | zeroes.word(first);
            bits &= first < from ? -1L << from : -1L;
            bits &= to - first < Long.SIZE ? ~(-1L << to) : -1L;
            sum += Long.bitCount(bits);
        }
        return sum;
    }

    /** The lowest marked page at or after {@code from}, or {@link #pages}. */
    private long next(DirtyBitmap bitmap, long from) {
        long page = from < pages ? bitmap.nextMarked(from) : -1;
        return page < 0 ? pages : page;
    }

    /** Whether the page came, in whatever form. */
    boolean came(long page) {
        return written.isMarked(page) || zeroes.isMarked(page) || holes.isMarked(page / STRETCH);
    }

    /** A bit for each of the 64 pages from {@code first} on: whether it came. */
    long cameOf64(long first) {
        if (holes.isMarked(first / STRETCH)) {
            return pages - first >= Long.SIZE ? -1L : (1L << (pages - first)) - 1;
        }
        return written.word(first) | zeroes.word(first);
    }

    /**
     * Pages of which nothing came hold nothing from here on.
     *
     * @param block whose pages they are
     */
    void discardTheRest(RamBlock block) {
        if (stale == null) {
            return;
        }
        long from = 0;
        long to = 0; // [from, to) is to go
        for (long page = next(stale, 0); page < pages; page = next(stale, page + 1)) {
            if (came(page)) {
                continue;
            }
            if (page != to) {
                discard(block, from, to);
                from = page;
            }
            to = page + 1;
        }
        discard(block, from, to);
    }

    private static void discard(RamBlock block, long from, long to) {
        if (to > from) {
            block.discard(from * PageSize.BYTES, (to - from) * PageSize.BYTES);
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

    /** Pages of which nothing came. Counted all along: a look at the bitmaps would be part of the pause. */
    long missing() {
        return pages - came.sum();
    }

    /** The lowest page of which nothing came, if there is one. Takes a while. */
    long firstMissing() {
        long page = 0;
        while (page < pages && came(page)) {
            page++;
        }
        return page;
    }

    @Override
    public void close() {
        owned.forEach(DirtyBitmap::close);
    }
}
