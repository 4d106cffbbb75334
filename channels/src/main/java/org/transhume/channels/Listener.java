package org.transhume.channels;

import java.io.Closeable;
import java.io.IOException;
import java.time.Duration;

/**
 * Takes incoming connections. One thread at a time may accept; any thread may close, which makes it return at once with a
 * {@link ConnectionClosedException}. Connections already accepted live on.
 */
public interface Listener extends Closeable {

    /**
     * Waits for the next connection. A file, command or descriptor gives one; the second call then waits until it is
     * closed or the time is over.
     *
     * @param limit zero waits for ever
     * @throws java.net.SocketTimeoutException if nobody connected in time
     */
    Connection accept(Duration limit) throws IOException;

    /** Where it listens: as asked for, with the real port in the place of port 0. */
    Address address();

    /** Gives back the descriptor and, if it is still ours, the path of a Unix socket. Idempotent. */
    @Override
    void close();
}
