package org.transhume.channels;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;

/** The listener of what holds one connection only, made already: a file, a command, an inherited descriptor. */
final class SingleListener implements Listener {
    private final Address address;
    private final AtomicReference<Connection> connection;
    private final CountDownLatch closed = new CountDownLatch(1);

    SingleListener(Address address, Connection connection) {
        this.address = address;
        this.connection = new AtomicReference<>(connection);
    }

    @Override
    public Connection accept(Duration limit) throws IOException {
        Connection only = connection.getAndSet(null);
        if (only != null) {
            return only;
        }
        try {
            if (limit.isZero()) {
                closed.await();
            } else if (!closed.await(limit.toMillis(), TimeUnit.MILLISECONDS)) {
                throw new SocketTimeoutException(
                        address.uri() + " gives one connection only, and that was taken; use tcp: or unix: for more");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw (IOException) new InterruptedIOException("interrupted waiting at " + address.uri()).initCause(e);
        }
        throw new ConnectionClosedException("listener at " + address.uri());
    }

    @Override
    public Address address() {
        return address;
    }

    @Override
    public void close() {
        closed.countDown();
        Connection untaken = connection.getAndSet(null);
        if (untaken != null) {
            untaken.close();
        }
    }
}
