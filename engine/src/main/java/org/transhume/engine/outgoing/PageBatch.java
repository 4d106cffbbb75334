package org.transhume.engine.outgoing;

import java.lang.foreign.MemorySegment;
import org.transhume.channels.qemu.MultifdPacket;

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

    MemorySegment ram;
    /** Whether the lane looks for zero pages. */
    boolean testZero;
    /** All pages are known to be zero, without reading them. */
    boolean knownZero;
    /** Counts packets over all channels. */
    long number;
    /** Bytes the scanner reserved for it with the rate limit. */
    long reserved;

    int count;
    final long[] offsets = new long[CAPACITY];

    void pages(int block, MemorySegment ram, boolean testZero, boolean knownZero) {
        this.sync = false;
        this.block = block;
        this.ram = ram;
        this.testZero = testZero;
        this.knownZero = knownZero;
        this.count = 0;
        this.reserved = 0;
    }

    boolean isFull() {
        return count == CAPACITY;
    }
}
