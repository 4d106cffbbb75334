package org.transhume.engine.guest;

import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.transhume.engine.ArrivingPages;
import org.transhume.memory.GuestAccess;
import org.transhume.memory.GuestMemory;
import org.transhume.memory.Lease;
import org.transhume.memory.PageSize;
import org.transhume.memory.RamBlock;

/**
 * Two threads that read pages which are still missing, at a rate, so that they are asked for. What they could not read while
 * they waited is not made up for. A thread that waits for a page when told to end does so once it comes, or once nobody brings
 * pages any more.
 */
final class MissingPageReader {
    private static final int THREADS = 2;
    private static final long TICK_NANOS = 1_000_000;
    private static final long NANOS_PER_SECOND = 1_000_000_000;
    private static final long BEHIND_NANOS = 10 * TICK_NANOS; // a thread oversleeps: so much is made up for
    private static final int LOOKS = 1 << 16; // for a missing page behind the one that was drawn

    private final GuestMemory memory;
    private final ArrivingPages arriving;
    private final long nanosPerPage; // of one thread
    private final AtomicLong read = new AtomicLong();
    private volatile boolean end;

    /**
     * Starts them.
     *
     * @param memory lent until the last of them has ended
     * @param rate pages a second, at least 1
     * @param seed draws the pages
     */
    MissingPageReader(GuestMemory memory, ArrivingPages arriving, int rate, long seed) {
        this.memory = memory;
        this.arriving = arriving;
        this.nanosPerPage = THREADS * NANOS_PER_SECOND / rate;
        SplittableRandom seeds = new SplittableRandom(seed);
        for (int t = 0; t < THREADS; t++) {
            SplittableRandom random = seeds.split();
            Lease lease = memory.lease("touching");
            Thread.ofPlatform().daemon().name("touch " + t).start(() -> {
                try (lease) {
                    readOn(random);
                }
            });
        }
    }

    /** Nobody asks any more whether a page is there when this returns; whoever waits for one may still do so. */
    synchronized void end() {
        end = true;
    }

    private synchronized boolean isMissing(int block, long offset) {
        return !end && !arriving.isThere(block, offset);
    }

    /** Pages that were missing when they were drawn, and came. */
    long pagesRead() {
        return read.get();
    }

    private void readOn(SplittableRandom random) {
        List<RamBlock> blocks = memory.blocks();
        long pages = memory.size() / PageSize.BYTES;
        long last = System.nanoTime();
        while (!end) {
            long wait = last + nanosPerPage - System.nanoTime();
            if (wait > 0) {
                LockSupport.parkNanos(Math.min(wait, TICK_NANOS));
                continue;
            }
            last = Math.max(last + nanosPerPage, System.nanoTime() - BEHIND_NANOS);
            long page = random.nextLong(pages);
            int block = 0;
            while (page >= blocks.get(block).pages()) {
                page -= blocks.get(block++).pages();
            }
            if (readFrom(block, page)) {
                read.incrementAndGet();
            }
        }
    }

    /** Reads the first page that is missing from this one on. */
    private boolean readFrom(int block, long first) {
        RamBlock ram = memory.blocks().get(block);
        long behind = Math.min(ram.pages(), first + LOOKS);
        for (long page = first; page < behind && !end; page++) {
            long offset = page * PageSize.BYTES;
            if (isMissing(block, offset)) {
                GuestAccess.touch(ram.address() + offset);
                return true;
            }
        }
        return false;
    }
}
