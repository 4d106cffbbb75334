package org.transhume.engine.outgoing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.transhume.channels.qemu.MainStreamWriter;
import org.transhume.codec.ZeroPage;
import org.transhume.engine.PageCounters;
import org.transhume.memory.GuestMemory;
import org.transhume.memory.PageSize;

/**
 * Turns pending pages into batches for the lanes, and holes into whatever the stream has for them. One thread. A slice ends
 * at its deadline, so that the migration can look at the clock, its orders and its peer.
 */
final class Scanner {
    /** Pages to take at once: short enough to keep a slice's deadline, long enough to find runs. */
    private static final int SPAN = 1024;

    private static final int HOLES_PER_LOOK = 64;

    private final List<MemorySegment> ram;
    private final PendingPages pending;
    private final LaneGroup lanes;
    private final MainStreamWriter main;
    private final RateLimit rate;
    private final PageCounters pages;
    private final boolean holeRuns;
    private final boolean testInLanes;
    private final boolean testHere;
    private int block;
    private long page;
    private int hole;
    private long holeAt;
    private long packets;
    private PageBatch open;

    Scanner(
            GuestMemory memory,
            PendingPages pending,
            LaneGroup lanes,
            MainStreamWriter main,
            RateLimit rate,
            PageCounters pages,
            boolean holeRuns,
            ZeroPageDetection detection,
            boolean lanesCanSayZero) {
        this.ram = memory.blocks().stream().map(b -> b.segment()).toList();
        this.pending = pending;
        this.lanes = lanes;
        this.main = main;
        this.rate = rate;
        this.pages = pages;
        this.holeRuns = holeRuns;
        this.testInLanes = detection != ZeroPageDetection.NONE && lanesCanSayZero;
        this.testHere = detection != ZeroPageDetection.NONE && !lanesCanSayZero;
    }

    /** Whether everything that was never written has been announced. */
    boolean holesSent() {
        return hole == pending.holes().size();
    }

    /** Pages that are dirty and still to be sent, in bytes. */
    long remainingBytes() {
        return pending.remainingPages() * PageSize.BYTES;
    }

    /**
     * Sends what is pending until nothing is left or the clock reaches {@code deadline}.
     *
     * @param deadline {@link System#nanoTime}
     * @return whether nothing is left
     */
    boolean scan(long deadline) throws IOException {
        while (hole < pending.holes().size()) {
            for (int i = 0; i < HOLES_PER_LOOK && hole < pending.holes().size(); i++) {
                sendHole(pending.holes().get(hole));
            }
            if (System.nanoTime() - deadline >= 0) {
                endBatch();
                return false;
            }
        }
        try {
            int exhausted = 0;
            while (exhausted <= ram.size()) { // the block the slice began in is looked at twice: before and behind
                long next = pending.take(block, page, SPAN, this::run);
                if (next >= 0) {
                    page = next;
                    exhausted = 0;
                    if (System.nanoTime() - deadline >= 0) {
                        endBatch();
                        return false;
                    }
                } else {
                    endBatch();
                    exhausted++;
                    page = 0;
                    block = (block + 1) % ram.size();
                }
            }
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
        return true;
    }

    /** Lanes finish what they have, and every channel ends its epoch. */
    void sync() throws IOException {
        endBatch();
        lanes.sync(packets);
        packets += lanes.lanes();
    }

    private void run(long first, long count) {
        try {
            MemorySegment segment = ram.get(block);
            for (long p = first; p < first + count; p++) {
                long offset = p * PageSize.BYTES;
                if (testHere && ZeroPage.test(segment, offset, PageSize.BYTES)) {
                    main.zeroPage(block, offset);
                    pages.zero.increment();
                } else {
                    add(block, offset, false);
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void sendHole(PendingPages.Hole gap) throws IOException {
        if (holeRuns) {
            main.holeRun(gap.block(), gap.offset(), gap.length());
            pages.hole.add(gap.length() / PageSize.BYTES);
            hole++;
            return;
        }
        // No word for a range: every page of it needs a record. A piece at a time, so that slices stay short.
        long end = Math.min(gap.length(), holeAt + (long) SPAN * PageSize.BYTES);
        for (; holeAt < end; holeAt += PageSize.BYTES) {
            if (testHere) {
                main.zeroPage(gap.block(), gap.offset() + holeAt);
                pages.hole.increment();
            } else {
                add(gap.block(), gap.offset() + holeAt, true);
            }
        }
        if (holeAt == gap.length()) {
            endBatch();
            hole++;
            holeAt = 0;
        }
    }

    private void add(int block, long offset, boolean knownZero) throws IOException {
        PageBatch batch = lanes.claim();
        if (open == null) {
            batch.pages(block, ram.get(block), testInLanes, knownZero && testInLanes);
            open = batch;
        }
        batch.offsets[batch.count++] = offset;
        if (batch.isFull()) {
            endBatch();
        }
    }

    private void endBatch() throws IOException {
        PageBatch batch = open;
        if (batch == null) {
            return;
        }
        open = null;
        batch.number = packets++;
        batch.reserved = batch.knownZero ? 0 : (long) batch.count * PageSize.BYTES;
        rate.reserve(batch.reserved);
        lanes.publish();
    }
}
