package org.transhume.engine.outgoing;

import java.lang.foreign.MemorySegment;
import org.transhume.channels.qemu.MultifdPacket;
import org.transhume.codec.ZeroPage;
import org.transhume.memory.PageSize;

/**
 * Up to 128 pages of one block on their way from the scanner to a lane; or the order to sync. A slot of the ring: made once,
 * claimed and filled again and again.
 */
final class PageBatch {
    static final int CAPACITY = MultifdPacket.CAPACITY;

    /** Every lane ends its epoch; no pages. */
    boolean sync;
    /** Place of the block in the block list. */
    int block;
    /** Number of the block's first page, counted over all blocks. */
    long firstPage;

    MemorySegment ram;
    /** Somebody else can truncate the memory: only plain loads, which survive that. */
    boolean truncatable;
    /** Whether the lane looks for zero pages. */
    boolean testZero;
    /** All pages are known to be zero, without reading them. */
    boolean knownZero;
    /** Harvests of the dirty source so far, 1 and up: in the first round pages travel for the first time. */
    long round;
    /** The guest stands: nothing is sent after this round. */
    boolean last;
    /** Counts packets over all channels. */
    long number;
    /** Bytes the scanner reserved for it with the rate limit. */
    long reserved;

    int count;
    /** Told by the lane that sent it: pages of it that were not zero. */
    int content;

    final long[] offsets = new long[CAPACITY];

    /** Number of the page at {@code offset}, counted over all blocks. */
    long page(long offset) {
        return firstPage + offset / PageSize.BYTES;
    }

    /** Whether the page at {@code offset} travels as zero. */
    boolean isZero(long offset) {
        return knownZero || (testZero && allZero(ram, truncatable, offset));
    }

    static boolean allZero(MemorySegment ram, boolean truncatable, long offset) {
        return truncatable
                ? ZeroPage.testPlainly(ram, offset, PageSize.BYTES)
                : ZeroPage.test(ram, offset, PageSize.BYTES);
    }

    /** Whether its pages travelled before, so that deltas can be made. */
    boolean resent() {
        return round > 1;
    }
}
