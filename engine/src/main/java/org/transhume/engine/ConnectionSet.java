package org.transhume.engine;

import java.util.ArrayList;
import java.util.List;
import org.transhume.channels.Connection;

/** The connections of one migration. Closing the set closes all of them, and each that is still to come, at once. */
public final class ConnectionSet implements AutoCloseable {
    /** In place of a page channel's number. */
    public static final int MAIN = -1;
    /** In place of a page channel's number: pages that a destination asked for. */
    public static final int URGENT = -3;
    /** Not told yet which it is. */
    public static final int UNKNOWN = -2;

    private final List<Entry> entries = new ArrayList<>();
    private boolean closed;

    private static final class Entry {
        final Connection connection;
        int channel;

        Entry(Connection connection, int channel) {
            this.connection = connection;
            this.channel = channel;
        }
    }

    /** Hears of one connection. */
    public interface Visitor {
        /** @param channel number of a page channel, {@link #MAIN}, {@link #URGENT} or {@link #UNKNOWN} */
        void connection(int channel, long bytesWritten, long bytesRead);
    }

    /** As {@link #add(Connection, int)}, for one of which nothing is known yet. */
    public Connection add(Connection connection) {
        return add(connection, UNKNOWN);
    }

    /**
     * Any thread. The set owns {@code connection} from here on.
     *
     * @param channel 0 and up for a page channel, {@link #MAIN} or {@link #URGENT}
     */
    public Connection add(Connection connection, int channel) {
        synchronized (this) {
            if (!closed) {
                entries.add(new Entry(connection, channel));
                return connection;
            }
        }
        connection.close();
        return connection;
    }

    /** Closes {@code connection} and forgets it, bytes and all. */
    public void drop(Connection connection) {
        synchronized (this) {
            entries.removeIf(entry -> entry.connection == connection);
        }
        connection.close();
    }

    /** Whether there is none, dropped ones aside. */
    public synchronized boolean isEmpty() {
        return entries.isEmpty();
    }

    /** The first bytes of a connection told which it is. */
    public synchronized void identify(Connection connection, int channel) {
        for (Entry entry : entries) {
            if (entry.connection == connection) {
                entry.channel = channel;
            }
        }
    }

    /** Tells of all but the dropped ones, in the order in which they came. Any thread, also afterwards. */
    public synchronized void forEach(Visitor visitor) {
        for (Entry entry : entries) {
            visitor.connection(entry.channel, entry.connection.bytesWritten(), entry.connection.bytesRead());
        }
    }

    /** Bytes that wait in the sockets. One thread at a time. */
    public synchronized long unsent() {
        long sum = 0;
        for (Entry entry : entries) {
            sum += entry.connection.unsent();
        }
        return sum;
    }

    /** Of the main channels, one after the other. */
    public synchronized long mainBytesWritten() {
        long sum = 0;
        for (Entry entry : entries) {
            sum += entry.channel == MAIN ? entry.connection.bytesWritten() : 0;
        }
        return sum;
    }

    /** Of the page channels. */
    public synchronized long multifdBytesWritten() {
        long sum = 0;
        for (Entry entry : entries) {
            sum += entry.channel >= 0 ? entry.connection.bytesWritten() : 0;
        }
        return sum;
    }

    public synchronized long bytesRead() {
        long sum = 0;
        for (Entry entry : entries) {
            sum += entry.connection.bytesRead();
        }
        return sum;
    }

    public synchronized long bytesWritten() {
        long sum = 0;
        for (Entry entry : entries) {
            sum += entry.connection.bytesWritten();
        }
        return sum;
    }

    /** Closes those that there are; others may come, and the bytes of these stay counted. Any thread. */
    public void breakAll() {
        List<Entry> all;
        synchronized (this) {
            all = List.copyOf(entries);
        }
        all.forEach(entry -> entry.connection.close());
    }

    /** Any thread; wakes whoever waits on one of them. */
    @Override
    public void close() {
        closeAllBut(null);
    }

    /** As {@link #close}, but {@code kept} stays open. */
    public void closeAllBut(Connection kept) {
        List<Entry> all;
        synchronized (this) {
            closed = true;
            all = List.copyOf(entries);
        }
        for (Entry entry : all) {
            if (entry.connection != kept) {
                entry.connection.close();
            }
        }
    }
}
