package org.transhume.control.guest;

import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.transhume.channels.Connection;
import org.transhume.engine.MigrationException;
import org.transhume.engine.outgoing.Dialer;
import org.transhume.engine.outgoing.OutgoingMigration;

/** Tells whoever began a migration how its first connection went: a file that cannot be created is known at once. Any thread. */
final class FirstDial implements Dialer {
    private final Dialer dialer;
    private final CompletableFuture<IOException> failure = new CompletableFuture<>();

    FirstDial(Dialer dialer) {
        this.dialer = dialer;
    }

    @Override
    public Connection dial(Duration limit) throws IOException {
        try {
            Connection connection = dialer.dial(limit);
            failure.complete(null);
            return connection;
        } catch (IOException e) {
            failure.complete(e);
            throw e;
        }
    }

    @Override
    public boolean multiChannel() {
        return dialer.multiChannel();
    }

    /**
     * Waits until there is a connection, or {@code migration} has ended without one.
     *
     * @throws MigrationException if it failed for want of it
     */
    void awaitOpened(OutgoingMigration migration) {
        CompletableFuture.anyOf(failure, migration.completion()).join();
        IOException why = failure.getNow(null);
        if (why != null) {
            migration.completion().join();
            throw new MigrationException(why.getMessage(), why, false);
        }
    }
}
