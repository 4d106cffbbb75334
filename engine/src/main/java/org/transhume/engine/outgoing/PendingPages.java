package org.transhume.engine.outgoing;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.transhume.memory.DirtyBitmap;
import org.transhume.memory.DirtySource;
import org.transhume.memory.GuestMemory;
import org.transhume.memory.PageSize;
import org.transhume.memory.RamBlock;
import org.transhume.memory.RunSink;

/**
 * What is dirty and not yet sent, block by block, and what was never written at all. Owns the dirty source while the
 * migration lasts: everything harvested from it is remembered, and given back if the migration fails. Used by the
 * migration's thread; {@link #remainingPages} and {@link #take(int, long)} by anyone.
 */
final class PendingPages implements AutoCloseable {
    /** A range of a block that was never written when the migration began. */
    record Hole(int block, long offset, long length) {}

    private final GuestMemory memory;
    private final DirtySource source;
    private final List<DirtyBitmap> pending = new ArrayList<>();
    private final List<DirtyBitmap> harvested = new ArrayList<>();
    private final List<DirtyBitmap> early = new ArrayList<>();
    private final List<DirtyBitmap> scratch = new ArrayList<>();
    private final List<Hole> holes = new ArrayList<>();
    private boolean started;
    private final AtomicLong remaining = new AtomicLong();

    PendingPages(GuestMemory memory, DirtySource source) {
        this.memory = memory;
        this.source = source;
        try {
            for (RamBlock block : memory.blocks()) {
                pending.add(new DirtyBitmap(block.pages()));
                harvested.add(new DirtyBitmap(block.pages()));
                early.add(new DirtyBitmap(block.pages()));
                scratch.add(new DirtyBitmap(block.pages()));
            }
        } catch (Throwable t) {
            close();
            throw t;
        }
    }

    /**
     * Arms the dirty source, then lists what exists: a page that is born in between is dirty to the source, so it is not
     * lost with the hole it was born in.
     */
    void start() {
        source.start();
        started = true;
        for (int i = 0; i < pending.size(); i++) {
            DirtyBitmap pages = pending.get(i);
            long end = memory.blocks().get(i).size();
            int block = i;
            long[] at = {0};
            memory.blocks().get(i).populatedExtents((offset, length) -> {
                addHole(block, at[0], offset);
                pages.markRange(offset / PageSize.BYTES, length / PageSize.BYTES);
                at[0] = offset + length;
            });
            addHole(block, at[0], end);
        }
        count();
    }

    private void addHole(int block, long from, long to) {
        if (to > from) {
            holes.add(new Hole(block, from, to - from));
        }
    }

    /** Ranges that no page record has to carry unless a later harvest finds them written. */
    List<Hole> holes() {
        return holes;
    }

    /**
     * Asks the dirty source between two harvests, only to know how fast pages get dirty: what it reports waits for the next
     * harvest, so that rounds stay what they are.
     *
     * @return pages the source reported
     */
    long look() {
        long found = 0;
        for (int i = 0; i < pending.size(); i++) {
            source.harvest(i, scratch.get(i));
            DirtyBitmap waiting = early.get(i);
            DirtyBitmap kept = harvested.get(i);
            found += scratch.get(i).harvest((first, count) -> {
                waiting.markRange(first, count);
                kept.markRange(first, count);
            });
        }
        return found;
    }

    /**
     * Adds what was written since the last harvest.
     *
     * @return pages the source reported
     */
    long harvest() {
        long found = 0;
        for (int i = 0; i < pending.size(); i++) {
            DirtyBitmap reported = scratch.get(i);
            source.harvest(i, reported);
            early.get(i).harvest(reported::markRange);
            DirtyBitmap pages = pending.get(i);
            DirtyBitmap kept = harvested.get(i);
            found += scratch.get(i).harvest((first, count) -> {
                pages.markRange(first, count);
                kept.markRange(first, count);
            });
        }
        count();
        return found;
    }

    private void count() {
        long sum = 0;
        for (DirtyBitmap pages : pending) {
            sum += pages.count();
        }
        remaining.set(sum);
    }

    long remainingPages() {
        return remaining.get();
    }

    /**
     * Takes pages of {@code block} from {@code fromPage} on: they are pending no more before {@code sink} hears of them, so a
     * write that comes after is next round's work.
     *
     * @param span pages to look at, once the first pending one is found
     * @return the page to go on from, or -1 if the block has none left from there on
     */
    long take(int block, long fromPage, int span, RunSink sink) {
        DirtyBitmap pages = pending.get(block);
        long first = fromPage < pages.pages() ? pages.nextMarked(fromPage) : -1;
        if (first < 0) {
            return -1;
        }
        long end = Math.min(first + span, pages.pages());
        remaining.addAndGet(-pages.harvest(first, end, sink)); // once a span
        return end;
    }

    /**
     * Takes one page, for whoever sends it. Any thread: of several one takes it.
     *
     * @return false if it is not pending: it was sent, or is about to be
     */
    boolean take(int block, long page) {
        if (pending.get(block).harvest(page, page + 1, (_, _) -> {}) == 0) {
            return false;
        }
        remaining.decrementAndGet();
        return true;
    }

    /** Any thread. */
    boolean isPending(int block, long page) {
        return pending.get(block).isMarked(page);
    }

    /** What was never written is pending from here on, as any other page, from the {@code first} of the holes on. */
    void keepNoHoles(int first) {
        for (Hole hole : holes.subList(first, holes.size())) {
            pending.get(hole.block()).markRange(hole.offset() / PageSize.BYTES, hole.length() / PageSize.BYTES);
        }
        holes.clear();
        count();
    }

    /** Tells the runs of pages of {@code block} that are pending; they stay so. */
    void forEachRun(int block, RunSink sink) {
        pending.get(block).forEachRun(sink);
    }

    /** Nothing is pending, until {@link #missing} says what is. */
    void forgetAll() {
        pending.forEach(DirtyBitmap::clear);
        remaining.set(0);
    }

    /** Of 64 pages of {@code block} from {@code first} on, those of which no bit is set did not come, and are pending. */
    void missing(int block, long first, long came) {
        DirtyBitmap pages = pending.get(block);
        long end = Math.min(first + Long.SIZE, pages.pages());
        for (long page = first; page < end; page++) {
            if ((came >>> page & 1) == 0) {
                pages.mark(page);
                remaining.incrementAndGet();
            }
        }
    }

    /** The migration failed: whatever the source reported to it, the source has to report again. */
    void giveBack() {
        if (started) {
            for (int i = 0; i < harvested.size(); i++) {
                source.restore(i, harvested.get(i));
            }
        }
    }

    /** Disarms the source and frees the bitmaps. */
    @Override
    public void close() {
        try {
            if (started) {
                started = false;
                source.stop();
            }
        } finally {
            pending.forEach(DirtyBitmap::close);
            harvested.forEach(DirtyBitmap::close);
            early.forEach(DirtyBitmap::close);
            scratch.forEach(DirtyBitmap::close);
        }
    }
}
