package org.transhume.benchmarks.fleet;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.transhume.channels.Address;
import org.transhume.channels.Connections;
import org.transhume.channels.Listener;
import org.transhume.engine.MigrationObserver;
import org.transhume.engine.guest.SyntheticGuest;
import org.transhume.engine.guest.WorkloadSpec;
import org.transhume.engine.incoming.IncomingConfig;
import org.transhume.engine.incoming.IncomingMigration;
import org.transhume.engine.outgoing.BandwidthBudget;
import org.transhume.engine.outgoing.Dialer;
import org.transhume.engine.outgoing.OutgoingConfig;
import org.transhume.engine.outgoing.OutgoingMigration;
import org.transhume.engine.outgoing.OutgoingReport;
import org.transhume.memory.GuestMemory;
import org.transhume.memory.PageSize;
import org.transhume.memory.RamBlock;
import org.transhume.memory.WriterMarks;

/** One of many: a guest all of whose pages are written, and the place in this process that it goes to. It owns both. */
final class LeavingGuest implements AutoCloseable {
    /** Short, so that what is sent is sent under the budget and not in the pause. */
    private static final Duration DOWNTIME_LIMIT = Duration.ofMillis(5);

    private final int number;
    private final int channels;
    private final SyntheticGuest source;
    private final SyntheticGuest destination;
    private final IncomingMigration arrival;
    private final Address address;
    private OutgoingMigration migration;

    LeavingGuest(int number, long ram, int channels) throws IOException {
        this.number = number;
        this.channels = channels;
        this.source = guest(ram);
        this.destination = guest(ram);
        MemorySegment pages = ram(source);
        for (long at = 0; at < ram; at += PageSize.BYTES) {
            pages.set(ValueLayout.JAVA_LONG, at, at + number);
        }
        source.resume();
        Listener listener = Connections.listen(new Address.Tcp("127.0.0.1", 0));
        this.address = listener.address();
        this.arrival = IncomingMigration.start(
                destination,
                listener,
                IncomingConfig.DEFAULT.withChannels(channels),
                new MigrationObserver() {},
                "in " + number);
    }

    private static SyntheticGuest guest(long ram) {
        GuestMemory memory = new GuestMemory(List.of(RamBlock.memfd(SyntheticGuest.BLOCK, ram)));
        // Touched now: the host's giving the memory would decide about the rates.
        memory.blocks().getFirst().segment().fill((byte) 1);
        return new SyntheticGuest(SyntheticGuest.MACHINE, memory, new WriterMarks(memory), WorkloadSpec.IDLE, false);
    }

    private static MemorySegment ram(SyntheticGuest guest) {
        return guest.memory().blocks().getFirst().segment();
    }

    void leave(BandwidthBudget budget) {
        OutgoingConfig config = OutgoingConfig.builder()
                .channels(channels)
                .budget(budget)
                .downtimeLimit(DOWNTIME_LIMIT)
                .returnPath(true)
                .build();
        migration = OutgoingMigration.start(
                source, Dialer.to(address), config, new MigrationObserver() {}, "out " + number);
    }

    CompletableFuture<OutgoingReport> left() {
        return migration.completion();
    }

    long sentBytes() {
        return migration.progress().transferredBytes();
    }

    /** @throws IOException unless it arrived whole */
    void check() throws IOException {
        OutgoingReport report = left().join();
        if (!report.outcome().equals("completed")) {
            throw new IOException("guest %d: %s".formatted(number, report.reason()));
        }
        Object _ = arrival.completion().join();
        long differs = ram(source).mismatch(ram(destination));
        if (differs >= 0) {
            throw new IOException("guest %d: RAM differs at byte %d after the migration".formatted(number, differs));
        }
    }

    @Override
    public void close() {
        if (migration != null) {
            migration.cancel();
            Object _ = left().join();
        }
        arrival.abort("the measurement is over");
        Object _ = arrival.completion().join();
        try (source;
                destination) {
            arrival.endAnnouncements();
        }
    }
}
