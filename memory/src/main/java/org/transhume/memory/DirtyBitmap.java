package org.transhume.memory;

import static org.transhume.memory.WordScan.WORD;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import java.util.Objects;

/**
 * One bit a page, set by many threads, taken by one or more.
 *
 * <pre>
 *   word 0                    word 1
 *   | page 0 .. page 63      | page 64 .. page 127    | ...      off-heap, committed when first marked
 *   summary
 *   | words 0 .. 511, words 512 .. 1023, ...          |          a bit for 512 words, that is 128 MiB of guest RAM
 * </pre>
 *
 * <p>A bit of the summary is set with the first mark beneath it, and stays. What was never marked is never looked at, so a
 * bitmap costs time and memory for what was marked in it and not for what it spans.
 *
 * <p>Marking and harvesting need no lock and lose nothing: a page marked while it is being harvested is handed out now
 * or next time. A page number outside the bitmap throws IndexOutOfBoundsException, any use after {@link #close()}
 * IllegalStateException. Whoever makes it closes it.
 */
public final class DirtyBitmap implements AutoCloseable {
    /** Words that share a bit of the summary fill one page of this process: what is not marked is not committed either. */
    private static final int STRETCH_SHIFT = 9;

    private final long pages;
    private final long length; // words; the summary is behind them
    private final MemorySegment words;
    private final Mapping mapping;

    /** @param pages at least 1; nothing is marked */
    public DirtyBitmap(long pages) {
        this(pages, Mapping.anonymous("bitmap", bytesFor(pages)));
    }

    private DirtyBitmap(long pages, Mapping mapping) {
        this.pages = pages;
        this.length = wordsFor(pages);
        this.mapping = mapping;
        this.words = mapping.segment();
    }

    /** Over the heap, with {@code marked} pages of the first word: for a stress test that needs millions of them. */
    DirtyBitmap(int pages, long marked) {
        this.pages = pages;
        this.length = wordsFor(pages);
        this.mapping = null;
        this.words = MemorySegment.ofArray(new long[(int) (bytesFor(pages) / Long.BYTES)]);
        if (marked != 0) {
            WORD.set(words, 0L, marked);
            noteStretch(0);
        }
    }

    private static long wordsFor(long pages) {
        return Math.ceilDiv(pages, Long.SIZE);
    }

    private static long bytesFor(long pages) {
        if (pages < 1) {
            throw new IllegalArgumentException("bitmap of %d pages: expected at least 1".formatted(pages));
        }
        long words = wordsFor(pages);
        return (words + Math.ceilDiv(words, (long) Long.SIZE << STRETCH_SHIFT)) * Long.BYTES;
    }

    public long pages() {
        return pages;
    }

    /** Marks {@code page} as written; call it after the bytes are in place. */
    public void mark(long page) {
        Objects.checkIndex(page, pages);
        // Release: whoever takes the bit sees the bytes written before it (pairs with the acquire in take).
        // Always OR, never "test, then set": a bit seen set may be taken, and the page read, before our bytes get
        // there.
        long _ = (long) WORD.getAndBitwiseOrRelease(words, (page >>> 6) << 3, 1L << page);
        note(page >>> 6);
    }

    /** Marks {@code count} pages from {@code first} on. */
    public void markRange(long first, long count) {
        Objects.checkFromIndexSize(first, count, pages);
        long to = first + count;
        long lastWord = Math.ceilDiv(to, Long.SIZE);
        for (long word = first >>> 6; word < lastWord; word++) {
            long mask = mask(word, first, to);
            if (mask == -1) {
                // A whole word cannot wipe out a neighbour's mark; release for the same reason as in mark.
                WORD.setRelease(words, word << 3, -1L);
            } else {
                long _ = (long) WORD.getAndBitwiseOrRelease(words, word << 3, mask);
            }
        }
        for (long stretch = first >>> 6 >>> STRETCH_SHIFT; stretch << STRETCH_SHIFT < lastWord; stretch++) {
            noteStretch(stretch);
        }
    }

    public void markAll() {
        markRange(0, pages);
    }

    /** Marks {@code page} and says whether it was marked already. Of several threads exactly one is told false. */
    public boolean testAndMark(long page) {
        Objects.checkIndex(page, pages);
        // Full fence both ways: the first to mark owns the page, the others see what it did before.
        boolean marked = ((long) WORD.getAndBitwiseOr(words, (page >>> 6) << 3, 1L << page) >>> page & 1) != 0;
        note(page >>> 6);
        return marked;
    }

    /** Whether {@code page} is marked; then what was written before the mark is visible to the caller. */
    public boolean isMarked(long page) {
        Objects.checkIndex(page, pages);
        return ((long) WORD.getAcquire(words, (page >>> 6) << 3) >>> page & 1) != 0; // pairs with mark's release
    }

