package org.transhume.engine;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import org.transhume.channels.Address;
import org.transhume.channels.Connection;
import org.transhume.channels.Connections;
import org.transhume.channels.IoVector;
import org.transhume.channels.ThroughConnection;
import org.transhume.engine.outgoing.Dialer;

/** Dials connections over which one bit flips in the last byte of certain bytes, where they pass for the first time. */
final class FaultyDialer implements Dialer {
    /** Bits flipped so far. */
    final AtomicInteger flips = new AtomicInteger();

    private final Address address;
    private final byte[] marker;
    private final int times;

    /**
     * @param marker whose first byte does not come again in it
     * @param times it is damaged; what passes later is left alone
     */
    FaultyDialer(Address address, byte[] marker, int times) {
        this.address = address;
        this.marker = marker.clone();
        this.times = times;
    }

    @Override
    public Connection dial(Duration limit) throws IOException {
        return new Faulty(Connections.connect(address, limit));
    }

    @Override
    public boolean multiChannel() {
        return true;
    }

    private final class Faulty extends ThroughConnection {
        private int matched;

        Faulty(Connection real) {
            super(real);
        }

        @Override
        public void write(MemorySegment from, long offset, long length) throws IOException {
            byte[] bytes = from.asSlice(offset, length).toArray(ValueLayout.JAVA_BYTE);
            for (int i = 0; i < bytes.length; i++) {
                if (bytes[i] != marker[matched]) {
                    matched = bytes[i] == marker[0] ? 1 : 0;
                } else if (++matched == marker.length) {
                    matched = 0;
                    if (flips.getAndIncrement() < times) {
                        bytes[i] ^= 0x10;
                    } else {
                        flips.decrementAndGet();
                    }
                }
            }
            try (Arena arena = Arena.ofConfined()) {
                real.write(arena.allocate(Math.max(1, length)).copyFrom(MemorySegment.ofArray(bytes)), 0, length);
            }
        }

        @Override
        public void write(IoVector from) throws IOException {
            while (from.bytes() > 0) {
                MemorySegment piece = from.first();
                write(piece, 0, piece.byteSize());
                from.advance(piece.byteSize());
            }
        }
    }
}
