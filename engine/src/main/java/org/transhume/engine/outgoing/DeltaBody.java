package org.transhume.engine.outgoing;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.transhume.channels.IoVector;
import org.transhume.channels.qemu.DeltaLengths;
import org.transhume.channels.qemu.MultifdMethod;
import org.transhume.channels.qemu.MultifdPacket;
import org.transhume.codec.delta.DeltaCache;
import org.transhume.codec.delta.XbzrleEncoder;
import org.transhume.engine.digest.PageRecorder;
import org.transhume.memory.PageSize;

/**
 * Pages as deltas against what was sent before, a length for each in front; what was not sent before, or changed too much,
 * goes in full among them, and what did not change stays away. In the first round another body does the work.
 */
final class DeltaBody implements PacketBody {
    private static final long LENGTHS = (long) PageBatch.CAPACITY * DeltaLengths.BYTES;

    private final PageDeltas deltas;
    private final PacketBody first;
    private final PageRecorder recorder;
    private final Arena arena = Arena.ofShared();
    /** The last delta may write a little behind its page's worth. */
    private final MemorySegment data =
            arena.allocate(LENGTHS + (PageBatch.CAPACITY - 1L) * PageSize.BYTES + XbzrleEncoder.ROOM, 64);

    private final MemorySegment copy = arena.allocate(PageSize.BYTES, 64);
    private boolean encodes;
    private int encoded;

    /** @param first of the first round; owned from here on */
    DeltaBody(SentPages sent, PacketBody first, PageRecorder recorder) {
        this.deltas = new PageDeltas(sent);
        this.first = first;
        this.recorder = recorder;
    }

    @Override
    public MultifdMethod method() {
        return first.method();
    }

    @Override
    public void begin(PageBatch batch) {
        encodes = deltas.begin(batch);
    }

    @Override
    public void zero(PageBatch batch, long offset) {
        if (encodes) {
            deltas.zero(batch, offset);
        }
    }

    @Override
    public int fill(PageBatch batch, long[] offsets, int count, MultifdPacket packet, IoVector gather) {
        encoded = 0;
        if (!encodes) {
            return first.fill(batch, offsets, count, packet, gather);
        }
        int listed = 0;
        long at = LENGTHS;
        for (int i = 0; i < count; i++) {
            int length = deltas.encode(batch, offsets[i], copy, 0, data, at);
            if (length == DeltaCache.UNCHANGED) {
                continue;
            }
            recorder.copy(batch.block, offsets[i], copy, 0);
            if (length == PageSize.BYTES) {
                deltas.noGain(); // the page itself is simpler to load
                length = DeltaCache.OVERFLOW;
            }
            if (length < 0) {
                length = PageSize.BYTES;
                MemorySegment.copy(copy, 0, data, at, length);
            } else {
                deltas.sent(DeltaLengths.BYTES + length);
                encoded++;
            }
            DeltaLengths.set(data, listed, length);
            packet.offset(listed++, offsets[i]);
            at += length;
        }
        gather.add(data, 0, (long) listed * DeltaLengths.BYTES);
        gather.add(data, LENGTHS, at - LENGTHS);
        packet.data(MultifdMethod.DELTA, listed * DeltaLengths.BYTES + (int) (at - LENGTHS));
        return listed;
    }

    @Override
    public int deltas() {
        return encoded;
    }

    @Override
    public void close() {
        try (arena) {
            first.close();
        }
    }
}