    /**
     * Whether each of 64 pages is marked, as {@link #isMarked} says it.
     *
     * @param first a multiple of 64: that page has the lowest bit; those behind the last page have none
     */
    public long word(long first) {
        Objects.checkIndex(first, pages);
        return (long) WORD.getAcquire(words, (first >>> 6) << 3); // pairs with mark's release
    }

    /** Pages marked. While others mark, a value it passed through or near it. */
    public long count() {
        return count(0, pages);
    }

    /** Those of {@link #count()} that are {@code fromPage} to {@code toPage - 1}. */
    public long count(long fromPage, long toPage) {
        Objects.checkFromToIndex(fromPage, toPage, pages);
        if (fromPage == toPage) {
            return 0;
        }
        VarHandle.acquireFence();
        long count = 0;
        long first = fromPage >>> 6;
        long last = (toPage - 1) >>> 6;
        for (long from = noted(first, last + 1); from <= last; ) {
            long to = behindNoted(from, last + 1);
            for (long word = from; word < to; word++) {
                // Plain: this becomes a vector loop by itself.
                count += Long.bitCount((long) WORD.get(words, word << 3));
            }
            from = noted(to, last + 1);
        }
        // What the two words at the ends hold beside the range.
        count -= Long.bitCount((long) WORD.get(words, first << 3) & ~mask(first, fromPage, pages));
        return count - Long.bitCount((long) WORD.get(words, last << 3) & ~mask(last, 0, toPage));
    }

    /** {@link #harvest(long, long, RunSink)} of all pages. */
    public long harvest(RunSink sink) {
        return harvest(0, pages, sink);
    }

    /**
     * Takes every mark on the pages {@code fromPage} to {@code toPage - 1} and hands the pages to {@code sink}, in
     * ascending order, adjacent ones as one run. Each mark is cleared before its page is handed out: read the page after
     * that, and a write in between is handed out next time. If {@code sink} throws, what it was just given and what it
     * was not yet given is marked again.
     *
     * @return pages handed out
     */
    public long harvest(long fromPage, long toPage, RunSink sink) {
        Objects.checkFromToIndex(fromPage, toPage, pages);
        VarHandle.acquireFence(); // the plain vector loads below must not move before whatever the caller waited for
        long handedOut = 0;
        long first = 0;
        long count = 0; // the run [first, first + count) is taken, not yet handed out
        long bits = 0; // what is taken of `word` and not yet in the run
        long word = fromPage >>> 6;
        long end = wordsFor(toPage);
        try {
            for (long from = noted(word, end), behind; from < end; from = noted(behind, end)) {
                behind = behindNoted(from, end);
                for (word = next(from, behind); word < behind; word = next(word + 1, behind)) {
                    bits = take(word, mask(word, fromPage, toPage));
                    while (bits != 0) {
                        int start = Long.numberOfTrailingZeros(bits);
                        long page = (word << 6) + start;
                        int length = Long.numberOfTrailingZeros(~(bits >>> start));
                        if (page != first + count && count != 0) {
                            sink.run(first, count);
                            handedOut += count;
                            count = 0;
                        }
                        if (count == 0) {
                            first = page;
                        }
                        count += length;
                        bits &= bits + (1L << start); // the lowest run of ones carries away
                    }
                }
            }
            if (count != 0) {
                sink.run(first, count);
                handedOut += count;
            }
            return handedOut;
        } catch (Throwable thrown) {
            markRange(first, count);
            if (bits != 0) {
                long _ = (long) WORD.getAndBitwiseOrRelease(words, word << 3, bits);
            }
            throw thrown;
        }
    }

    /** Tells the marked pages in ascending order, adjacent ones as one run; they stay marked. For when nobody marks. */
    public void forEachRun(RunSink sink) {
        long from = -1; // of the run that is open
        for (long word = 0; word < length; word++) {
            long bits = word(word << 6);
            if (bits == (from < 0 ? 0 : -1L)) {
                continue; // most of them: nothing begins or ends here
            }
            long page = word << 6;
            for (int bit = 0; bit < Long.SIZE; ) {
                // The next bit that is not as those before, from this one on.
                long other = (from < 0 ? bits : ~bits) & -1L << bit;
                if (other == 0) {
                    break;
                }
                bit = Long.numberOfTrailingZeros(other);
                if (from < 0) {
                    from = page + bit;
                } else {
                    sink.run(from, page + bit - from);
                    from = -1;
                }
            }
        }
        if (from >= 0) {
            sink.run(from, pages - from);
        }
    }

