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
    private final boolean zeroRuns;
    private final PageRecorder recorder;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment copy = arena.allocate(PageSize.BYTES, 64);
    private final MemorySegment delta = arena.allocate(XbzrleEncoder.ROOM, 64);

    /**
     * @param sent what deltas are made against; null: none are
     * @param zeroRuns whether several zero pages in a row may travel as one record
     */
    MainLane(MainStreamWriter out, PageCounters pages, SentPages sent, PageRecorder recorder, boolean zeroRuns) {
        this.out = out;
        this.pages = pages;
        this.recorder = recorder;
        this.zeroRuns = zeroRuns;
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
                int run = zeroRun(batch, i);
                if (run > 1) {
                    out.holeRun(batch.block, offset, (long) run * PageSize.BYTES);
                } else {
                    out.zeroPage(batch.block, offset);
                }
                for (int page = i; page < i + run; page++) {
                    if (!batch.knownZero) { // then it never was anything else
                        recorder.zero(batch.block, batch.offsets[page]);
                    }
                    if (encode) {
                        deltas.zero(batch, batch.offsets[page]);
                    }
                }
                zero += run;
                i += run - 1;
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

    /** Zero pages in a row that one record can stand for: where nothing came before, it costs the destination no look at each. */
    private int zeroRun(PageBatch batch, int first) {
        int run = 1;
        while (zeroRuns
                && !batch.resent()
                && first + run < batch.count
                && batch.offsets[first + run] == batch.offsets[first] + (long) run * PageSize.BYTES
                && batch.isZero(batch.offsets[first + run])) {
            run++;
        }
        return run;
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
