package org.transhume.engine.outgoing;

import java.io.IOException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import org.transhume.channels.Connection;
import org.transhume.channels.qemu.ReturnPathMessage;
import org.transhume.channels.qemu.StreamReader;
import org.transhume.engine.ConnectionSet;
import org.transhume.engine.MigrationException;
import org.transhume.engine.Threads;

/** Reads the return path in a thread of its own until its last message, or until the connection is closed. */
final class AnswerReader implements AutoCloseable {
    private final CompletableFuture<Integer> shut = new CompletableFuture<>();
    private final ConnectionSet connections;
    private final Thread thread;

    AnswerReader(Connection connection, ConnectionSet connections, String name) {
        this.connections = connections;
        thread = Thread.ofPlatform().daemon().name(name + " answers").start(() -> read(connection));
    }

    /** Whether the last message came, or the path was lost before it. */
    boolean ended() {
        return shut.isDone();
    }

    /**
     * The status of SHUT; waits for it.
     *
     * @throws IOException what ended the path before it
     */
    int status() throws IOException {
        try {
            return shut.get();
        } catch (ExecutionException e) {
            throw new IOException(MigrationException.reasonOf(e.getCause()), e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted while waiting for the destination's answer", e);
        }
    }

    private void read(Connection connection) {
        try (StreamReader in = new StreamReader(connection, "return path")) {
            while (true) {
                ReturnPathMessage message = ReturnPathMessage.read(in);
                if (message == null) {
                    throw new IOException("the destination closed the return path without a word");
                }
                if (message instanceof ReturnPathMessage.Shut(int status)) {
                    shut.complete(status);
                    return;
                }
            }
        } catch (Throwable t) {
            shut.completeExceptionally(t);
        }
    }

    /** Closes the migration's connections, so that nothing is waited for any more, and joins the thread. */
    @Override
    public void close() {
        connections.close();
        Threads.join(thread);
    }
}
