package org.transhume.control.soak;

import java.io.Closeable;
import java.io.IOException;
import java.net.ConnectException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.transhume.channels.Address;
import org.transhume.channels.Connection;
import org.transhume.channels.Connections;
import org.transhume.channels.Listener;
import org.transhume.engine.outgoing.Dialer;

/** The connections between two losses: where the destination listens, and what of the {@link Fault} falls to them. */
final class FaultyLink implements Dialer, Closeable {
    private final int number;
    private final Listener listener;
    private final Fault fault;
    private final List<Fault.Cut> armed = new ArrayList<>(); // guarded by this, as are the others
    private final List<FaultyConnection> made = new ArrayList<>();
    private int dialed;
    private boolean refused;

    private FaultyLink(int number, Listener listener, Fault fault) {
        this.number = number;
        this.listener = listener;
        this.fault = fault;
    }

    /**
     * Listens.
     *
     * @param number 0 the first, then those of each recovery
     * @param folder for a unix socket; null: tcp
     */
    static FaultyLink open(int number, Path folder, Fault fault) throws IOException {
        Address address =
                folder == null ? new Address.Tcp("127.0.0.1", 0) : new Address.Unix(folder.resolve("link" + number));
        return new FaultyLink(number, Connections.listen(address), fault);
    }

    /** Whoever takes guests in there closes it. */
    Listener listener() {
        return listener;
    }

    @Override
    public Connection dial(Duration limit) throws IOException {
        int channel;
        synchronized (this) {
            channel = dialed++;
            if (number == 0 && fault instanceof Fault.Refused(int which) && which == channel) {
                refused = true;
                throw new ConnectException("Connection refused");
            }
        }
        FaultyConnection connection = new FaultyConnection(Connections.connect(listener.address(), limit));
        synchronized (this) {
            made.add(connection);
            if (fault instanceof Fault.Slow slow && (slow.channel() < 0 || slow.channel() == channel)) {
                connection.slow(slow);
            }
            if (fault instanceof Fault.Stall stall && number == 0 && stall.channel() == channel) {
                connection.stall(stall);
            }
            armed.stream()
                    .filter(cut -> cut.channel() == channel)
                    .forEach(cut -> connection.cut(cut.writing(), cut.bytes()));
        }
        return connection;
    }

    @Override
    public boolean multiChannel() {
        return true;
    }

    /** The source has come to this moment. */
    synchronized void at(Fault.Moment moment) {
        if (fault instanceof Fault.Cuts(List<Fault.Cut> cuts)) {
            for (Fault.Cut cut : cuts) {
                if (cut.link() == number && cut.from() == moment && !armed.contains(cut)) {
                    armed.add(cut);
                    if (cut.channel() < made.size()) {
                        made.get(cut.channel()).cut(cut.writing(), cut.bytes());
                    }
                }
            }
        }
    }

    /** How often something was done to its connections. */
    synchronized int strokes() {
        return (int) made.stream().filter(c -> c.broken() || c.delayed()).count() + (refused ? 1 : 0);
    }

    /** How many of them broke. */
    synchronized int broken() {
        return (int) made.stream().filter(FaultyConnection::broken).count() + (refused ? 1 : 0);
    }

    @Override
    public void close() throws IOException {
        listener.close();
    }
}
