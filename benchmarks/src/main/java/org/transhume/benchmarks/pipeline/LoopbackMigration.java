package org.transhume.benchmarks.pipeline;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.List;
import org.transhume.channels.Address;
import org.transhume.channels.Connections;
import org.transhume.channels.Listener;
import org.transhume.engine.MigrationObserver;
import org.transhume.engine.guest.SyntheticGuest;
import org.transhume.engine.guest.WorkloadSpec;
import org.transhume.engine.incoming.IncomingMigration;
import org.transhume.engine.outgoing.Dialer;
import org.transhume.engine.outgoing.OutgoingConfig;
import org.transhume.engine.outgoing.OutgoingMigration;
import org.transhume.engine.outgoing.OutgoingReport;
import org.transhume.memory.GuestMemory;
import org.transhume.memory.PageSize;
import org.transhume.memory.RamBlock;
import org.transhume.memory.WriterMarks;

/**
 * A guest that moves from one memory to another of this process, again and again, over loopback TCP. Destination memory was
 * touched before, so that the kernel's first touch is not part of what is measured. One thread.
 */
public final class LoopbackMigration implements AutoCloseable {
    private final PageForm form;
    private final int channels;
    private final SyntheticGuest source;
    private final SyntheticGuest destination;
    private final HotPages hot;

    /**
     * @param channels page channels; 0 is the main channel alone
     * @param pages that travel in each migration; a guest whose pages travel several times has fewer
     */
    public LoopbackMigration(PageContent content, PageForm form, int channels, long pages) throws IOException {
        this.form = form;
        this.channels = channels;
        long size = pages * PageSize.BYTES / (content == PageContent.HOT ? PageContent.TRAVELS : 1);
        GuestMemory from = memory(size);
        content.fill(ram(from));
        this.hot = new HotPages(from, content == PageContent.HOT ? PageContent.TRAVELS - 1 : 0);
        this.source = new SyntheticGuest(SyntheticGuest.MACHINE, from, hot, WorkloadSpec.IDLE, false);
        GuestMemory to = memory(size);
        if (content != PageContent.UNTOUCHED) {
            ram(to).fill((byte) 1);
        }
        this.destination =
                new SyntheticGuest(SyntheticGuest.MACHINE, to, new WriterMarks(to), WorkloadSpec.IDLE, false);
    }

    private static GuestMemory memory(long size) {
        return new GuestMemory(List.of(RamBlock.memfd(SyntheticGuest.BLOCK, size)));
    }

    private static MemorySegment ram(GuestMemory memory) {
        return memory.blocks().getFirst().segment();
    }

    /**
     * Moves the guest once; both sides have ended when it returns.
     *
     * @throws IllegalStateException if it failed
     */
    public OutgoingReport run() throws IOException {
        hot.rewind();
        destination.pause();
        Listener listener = Connections.listen(new Address.Tcp("127.0.0.1", 0));
        Address address = listener.address();
        IncomingMigration in = IncomingMigration.start(
                destination, listener, form.incoming(channels), new MigrationObserver() {}, "in");
        OutgoingConfig config = OutgoingConfig.builder()
                .channels(channels)
                .compression(form.compression())
                .deltaCache(form.deltaCache())
                .downtimeLimit(Duration.ZERO) // as many rounds as the guest writes
                .returnPath(true)
                .build();
        OutgoingReport report = OutgoingMigration.start(
                        source, Dialer.to(address), config, new MigrationObserver() {}, "out")
                .completion()
                .join();
        in.completion().join();
        if (!report.outcome().equals("completed")) {
            throw new IllegalStateException("%s over %d channels: %s".formatted(form, channels, report.reason()));
        }
        return report;
    }

    /** @throws IllegalStateException if the memories differ */
    public void verify() {
        long at = ram(source.memory()).mismatch(ram(destination.memory()));
        if (at >= 0) {
            throw new IllegalStateException("%s over %d channels: RAM differs at 0x%x".formatted(form, channels, at));
        }
    }

    @Override
    public void close() {
        try (source;
                destination) {}
    }
}
