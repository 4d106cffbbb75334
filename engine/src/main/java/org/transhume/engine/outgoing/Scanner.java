package org.transhume.engine.outgoing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.transhume.channels.qemu.MainStreamWriter;
import org.transhume.engine.Clock;
import org.transhume.engine.PageCounters;
import org.transhume.engine.digest.PageRecorder;
import org.transhume.engine.forecast.Throughput;
import org.transhume.memory.GuestMemory;
import org.transhume.memory.PageSize;
import org.transhume.memory.RamBlock;

/**
 * Turns pending pages into batches for the lanes, and holes into whatever the stream has for them. One thread. A slice ends
 * at its deadline, so that the migration can look at the clock, its orders and its peer.
 */
final class Scanner {
    /** Pages to take at once: short enough to keep a slice's deadline, long enough to find runs. */
    private static final int SPAN = 1024;

    /** The same where somebody may be in a hurry. */
    private static final int URGENT_SPAN = 32;

    private static final int HOLES_PER_LOOK = 64;

    /** Pages of a word of the bitmap. */
    private static final int LEAST_SPAN = Long.SIZE;

    /** Fewer pages than this are not worth a packet of their own, however many lanes stand idle. */
    private static final int LEAST_SHARE = 8;

    /** Hears of pages that are on their way. */
    interface SentRuns {
        void sent(int block, long first, long count);
    }

    private final Clock clock;
    private final List<RamBlock> blocks;
    private final long[] firstPages;
    private final PendingPages pending;
    private final LaneGroup lanes;
    private final MainStreamWriter main;
    private final RateLimit rate;
    private final PageCounters pages;
    private final SentPages sent;
    private final PageRecorder recorder;
    private final boolean holeRuns;
    private final Supplier<ZeroPageDetection> detection;
    private final boolean oneChannel;
    private final boolean zeroPagesInPackets;
    private final int batchPages;
    private final SentRuns runs;
    private final BooleanSupplier urgent;
    private final int span;
    private boolean testInLanes;
    private boolean testHere;
    private int block;
    private long page;
    private int hole;
    private long holeAt;
    private long packets;
    private PageBatch open;
    private long round = 1;
    private boolean last;
    private int share = PageBatch.CAPACITY;

    /**
     * @param sent what deltas are made against, or null: a page that is recorded here must not stay in it as it was
     * @param detection asked again and again: it may change on the way
     * @param oneChannel whether pages travel on the main channel
     * @param zeroPagesInPackets whether packets of the other channels can say that a page is zero
     * @param batchPages pages of a batch at the most
     * @param runs hears of pages that were given to a lane; null: nobody does
     * @param urgent whether something is to be sent ahead of what the scan would find next; null: nothing ever is
     */
    Scanner(
            GuestMemory memory,
            Clock clock,
            PendingPages pending,
            LaneGroup lanes,
            MainStreamWriter main,
            RateLimit rate,
            PageCounters pages,
            SentPages sent,
            PageRecorder recorder,
            boolean holeRuns,
            Supplier<ZeroPageDetection> detection,
            boolean oneChannel,
            boolean zeroPagesInPackets,
            int batchPages,
            SentRuns runs,
            BooleanSupplier urgent) {
        this.clock = clock;
        this.blocks = memory.blocks();
        this.firstPages = new long[blocks.size()];
        for (int i = 1; i < firstPages.length; i++) {
            firstPages[i] = firstPages[i - 1] + blocks.get(i - 1).pages();
        }
        this.pending = pending;
        this.lanes = lanes;
        this.main = main;
        this.rate = rate;
        this.pages = pages;
        this.sent = sent;
        this.recorder = recorder;
        this.holeRuns = holeRuns;
        this.detection = detection;
        this.oneChannel = oneChannel;
        this.zeroPagesInPackets = zeroPagesInPackets;
        this.batchPages = batchPages;
        this.runs = runs == null ? (_, _, _) -> {} : runs;
        this.urgent = urgent == null ? () -> false : urgent;
        this.span = urgent == null ? SPAN : URGENT_SPAN;
    }

    /** Who looks for zero pages: one lane in order does as well as this thread, several have to have a word for them. */
    private void detect(ZeroPageDetection who) {
        boolean lanesCanSayZero = oneChannel || (zeroPagesInPackets && who == ZeroPageDetection.MULTIFD);
        testInLanes = who != ZeroPageDetection.NONE && lanesCanSayZero;
        testHere = who != ZeroPageDetection.NONE && !lanesCanSayZero;
    }

