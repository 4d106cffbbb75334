package org.transhume.engine.outgoing;

import org.transhume.channels.IoVector;
import org.transhume.channels.qemu.MultifdMethod;
import org.transhume.channels.qemu.MultifdPacket;

/** Makes the data of multifd packets. Belongs to a lane: one thread at a time, nothing allocated per packet. */
interface PacketBody extends AutoCloseable {
    /** What a packet without data says it is in. */
    MultifdMethod method();

    /** Before the pages of a batch are looked at. */
    default void begin(PageBatch batch) {}

    /** A page of the batch travels as zero. */
    default void zero(PageBatch batch, long offset) {}

    /**
     * Sets data, method and offsets of {@code packet} for those of the pages that have to travel, and adds the data to
     * {@code gather}.
     *
     * @param offsets of pages that are not zero
     * @param count 1..128 of them
     * @return pages in the data, 0..{@code count}
     */
    int fill(PageBatch batch, long[] offsets, int count, MultifdPacket packet, IoVector gather);

    /** Whether pages that were given to {@link #fill} still wait for a packet of their own. */
    default boolean more() {
        return false;
    }

    /** As {@link #fill}, for those pages. */
    default int more(MultifdPacket packet, IoVector gather) {
        throw new IllegalStateException("nothing is left");
    }

    /** Of the pages put into the data last: those that did not go in full. */
    default int deltas() {
        return 0;
    }

    /** The packet made last has left; writing it took so many nanoseconds. */
    default void written(long nanos) {}

    @Override
    default void close() {}
}
