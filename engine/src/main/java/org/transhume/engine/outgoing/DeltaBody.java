package org.transhume.engine.outgoing;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.transhume.channels.IoVector;
import org.transhume.channels.qemu.DeltaLengths;
import org.transhume.channels.qemu.MultifdMethod;
import org.transhume.channels.qemu.MultifdPacket;
import org.transhume.codec.delta.DeltaCache;
import org.transhume.engine.digest.PageRecorder;
import org.transhume.memory.PageSize;

/**
 * Pages as deltas against what was sent before, a length for each in front; what was not sent before, or changed too much,
 * goes in full among them, and what did not change stays away. In the first round another body does the work.
 */
final class DeltaBody implements PacketBody {
    private final PageDeltas deltas;
    private final PacketBody first;
    private final PageRecorder recorder;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment copy = arena.allocate(PageSize.BYTES, 64);
    private final DeltaPacket made = new DeltaPacket();
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
        made.begin();
        for (int i = 0; i < count; i++) {
            int length = deltas.encode(batch, offsets[i], copy, 0, made.data(), made.next());
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
                MemorySegment.copy(copy, 0, made.data(), made.next(), length);
            } else {
                deltas.sent(DeltaLengths.BYTES + length);
                encoded++;
            }
            made.add(packet, offsets[i], length);
        }
        made.gather(packet, gather);
        return made.count();
    }

    @Override
    public int deltas() {
        return encoded;
    }

    @Override
    public void close() {
        try (arena;
                made) {
            first.close();
        }
    }
}
