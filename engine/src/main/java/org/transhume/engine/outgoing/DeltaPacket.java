package org.transhume.engine.outgoing;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.transhume.channels.IoVector;
import org.transhume.channels.qemu.DeltaLengths;
import org.transhume.channels.qemu.MultifdMethod;
import org.transhume.channels.qemu.MultifdPacket;
import org.transhume.codec.delta.XbzrleEncoder;
import org.transhume.memory.PageSize;

/**
 * The deltas of one packet, and the memory they are made in: all lengths travel in front of all bytes. For one thread, one packet
 * at a time.
 *
 * <pre>
 *   0                      LENGTHS
 *   | length 0 | length 1 | ... free | delta 0 | delta 1 | ...
 * </pre>
 */
final class DeltaPacket implements AutoCloseable {
    private static final long LENGTHS = (long) PageBatch.CAPACITY * DeltaLengths.BYTES;

    private final Arena arena = Arena.ofShared();
    /** The last delta may write a little behind its page's worth. */
    private final MemorySegment data =
            arena.allocate(LENGTHS + (PageBatch.CAPACITY - 1L) * PageSize.BYTES + XbzrleEncoder.ROOM, 64);

    private int count;
    private long next = LENGTHS;

    /** Forgets what is in it; the packet before must be written. */
    void begin() {
        count = 0;
        next = LENGTHS;
    }

    /** Where the next delta is to be made, at {@link #next}. */
    MemorySegment data() {
        return data;
    }

    /** Byte of {@link #data} with room for a page's worth and what an encoder writes behind it. */
    long next() {
        return next;
    }

    /** The page at {@code offset} of its block travels as the {@code length} bytes at {@link #next}. */
    void add(MultifdPacket packet, long offset, int length) {
        DeltaLengths.set(data, count, length);
        packet.offset(count++, offset);
        next += length;
    }

    /** Pages added. */
    int count() {
        return count;
    }

    /** Completes the packet with all that was added. */
    void gather(MultifdPacket packet, IoVector gather) {
        long lengths = (long) count * DeltaLengths.BYTES;
        gather.add(data, 0, lengths);
        gather.add(data, LENGTHS, next - LENGTHS);
        packet.data(MultifdMethod.DELTA, (int) (lengths + bytes()));
    }

    /** Of the deltas alone. */
    long bytes() {
        return next - LENGTHS;
    }

    @Override
    public void close() {
        arena.close();
    }
}
