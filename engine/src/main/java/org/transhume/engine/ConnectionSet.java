package org.transhume.engine;

import java.util.ArrayList;
import java.util.List;
import org.transhume.channels.Connection;

/** The connections of one migration. Closing the set closes all of them, and each that is still to come, at once. */
public final class ConnectionSet implements AutoCloseable {
    private final List<Connection> connections = new ArrayList<>();
    private boolean closed;

    /** Any thread. The set owns {@code connection} from here on. */
    public Connection add(Connection connection) {
        synchronized (this) {
            if (!closed) {
                connections.add(connection);
                return connection;
            }
        }
        connection.close();
        return connection;
    }

    /** Closes {@code connection} and forgets it, bytes and all. */
    public void drop(Connection connection) {
        synchronized (this) {
            connections.remove(connection);
        }
        connection.close();
    }

    public synchronized long bytesWritten() {
        long sum = 0;
        for (Connection connection : connections) {
            sum += connection.bytesWritten();
        }
        return sum;
    }

    public synchronized long bytesRead() {
        long sum = 0;
        for (Connection connection : connections) {
            sum += connection.bytesRead();
        }
        return sum;
    }

    /** Any thread; wakes whoever waits on one of them. */
    @Override
    public void close() {
        closeAllBut(null);
    }

    /** As {@link #close}, but {@code kept} stays open. */
    public void closeAllBut(Connection kept) {
        List<Connection> all;
        synchronized (this) {
            closed = true;
            all = List.copyOf(connections);
        }
        for (Connection connection : all) {
            if (connection != kept) {
                connection.close();
            }
        }
    }
}
