package org.transhume.engine;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.transhume.channels.Connection;
import org.transhume.channels.IoVector;
import org.transhume.engine.guest.SyntheticGuest;
import org.transhume.engine.outgoing.Dialer;
import org.transhume.engine.outgoing.LanePlacement;
import org.transhume.engine.outgoing.OutgoingConfig;
import org.transhume.engine.outgoing.OutgoingMigration;
import org.transhume.engine.outgoing.OutgoingReport;

/** What our own sender says when nobody listens: always the same for the same form. */
public final class Recording {
    private static final long RAM = 2 * Guests.MIB;
    private static final int PASSES = 5;
    private static final int LIMIT_SECONDS = 20;

    private final List<byte[]> streams;
    private final byte[] ram;

    private Recording(List<byte[]> streams, byte[] ram) {
        this.streams = streams;
        this.ram = ram;
    }

    /** Of each connection, main first. */
    public List<byte[]> streams() {
        return streams;
    }

    /** What they must lead to. */
    public byte[] ram() {
        return ram;
    }

    /** A guest that leaves in this form over two channels, if it has channels at all. */
    public static Recording of(Packing packing) {
        List<Kept> kept = new ArrayList<>();
        Dialer dialer = new Dialer() {
            @Override
            public Connection dial(Duration limit) {
                kept.add(new Kept());
                return kept.getLast();
            }

            @Override
            public boolean multiChannel() {
                return true;
            }
        };
        OutgoingConfig config = packing.outgoing(2)
                .placement(LanePlacement.INLINE)
                .downtimeLimit(Rewrites.NO_PAUSE)
                .build();
        try (SyntheticGuest guest = Guests.source(SyntheticGuest.MACHINE, RAM, "marks", "idle:rate=0")) {
            Rewrites rewrites = new Rewrites(guest, PASSES, PASSES);
            OutgoingMigration migration = OutgoingMigration.start(guest, dialer, config, rewrites, "out");
            rewrites.migration.complete(migration);
            OutgoingReport report = migration.completion().get(LIMIT_SECONDS, TimeUnit.SECONDS);
            if (!report.outcome().equals("completed")) {
                throw new AssertionError(report.reason());
            }
            return new Recording(
                    kept.stream().map(k -> k.bytes.toByteArray()).toList(),
                    Guests.ram(guest).toArray(ValueLayout.JAVA_BYTE));
        } catch (Exception e) {
            throw new AssertionError("no recording of " + packing, e);
        }
    }

    /** A connection that keeps what is written to it. */
    public static final class Kept implements Connection {
        private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

        public byte[] bytes() {
            return bytes.toByteArray();
        }

        @Override
        public int read(MemorySegment into, long offset, int length) {
            return -1;
        }

        @Override
        public long read(IoVector into) {
            return -1;
        }

        @Override
        public boolean awaitReadable(int millis) {
            return true;
        }

        @Override
        public void write(MemorySegment from, long offset, long length) {
            bytes.writeBytes(from.asSlice(offset, length).toArray(ValueLayout.JAVA_BYTE));
        }

        @Override
        public void write(IoVector from) throws IOException {
            while (from.bytes() > 0) {
                MemorySegment piece = from.first();
                write(piece, 0, piece.byteSize());
                from.advance(piece.byteSize());
            }
        }

        @Override
        public void finishWriting() {}

        @Override
        public void awaitEnd(Duration limit) {}

        @Override
        public boolean bidirectional() {
            return false;
        }

        @Override
        public long bytesRead() {
            return 0;
        }

        @Override
        public long bytesWritten() {
            return bytes.size();
        }

        @Override
        public String peer() {
            return "nobody";
        }

        @Override
        public void close() {}
    }
}