    /**
     * The dirty source was asked again.
     *
     * @param number of the round that begins, 2 and up
     * @param last the guest stands
     */
    void beginRound(long number, boolean last) {
        this.round = number;
        this.last = last;
        this.share = last ? evenShare(pending.remainingPages(), lanes.lanes()) : PageBatch.CAPACITY;
    }

    /** Pages to a batch, so that in the pause every lane gets as many: one that sends the rest alone would prolong it. */
    static int evenShare(long pages, int lanes) {
        long turns = Math.max(1, Math.ceilDiv(pages, (long) lanes * PageBatch.CAPACITY));
        return Math.clamp(Math.ceilDiv(pages, turns * lanes), LEAST_SHARE, PageBatch.CAPACITY);
    }

    /** Whether everything that was never written has been announced. */
    boolean holesSent() {
        return hole == pending.holes().size();
    }

    /** Of those of {@link PendingPages#holes}, how many. */
    int holesSentSoFar() {
        return hole;
    }

    /** Pages that are dirty and still to be sent, in bytes. */
    long remainingBytes() {
        return pending.remainingPages() * PageSize.BYTES;
    }

    /**
     * Sends what is pending until nothing is left, the clock reaches {@code deadline} or something else is urgent.
     *
     * @param deadline of the migration's clock
     * @return whether nothing is left
     */
    boolean scan(long deadline) throws IOException {
        detect(detection.get()); // no batch is open: the last slice ended its own
        while (hole < pending.holes().size()) {
            for (int i = 0; i < HOLES_PER_LOOK && hole < pending.holes().size(); i++) {
                sendHole(pending.holes().get(hole));
            }
            if (clock.nanos() - deadline >= 0) {
                endBatch();
                return false;
            }
        }
        try {
            int exhausted = 0;
            int most = spanUnderCap();
            while (exhausted <= blocks.size()) { // the block the slice began in is looked at twice: before and behind
                long next = pending.take(block, page, most, this::run);
                if (next >= 0) {
                    page = next;
                    exhausted = 0;
                    if (clock.nanos() - deadline >= 0 || urgent.getAsBoolean()) {
                        endBatch();
                        return false;
                    }
                } else {
                    endBatch();
                    exhausted++;
                    page = 0;
                    block = (block + 1) % blocks.size();
                }
            }
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
        return true;
    }

    /** Pages taken at a time: under a low cap few, or nobody would look at the clock, or at an order, for seconds. */
    private int spanUnderCap() {
        return Math.clamp(rate.windowBytes() / PageSize.BYTES, Math.min(LEAST_SPAN, span), span);
    }

    /**
     * Sends one page that is pending no more, at once; the scan goes on behind it.
     *
     * @param wanted number of the page in {@code block}
     */
    void sendFirst(int block, long wanted) throws IOException {
        detect(detection.get());
        endBatch();
        add(block, wanted * PageSize.BYTES, false);
        endBatch();
        this.block = block;
        this.page = wanted + 1;
    }

    /** Sends nothing for {@code nanos}, or until the migration is given up. */
    void rest(long nanos) {
        rate.rest(nanos);
    }

    /** Tells {@code throughput} what the lanes got through since the last call. */
    void measure(Throughput throughput) {
        SendMeter.collect(lanes.meters(), throughput);
    }

    /** Lanes finish what they have, and every channel ends its epoch. */
    void sync() throws IOException {
        endBatch();
        recorder.flush();
        lanes.sync(packets);
        packets += lanes.lanes();
    }

    private void run(long first, long count) {
        try {
            RamBlock here = blocks.get(block);
            for (long p = first; p < first + count; p++) {
                long offset = p * PageSize.BYTES;
                if (testHere && PageBatch.allZero(here.segment(), here.truncatable(), offset)) {
                    main.zeroPage(block, offset);
                    if (sent != null) {
                        sent.cache().forget(firstPages[block] + p);
                    }
                    recorder.zero(block, offset);
                    pages.zero.increment();
                } else {
                    add(block, offset, false);
                }
            }
            runs.sent(block, first, count);
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
            RamBlock from = blocks.get(block);
            batch.sync = false;
            batch.block = block;
            batch.firstPage = firstPages[block];
            batch.ram = from.segment();
            batch.truncatable = from.truncatable();
            batch.testZero = testInLanes;
            batch.knownZero = knownZero && testInLanes;
            batch.round = round;
            batch.last = last;
            batch.reserved = 0;
            batch.count = 0;
            open = batch;
        }
        batch.offsets[batch.count++] = offset;
        if (batch.count >= Math.min(share, batchPages)) {
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
