package org.transhume.engine.outgoing;

import java.io.IOException;
import org.transhume.channels.qemu.MainStreamWriter;
import org.transhume.codec.ZeroPage;
import org.transhume.engine.PageCounters;
import org.transhume.memory.PageSize;

/** Sends pages as records of the main stream, which the migration's thread writes: always inline. */
final class MainLane implements Lane {
    private final MainStreamWriter out;
    private final PageCounters pages;

    MainLane(MainStreamWriter out, PageCounters pages) {
        this.out = out;
        this.pages = pages;
    }

    @Override
    public void send(PageBatch batch) throws IOException {
        int zero = 0;
        for (int i = 0; i < batch.count; i++) {
            long offset = batch.offsets[i];
            if (batch.knownZero || (batch.testZero && ZeroPage.test(batch.ram, offset, PageSize.BYTES))) {
                out.zeroPage(batch.block, offset);
                zero++;
            } else {
                out.page(batch.block, offset, batch.ram);
            }
        }
        pages.normal.add(batch.count - zero);
        (batch.knownZero ? pages.hole : pages.zero).add(zero);
    }

    @Override
    public void sync(PageBatch order) {
        // One channel keeps its order by itself.
    }

    @Override
    public long bytes() {
        return out.offset();
    }

    @Override
    public void close() {}
}
