package org.transhume.engine.outgoing;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.transhume.channels.qemu.MainStreamWriter;
import org.transhume.codec.delta.DeltaCache;
import org.transhume.codec.delta.XbzrleEncoder;
import org.transhume.engine.PageCounters;
import org.transhume.engine.digest.PageRecorder;
import org.transhume.memory.PageSize;

/** Sends pages as records of the main stream, which the migration's thread writes: always inline. */
final class MainLane implements Lane {
    private final MainStreamWriter out;
    private final PageCounters pages;
    private final PageDeltas deltas;
    private final PageRecorder recorder;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment copy = arena.allocate(PageSize.BYTES, 64);
    private final MemorySegment delta = arena.allocate(XbzrleEncoder.ROOM, 64);

    /** @param sent what deltas are made against; null: none are */
    MainLane(MainStreamWriter out, PageCounters pages, SentPages sent, PageRecorder recorder) {
        this.out = out;
        this.pages = pages;
        this.recorder = recorder;
        this.deltas = sent == null ? null : new PageDeltas(sent);
    }

    @Override
    public void send(PageBatch batch) throws IOException {
        boolean encode = deltas != null && deltas.begin(batch);
        int zero = 0;
        int normal = 0;
        long before = deltas == null ? 0 : deltas.travelled();
        for (int i = 0; i < batch.count; i++) {
            long offset = batch.offsets[i];
            if (batch.isZero(offset)) {
                out.zeroPage(batch.block, offset);
                if (!batch.knownZero) { // then it never was anything else
                    recorder.zero(batch.block, offset);
                }
                if (encode) {
                    deltas.zero(batch, offset);
                }
                zero++;
            } else if (encode) {
                normal += encode(batch, offset);
            } else {
                recorder.inPlace(batch.block, offset);
                out.page(batch.block, offset, batch.ram);
                normal++;
            }
        }
        batch.content = batch.count - zero;
        recorder.flush();
        pages.normal.add(normal);
        if (encode) {
            pages.delta.add(deltas.travelled() - before);
        }
        (batch.knownZero ? pages.hole : pages.zero).add(zero);
    }

    /** @return pages that travelled in full */
    private int encode(PageBatch batch, long offset) throws IOException {
        int length = deltas.encode(batch, offset, copy, 0, delta, 0);
        if (length == DeltaCache.UNCHANGED) {
            return 0;
        }
        recorder.copy(batch.block, offset, copy, 0);
        if (length < 0) {
            out.pageCopy(batch.block, offset, copy, 0);
            return 1;
        }
        long before = out.offset();
        out.deltaPage(batch.block, offset, delta, 0, length);
        deltas.sent(out.offset() - before - Long.BYTES);
        return 0;
    }

    @Override
    public void sync(PageBatch order) throws IOException {
        // One channel keeps its order by itself.
    }

    @Override
    public long bytes() {
        return out.offset();
    }

    @Override
    public long unsent() {
        return out.unsent();
    }

    @Override
    public void close() {
        arena.close();
    }
}