    /** The lowest marked page at or after {@code fromPage}, or -1. */
    public long nextMarked(long fromPage) {
        Objects.checkIndex(fromPage, pages);
        VarHandle.acquireFence();
        for (long from = noted(fromPage >>> 6, length), behind; from < length; from = noted(behind, length)) {
            behind = behindNoted(from, length);
            for (long word = next(from, behind); word < behind; word = next(word + 1, behind)) {
                long bits = (long) WORD.getAcquire(words, word << 3) & mask(word, fromPage, pages);
                if (bits != 0) {
                    return (word << 6) + Long.numberOfTrailingZeros(bits);
                }
            }
        }
        return -1;
    }

    /** Marks here what is marked in {@code other}, which stays as it is. */
    public void merge(DirtyBitmap other) {
        if (other.pages != pages) {
            throw new IllegalArgumentException(
                    "merge of a bitmap of %d pages into one of %d".formatted(other.pages, pages));
        }
        VarHandle.acquireFence();
        for (long from = other.noted(0, length), behind; from < length; from = other.noted(behind, length)) {
            behind = other.behindNoted(from, length);
            for (long word = other.next(from, behind); word < behind; word = other.next(word + 1, behind)) {
                // Acquire what the marker of `other` wrote, release it to our harvester.
                long bits = (long) WORD.getAcquire(other.words, word << 3);
                long _ = (long) WORD.getAndBitwiseOrRelease(words, word << 3, bits);
                note(word);
            }
        }
    }

    public void clear() {
        clearRange(0, pages);
    }

    /** Clears {@code count} pages from {@code first} on; marks set meanwhile may survive. */
    public void clearRange(long first, long count) {
        Objects.checkFromIndexSize(first, count, pages);
        long to = first + count;
        long end = wordsFor(to);
        for (long from = noted(first >>> 6, end), behind; from < end; from = noted(behind, end)) {
            behind = behindNoted(from, end);
            for (long word = next(from, behind); word < behind; word = next(word + 1, behind)) {
                long _ = take(word, mask(word, first, to));
            }
        }
    }

    @Override
    public void close() {
        if (mapping != null) {
            mapping.close();
        }
    }

    private long next(long from, long end) {
        return WordScan.nextNonZero(words, from, end);
    }

    /** Notes in the summary that {@code word} was marked. */
    private void note(long word) {
        noteStretch(word >>> STRETCH_SHIFT);
    }

    private void noteStretch(long stretch) {
        long at = summary(stretch);
        // "Test, then set" is right here, since nobody clears it: seen set by us, it is seen set by whoever we tell.
        // Release for the acquire in seek; a scanner that sees only one of the two bits comes too early, and again.
        if (((long) WORD.getOpaque(words, at) >>> stretch & 1) == 0) {
            long _ = (long) WORD.getAndBitwiseOrRelease(words, at, 1L << stretch);
        }
    }

    /** Where the bit of {@code stretch} is. */
    private long summary(long stretch) {
        return (length + (stretch >>> 6)) << 3;
    }

    /** The first word of {@code from} to {@code end - 1} that lies in a stretch with marks, or {@code end}. */
    private long noted(long from, long end) {
        return seek(from, end, 0);
    }

    /** The first word behind {@code from} that lies in a stretch without, or {@code end}. */
    private long behindNoted(long from, long end) {
        return seek(from, end, -1);
    }

    /** @param inverted -1 to look for a bit of the summary that is not set */
    private long seek(long from, long end, long inverted) {
        for (long stretch = from >>> STRETCH_SHIFT; stretch << STRETCH_SHIFT < end; stretch = (stretch | 63) + 1) {
            long bits = ((long) WORD.getAcquire(words, summary(stretch)) ^ inverted) & -1L << stretch;
            if (bits != 0) {
                long word = ((stretch & -64) + Long.numberOfTrailingZeros(bits)) << STRETCH_SHIFT;
                return Math.clamp(word, from, end);
            }
        }
        return end;
    }

    /** The bits of {@code mask} in {@code word}; they are cleared, the others are left alone. */
    private long take(long word, long mask) {
        // Acquire: with the bit comes what was written before it (pairs with the releases in mark, markRange, merge).
        if (mask == -1) {
            return (long) WORD.getAndSetAcquire(words, word << 3, 0L);
        }
        return (long) WORD.getAndBitwiseAndAcquire(words, word << 3, ~mask) & mask;
    }

    /** The bits of {@code word} that stand for pages of {@code from} to {@code to - 1}. */
    private static long mask(long word, long from, long to) {
        long mask = -1;
        if (word == from >>> 6) {
            mask &= -1L << from;
        }
        if (word == to >>> 6) {
            mask &= ~(-1L << to);
        }
        return mask;
    }
}
