package org.transhume.engine.incoming;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.transhume.channels.Address;
import org.transhume.channels.Connection;
import org.transhume.channels.Listener;
import org.transhume.engine.MigrationObserver;
import org.transhume.engine.guest.PassiveGuest;

/** Plays captured streams, sound or damaged, into an incoming migration and waits for its end. */
final class Replay implements AutoCloseable {
    private static final int LIMIT_SECONDS = 20;

    final PassiveGuest guest = new PassiveGuest();
    final List<CapturedConnection> connections = new ArrayList<>();
    private IncomingReport report;

    static Replay of(List<byte[]> streams, Set<String> capabilities, boolean staysOpen) {
        return of(streams, IncomingConfig.DEFAULT.withShared(capabilities), staysOpen);
    }

    static Replay of(List<byte[]> streams, IncomingConfig accepted, boolean staysOpen) {
        Replay replay = new Replay();
        for (byte[] stream : streams) {
            replay.connections.add(new CapturedConnection(stream, staysOpen));
        }
        IncomingConfig config = accepted.withChannels(streams.size() - 1).withChannelLimit(Duration.ofSeconds(2));
        IncomingMigration migration = IncomingMigration.start(
                replay.guest, new Waiting(replay.connections), config, new MigrationObserver() {}, "replay");
        try {
            replay.report = migration.completion().get(LIMIT_SECONDS, TimeUnit.SECONDS);
        } catch (Exception e) {
            throw new AssertionError("no end within %d s".formatted(LIMIT_SECONDS), e);
        }
        migration.endAnnouncements();
        return replay;
    }

    IncomingReport report() {
        return report;
    }

    @Override
    public void close() {
        guest.close();
    }

    /** Connections that are there already. */
    private static final class Waiting implements Listener {
        private final List<CapturedConnection> left;
        private boolean closed;

        Waiting(List<CapturedConnection> connections) {
            left = new ArrayList<>(connections);
        }

        @Override
        public synchronized Connection accept(Duration limit) throws IOException {
            while (left.isEmpty() && !closed) {
                try {
                    wait();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                    throw new IOException(e);
                }
            }
            if (closed) {
                throw new IOException("closed");
            }
            return left.removeFirst();
        }

        @Override
        public Address address() {
            return Address.parse("fd:0");
        }

        @Override
        public synchronized void close() {
            closed = true;
            notifyAll();
        }
    }
}
