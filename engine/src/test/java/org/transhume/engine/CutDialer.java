package org.transhume.engine;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.transhume.channels.Address;
import org.transhume.channels.Connection;
import org.transhume.channels.Connections;
import org.transhume.engine.outgoing.Dialer;

/** Dials connections of which one will break. */
final class CutDialer implements Dialer {
    /** In the order in which they were made, main first. */
    final List<CutConnection> connections = new CopyOnWriteArrayList<>();

    private final Address address;
    private final int channel;
    private final long bytes;

    /**
     * @param channel which of them, 0 the main channel
     * @param bytes that it lets out
     */
    CutDialer(Address address, int channel, long bytes) {
        this.address = address;
        this.channel = channel;
        this.bytes = bytes;
    }

    /** Breaks nothing by itself. */
    CutDialer(Address address) {
        this(address, -1, 0);
    }

    @Override
    public Connection dial(Duration limit) throws IOException {
        CutConnection connection = new CutConnection(Connections.connect(address, limit));
        if (connections.size() == channel) {
            connection.afterWriting(bytes);
        }
        connections.add(connection);
        return connection;
    }

    @Override
    public boolean multiChannel() {
        return true;
    }
}
