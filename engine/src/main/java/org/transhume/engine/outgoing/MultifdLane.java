package org.transhume.engine.outgoing;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.util.List;
import org.transhume.channels.Connection;
import org.transhume.channels.IoVector;
import org.transhume.channels.qemu.BlockEntry;
import org.transhume.channels.qemu.MultifdPacket;
import org.transhume.engine.Clock;
import org.transhume.engine.PageCounters;
import org.transhume.engine.digest.PageRecorder;

/** Sends each batch as one packet of a multifd channel: pages that are zero in its header, the others as {@link PacketBody} has it. */
final class MultifdLane implements Lane {
    private final Connection connection;
    private final List<BlockEntry> blocks;
    private final int index;
    private final PageCounters pages;
    private final PacketBody body;
    private final PageRecorder recorder;
    private final Clock clock;
    private final Arena arena = Arena.ofShared();
    private final MultifdPacket packet = new MultifdPacket(arena);
    private final IoVector gather = new IoVector(1 + PageBatch.CAPACITY);
    private final long[] others = new long[PageBatch.CAPACITY];
    private final long[] zeroes = new long[PageBatch.CAPACITY];

    /**
     * @param index of the channel, 0 and up
     * @param body owned from here on
     * @param recorder that of the body
     */
    MultifdLane(
            Connection connection,
            int index,
            List<BlockEntry> blocks,
            PageCounters pages,
            PacketBody body,
            PageRecorder recorder,
            Clock clock) {
        this.connection = connection;
        this.index = index;
        this.blocks = blocks;
        this.pages = pages;
        this.body = body;
        this.recorder = recorder;
        this.clock = clock;
    }

    @Override
    public void send(PageBatch batch) throws IOException {
        start(batch);
        body.begin(batch);
        int other = 0;
        int zero = 0;
        for (int i = 0; i < batch.count; i++) {
            long offset = batch.offsets[i];
            if (batch.isZero(offset)) {
                zeroes[zero++] = offset;
                body.zero(batch, offset);
                if (!batch.knownZero) { // then it never was anything else
                    recorder.zero(batch.block, offset);
                }
            } else {
                others[other++] = offset;
            }
        }
        int listed = other == 0 ? 0 : body.fill(batch, others, other, packet, gather);
        for (int i = 0; i < zero; i++) {
            packet.offset(listed + i, zeroes[i]);
        }
        write(listed, zero);
        batch.content = other;
        (batch.knownZero ? pages.hole : pages.zero).add(zero);
        while (body.more()) {
            start(batch);
            write(body.more(packet, gather), 0);
        }
        recorder.flush();
    }

    private void start(PageBatch batch) {
        packet.pages(blocks.get(batch.block).name(), batch.number);
        packet.data(body.method(), 0);
        gather.clear();
        gather.add(packet.frame(), 0, MultifdPacket.BYTES);
    }

    private void write(int listed, int zero) throws IOException {
        if (listed + zero == 0) {
            return; // nothing changed
        }
        packet.counts(listed, zero);
        long start = clock.nanos();
        connection.write(gather);
        if (listed > 0) {
            body.written(clock.nanos() - start);
            pages.normal.add(listed - body.deltas());
            pages.delta.add(body.deltas());
        }
    }

    @Override
    public void sync(PageBatch order) throws IOException {
        packet.sync(order.number + index);
        connection.write(packet.frame(), 0, MultifdPacket.BYTES);
        pages.syncPackets.increment();
    }

    @Override
    public long bytes() {
        return connection.bytesWritten();
    }

    @Override
    public long unsent() {
        return connection.unsent();
    }

    @Override
    public void close() {
        try (arena;
                gather) {
            body.close();
        }
    }
}
