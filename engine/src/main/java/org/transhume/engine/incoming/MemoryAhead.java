package org.transhume.engine.incoming;

import java.util.concurrent.locks.LockSupport;
import org.transhume.engine.Threads;
import org.transhume.memory.PageSize;
import org.transhume.memory.RamBlock;

/**
 * Has the kernel find memory for pages a little ahead of where they arrive, in a thread of its own: the first touch of memory
 * is most of what a page costs its destination (docs/performance.md). It goes as far ahead as pages with content came in a
 * row, so that a guest of which much is zero takes no more memory for it. Only for memory that nobody wrote to yet, and of
 * which no page has to stay missing.
 */
final class MemoryAhead implements AutoCloseable {
    /** Pages that are looked at together: a word of the bitmaps of what came. */
    private static final int STEP = Long.SIZE;
    /** Farthest ahead, in pages. */
    private static final long FARTHEST = 8192;

    private static final int HUGE_PAGES = (int) (RamBlock.HUGE_PAGE / PageSize.BYTES);

    private final LoadedRam ram;
    private final HugePageSupply huge = new HugePageSupply();
    private final long[] firstPages; // of each block, counted through all of them
    private final Thread worker;
    // What is about to come, written by any channel. Whoever mixes two of them makes room where it is not needed, no
    // more.
    private volatile long from;
    private volatile long to;
    private volatile boolean idle;
    private volatile boolean ended;

    /** @param name of its thread */
    MemoryAhead(LoadedRam ram, String name) {
        this.ram = ram;
        this.firstPages = new long[ram.blocks().size() + 1];
        for (int i = 0; i < ram.blocks().size(); i++) {
            firstPages[i + 1] = firstPages[i] + ram.block(i).length() / PageSize.BYTES;
        }
        this.worker = Thread.ofPlatform().daemon().name(name + " memory").unstarted(this::run);
    }

    void start() {
        worker.start();
    }

    /** How many pages with content one channel brought in a row. One thread. */
    final class Row {
        private long pages;
        private int block;
        private long last;

        /** {@code count} pages of {@code block} came, the last at {@code offset}. */
        void came(int block, long offset, int count) {
            long page = offset / PageSize.BYTES;
            boolean goesOn =
                    block == this.block && page > last && page - last <= FARTHEST; // others bring what is between
            pages = goesOn ? pages + count : count;
            this.block = block;
            last = page;
            if (pages >= STEP) {
                expect(block, page + 1, Math.min(pages, FARTHEST));
            }
        }

        /** Something else came. */
        void broken() {
            pages = 0;
        }
    }

    /** For the thread of one channel. */
    Row row() {
        return new Row();
    }

    private void expect(int block, long page, long count) {
        long begin = firstPages[block] + page;
        long end = Math.min(begin + count, firstPages[block + 1]);
        if (end >= to + STEP || end < from) {
            from = begin;
            to = end; // seen by the worker before it parks, or else it is seen idle here
            if (idle) {
                LockSupport.unpark(worker);
            }
        }
    }

    private void run() {
        long done = 0;
        while (!ended) {
            long begin = from;
            long end = to;
            if (begin > done || end < done - FARTHEST) {
                done = begin; // it was overtaken, or another block's turn has come
            }
            if (done >= end) {
                rest(end);
                continue;
            }
            int block = blockOf(done);
            long first = (done - firstPages[block]) & -STEP;
            RamBlock memory = ram.memory().blocks().get(block);
            boolean large = hugePageFits(memory, block, first, end - done) && huge.worthTrying();
            long count = large ? HUGE_PAGES : Math.min(STEP, memory.pages() - first);
            if (!(large ? populateHuge(memory, first) : populate(memory, block, first, count))) {
                return;
            }
            done = firstPages[block] + first + count;
        }
    }

    private boolean populate(RamBlock memory, int block, long first, long count) {
        return ram.cameOf64(block, first) != 0 || memory.populate(first * PageSize.BYTES, count * PageSize.BYTES);
    }

    private boolean populateHuge(RamBlock memory, long first) {
        long begin = System.nanoTime();
        boolean there = memory.populateHuge(first * PageSize.BYTES);
        huge.took(System.nanoTime() - begin);
        return there;
    }

    /** Whether all of it is expected, and nothing came yet. */
    private boolean hugePageFits(RamBlock memory, int block, long first, long expected) {
        if (expected < HUGE_PAGES || !memory.hugePageFits(first * PageSize.BYTES)) {
            return false;
        }
        long came = 0;
        for (int i = 0; i < HUGE_PAGES; i += STEP) {
            came |= ram.cameOf64(block, first + i);
        }
        return came == 0;
    }

    private void rest(long seen) {
        idle = true;
        if (to == seen && !ended) {
            LockSupport.park(this);
        }
        idle = false;
    }

    private int blockOf(long page) {
        int block = 0;
        while (page >= firstPages[block + 1]) {
            block++;
        }
        return block;
    }

    /** When this returns, nothing of it touches the memory any more. */
    @Override
    public void close() {
        ended = true;
        LockSupport.unpark(worker);
        Threads.join(worker);
    }
}
