package org.transhume.engine.outgoing;

import java.lang.foreign.MemorySegment;
import org.transhume.channels.IoVector;
import org.transhume.channels.qemu.MultifdMethod;
import org.transhume.channels.qemu.MultifdPacket;
import org.transhume.codec.compression.BatchBuffers;
import org.transhume.codec.compression.Compressor;
import org.transhume.engine.digest.PageRecorder;
import org.transhume.memory.PageSize;

/** All pages of a packet compressed together, from a private copy. */
final class CompressedBody implements PacketBody {
    private final MultifdMethod method;
    private final Compressor compressor;
    private final BatchBuffers buffers = buffers();
    private final boolean rawAllowed;
    private final PageRecorder recorder;

    /**
     * @param compressor owned from here on
     * @param rawAllowed whether a packet that does not shrink may travel raw: not where the form is one endless stream
     */
    CompressedBody(MultifdMethod method, Compressor compressor, boolean rawAllowed, PageRecorder recorder) {
        this.method = method;
        this.compressor = compressor;
        this.rawAllowed = rawAllowed;
        this.recorder = recorder;
    }

    /** Room for a batch, and for what the worst of it can become. */
    static BatchBuffers buffers() {
        return new BatchBuffers(PageBatch.CAPACITY * PageSize.BYTES, BatchBuffers.MAX_PACKED);
    }

    @Override
    public MultifdMethod method() {
        return method;
    }

    @Override
    public int fill(PageBatch batch, long[] offsets, int count, MultifdPacket packet, IoVector gather) {
        int plain = count * PageSize.BYTES;
        for (int i = 0; i < count; i++) {
            packet.offset(i, offsets[i]);
            MemorySegment.copy(batch.ram, offsets[i], buffers.plain(), (long) i * PageSize.BYTES, PageSize.BYTES);
            recorder.copy(batch.block, offsets[i], buffers.plain(), (long) i * PageSize.BYTES);
        }
        int packed = compressor.compress(buffers, plain);
        if (packed >= plain && rawAllowed) {
            packet.data(MultifdMethod.NONE, plain);
            gather.add(buffers.plain(), 0, plain);
        } else {
            packet.data(method, packed);
            gather.add(buffers.packed(), 0, packed);
        }
        return count;
    }

    @Override
    public void close() {
        try (buffers) {
            compressor.close();
        }
    }
}
