package org.transhume.engine.outgoing;

import java.io.IOException;
import java.util.concurrent.CompletableFuture;
import org.transhume.channels.Connection;
import org.transhume.channels.qemu.ReturnPathMessage;
import org.transhume.channels.qemu.StreamReader;
import org.transhume.engine.ConnectionSet;
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

    /** Completes with the status of SHUT, or with what ended the path before it. */
    CompletableFuture<Integer> shut() {
        return shut;
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
