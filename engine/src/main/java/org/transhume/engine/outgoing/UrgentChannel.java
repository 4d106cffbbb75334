package org.transhume.engine.outgoing;

import java.io.IOException;
import java.util.List;
import org.transhume.channels.Connection;
import org.transhume.channels.qemu.BlockEntry;
import org.transhume.channels.qemu.PageRecordWriter;
import org.transhume.channels.qemu.StreamWriter;
import org.transhume.engine.PageCounters;
import org.transhume.memory.GuestMemory;
import org.transhume.memory.PageSize;
import org.transhume.memory.RamBlock;

/**
 * A connection for the pages that the destination asked for, so that they wait behind no others (spec: stream.md §8.4). The guest
 * stands: what is sent does not change. The return path's thread sends; the migration's ends it.
 */
final class UrgentChannel implements AutoCloseable {
    private final List<RamBlock> ram;
    private final PendingPages pending;
    private final PageCounters counters;
    private final PageRecordWriter out;
    private boolean ended;
    private boolean closed;

    UrgentChannel(
            Connection connection,
            List<BlockEntry> blocks,
            GuestMemory memory,
            PendingPages pending,
            PageCounters counters) {
        this.ram = memory.blocks();
        this.pending = pending;
        this.counters = counters;
        this.out = new PageRecordWriter(new StreamWriter(connection), blocks);
    }

    /** Sends a page that is still pending with the next {@link #flush}. None is once this has ended. */
    synchronized void send(int block, long page) throws IOException {
        if (ended || !pending.take(block, page)) {
            return;
        }
        RamBlock from = ram.get(block);
        long offset = page * PageSize.BYTES;
        if (PageBatch.allZero(from.segment(), from.truncatable(), offset)) {
            out.zeroPage(block, offset);
            counters.zero.increment();
        } else {
            out.page(block, offset, from.segment());
            counters.normal.increment();
        }
    }

    synchronized void flush() throws IOException {
        if (!ended) {
            out.flush();
        }
    }

    /**
     * Nothing is asked for any more. The connection stays open: to a QEMU whose main stream has not ended yet its end is a loss.
     *
     * @param sayIt whether the destination waits for a mark
     */
    synchronized void end(boolean sayIt) throws IOException {
        if (!ended) {
            ended = true;
            if (sayIt) {
                out.eos();
            }
            out.flush();
        }
    }

    /** Frees the buffer; the connection is closed by then, so that nobody hangs in it. */
    @Override
    public synchronized void close() {
        ended = true;
        if (!closed) {
            closed = true;
            out.close();
        }
    }
}
