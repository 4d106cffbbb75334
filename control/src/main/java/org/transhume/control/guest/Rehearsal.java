package org.transhume.control.guest;

import java.io.IOException;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.transhume.channels.Address;
import org.transhume.channels.Connections;
import org.transhume.channels.Listener;
import org.transhume.engine.MigrationObserver;
import org.transhume.engine.guest.SyntheticGuest;
import org.transhume.engine.guest.WorkloadSpec;
import org.transhume.engine.incoming.IncomingConfig;
import org.transhume.engine.incoming.IncomingMigration;
import org.transhume.engine.outgoing.Dialer;
import org.transhume.engine.outgoing.OutgoingConfig;
import org.transhume.engine.outgoing.OutgoingMigration;
import org.transhume.memory.GuestMemory;
import org.transhume.memory.RamBlock;
import org.transhume.memory.WriterMarks;

/**
 * A small guest that moves within this process before a real one does. What a young JVM does for the first time takes it
 * milliseconds, and most of the pause is done once only.
 */
public final class Rehearsal {
    private static final long RAM = 1 << 20;
    private static final int CHANNELS = 2;
    private static final int LIMIT_SECONDS = 5;

    private Rehearsal() {}

    /** Begins in a thread of its own, which ends by itself. Nothing depends on its success. */
    public static void begin() {
        Thread.ofPlatform().daemon().name("rehearsal").start(Rehearsal::run);
    }

    private static void run() {
        try (SyntheticGuest source = guest();
                SyntheticGuest destination = guest();
                Listener listener = Connections.listen(new Address.Tcp("127.0.0.1", 0))) {
            source.fill();
            source.resume();
            Address address = listener.address();
            MigrationObserver nobody = new MigrationObserver() {};
            IncomingMigration incoming = IncomingMigration.start(
                    destination, listener, IncomingConfig.DEFAULT.withChannels(CHANNELS), nobody, "rehearsal in");
            try {
                OutgoingConfig config = OutgoingConfig.builder()
                        .channels(CHANNELS)
                        .returnPath(true)
                        .build();
                OutgoingMigration.start(source, Dialer.to(address), config, nobody, "rehearsal out")
                        .completion()
                        .get(LIMIT_SECONDS, TimeUnit.SECONDS);
            } finally {
                incoming.abort("the rehearsal is over");
                incoming.completion().get(LIMIT_SECONDS, TimeUnit.SECONDS);
                incoming.endAnnouncements();
            }
        } catch (IOException | ExecutionException | TimeoutException | RuntimeException e) {
            // Where nothing can listen on loopback, the first real migration is the first.
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static SyntheticGuest guest() {
        GuestMemory memory = new GuestMemory(List.of(RamBlock.memfd(SyntheticGuest.BLOCK, RAM)));
        return new SyntheticGuest(
                SyntheticGuest.MACHINE, memory, new WriterMarks(memory), WorkloadSpec.parse("uniform:rate=2000"), true);
    }
}
