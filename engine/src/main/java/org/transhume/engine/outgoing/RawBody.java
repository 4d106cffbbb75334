package org.transhume.engine.outgoing;

import org.transhume.channels.IoVector;
import org.transhume.channels.qemu.MultifdMethod;
import org.transhume.channels.qemu.MultifdPacket;
import org.transhume.engine.digest.PageRecorder;
import org.transhume.memory.PageSize;

/** Pages as they are, gathered from guest RAM by the kernel. */
final class RawBody implements PacketBody {
    private final PageRecorder recorder;

    RawBody(PageRecorder recorder) {
        this.recorder = recorder;
    }

    @Override
    public MultifdMethod method() {
        return MultifdMethod.NONE;
    }

    @Override
    public int fill(PageBatch batch, long[] offsets, int count, MultifdPacket packet, IoVector gather) {
        for (int i = 0; i < count; i++) {
            packet.offset(i, offsets[i]);
            recorder.inPlace(batch.block, offsets[i]);
            gather.add(batch.ram, offsets[i], PageSize.BYTES);
        }
        packet.data(MultifdMethod.NONE, count * PageSize.BYTES);
        return count;
    }
}
