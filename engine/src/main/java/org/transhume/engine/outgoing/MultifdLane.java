package org.transhume.engine.outgoing;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.util.List;
import org.transhume.channels.Connection;
import org.transhume.channels.IoVector;
import org.transhume.channels.qemu.BlockEntry;
import org.transhume.channels.qemu.MultifdPacket;
import org.transhume.codec.ZeroPage;
import org.transhume.engine.PageCounters;
import org.transhume.memory.PageSize;

/** Sends each batch as one packet of a multifd channel, its pages gathered from guest RAM by the kernel. */
final class MultifdLane implements Lane {
    private final Connection connection;
    private final List<BlockEntry> blocks;
    private final int index;
    private final PageCounters pages;
    private final Arena arena = Arena.ofShared();
    private final MultifdPacket packet = new MultifdPacket(arena);
    private final IoVector gather = new IoVector(1 + PageBatch.CAPACITY);
    private final long[] zeroes = new long[PageBatch.CAPACITY];

    /** @param index of the channel, 0 and up */
    MultifdLane(Connection connection, int index, List<BlockEntry> blocks, PageCounters pages) {
        this.connection = connection;
        this.index = index;
        this.blocks = blocks;
        this.pages = pages;
    }

    @Override
    public void send(PageBatch batch) throws IOException {
        packet.pages(blocks.get(batch.block).name(), batch.number);
        gather.clear();
        gather.add(packet.frame(), 0, MultifdPacket.BYTES);
        int normal = 0;
        int zero = 0;
        for (int i = 0; i < batch.count; i++) {
            long offset = batch.offsets[i];
            if (batch.knownZero || (batch.testZero && ZeroPage.test(batch.ram, offset, PageSize.BYTES))) {
                zeroes[zero++] = offset;
            } else {
                packet.offset(normal++, offset);
                gather.add(batch.ram, offset, PageSize.BYTES);
            }
        }
        for (int i = 0; i < zero; i++) {
            packet.offset(normal + i, zeroes[i]);
        }
        packet.counts(normal, zero, normal * PageSize.BYTES);
        connection.write(gather);
        pages.normal.add(normal);
        (batch.knownZero ? pages.hole : pages.zero).add(zero);
    }

    @Override
    public void sync(PageBatch order) throws IOException {
        packet.sync(order.number + index);
        connection.write(packet.frame(), 0, MultifdPacket.BYTES);
    }

    @Override
    public long bytes() {
        return connection.bytesWritten();
    }

    @Override
    public void close() {
        try (arena) {
            gather.close();
        }
    }
}
