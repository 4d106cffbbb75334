package org.transhume.engine;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.transhume.channels.Address;
import org.transhume.channels.Connections;
import org.transhume.channels.Listener;
import org.transhume.engine.guest.SyntheticGuest;
import org.transhume.engine.incoming.IncomingConfig;
import org.transhume.engine.incoming.IncomingMigration;
import org.transhume.engine.incoming.IncomingReport;

/** A destination: an empty guest and its incoming migration, listening on the loopback or on a Unix socket. */
final class Arrival implements AutoCloseable {
    private static final int LIMIT_SECONDS = 20;

    final SyntheticGuest guest;
    final Address address;
    private final IncomingMigration migration;
    private final Path directory;

    /** @param as what the migration sees of {@code guest}: itself, or something that fails in its place */
    private Arrival(SyntheticGuest guest, IncomingGuest as, String transport, IncomingConfig config)
            throws IOException {
        this.guest = guest;
        this.directory = transport.equals("unix") ? Files.createTempDirectory("migration") : null;
        Listener listener = Connections.listen(
                directory == null ? new Address.Tcp("127.0.0.1", 0) : new Address.Unix(directory.resolve("socket")));
        this.address = listener.address();
        this.migration = IncomingMigration.start(as, listener, config, new MigrationObserver() {}, "in");
    }

    static Arrival of(SyntheticGuest guest, String transport, int channels, boolean holeRuns) throws IOException {
        return new Arrival(guest, guest, transport, config(channels, holeRuns));
    }

    static Arrival of(SyntheticGuest guest, String transport, IncomingConfig config) throws IOException {
        return new Arrival(guest, guest, transport, config);
    }

    static Arrival as(IncomingGuest as, SyntheticGuest guest) throws IOException {
        return new Arrival(guest, as, "unix", config(0, false));
    }

    static Arrival as(IncomingGuest as, SyntheticGuest guest, IncomingConfig config) throws IOException {
        return new Arrival(guest, as, "unix", config);
    }

    private static IncomingConfig config(int channels, boolean holeRuns) {
        return IncomingConfig.DEFAULT
                .withChannels(channels)
                .withShared(holeRuns ? Set.of(Extensions.HOLE_RUNS) : Set.of())
                .withChannelLimit(Duration.ofSeconds(5));
    }

    IncomingReport await() {
        try {
            return migration.completion().get(LIMIT_SECONDS, TimeUnit.SECONDS);
        } catch (Exception e) {
            throw new AssertionError("the destination did not end within %d s".formatted(LIMIT_SECONDS), e);
        }
    }

    /** For sources that gave up before anything reached this side: it would go on listening. */
    void abort() {
        migration.abort("the test gave up");
    }

    @Override
    public void close() throws IOException {
        abort();
        await();
        migration.endAnnouncements();
        guest.close();
        if (directory != null) {
            Files.delete(directory); // fails unless the socket is gone
        }
    }
}
