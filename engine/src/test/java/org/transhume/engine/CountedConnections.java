package org.transhume.engine;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import org.transhume.channels.Address;
import org.transhume.channels.Connection;
import org.transhume.channels.IoVector;
import org.transhume.channels.Listener;
import org.transhume.channels.ThroughConnection;

/** Accepts connections and adds up, call by call, what went over all of them: whatever they themselves count. */
final class CountedConnections implements Listener {
    final AtomicLong read = new AtomicLong();
    final AtomicLong written = new AtomicLong();

    private final Listener real;

    CountedConnections(Listener real) {
        this.real = real;
    }

    @Override
    public Connection accept(Duration limit) throws IOException {
        return new Counted(real.accept(limit));
    }

    @Override
    public Address address() {
        return real.address();
    }

    @Override
    public void close() {
        real.close();
    }

    private final class Counted extends ThroughConnection {
        Counted(Connection connection) {
            super(connection);
        }

        private long came(long bytes) {
            read.addAndGet(Math.max(0, bytes));
            return bytes;
        }

        @Override
        public int read(MemorySegment into, long offset, int length) throws IOException {
            return (int) came(real.read(into, offset, length));
        }

        @Override
        public long read(IoVector into) throws IOException {
            return came(real.read(into));
        }

        @Override
        public void write(MemorySegment from, long offset, long length) throws IOException {
            real.write(from, offset, length);
            written.addAndGet(length);
        }

        @Override
        public void write(IoVector from) throws IOException {
            long length = from.bytes();
            real.write(from);
            written.addAndGet(length);
        }
    }
}
