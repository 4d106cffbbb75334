package org.transhume.control.soak;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.transhume.channels.Connection;
import org.transhume.channels.IoVector;
import org.transhume.channels.ThroughConnection;

/** A real connection of a source that breaks, both ways, once a number of bytes went out or came in, or is slow. */
final class FaultyConnection extends ThroughConnection {
    private volatile long written = Long.MAX_VALUE;
    private volatile long read = Long.MAX_VALUE;
    private volatile Fault.Slow slow;
    private volatile Fault.Stall stall;
    private volatile boolean broken;
    private volatile boolean delayed;

    FaultyConnection(Connection real) {
        super(real);
    }

    /** Lets so many bytes more pass. */
    void cut(boolean writing, long bytes) {
        if (writing) {
            written = real.bytesWritten() + bytes;
        } else {
            read = real.bytesRead() + bytes;
        }
    }

    void slow(Fault.Slow how) {
        slow = how;
    }

    void stall(Fault.Stall how) {
        stall = how;
    }

    /** Whether it broke here. */
    boolean broken() {
        return broken;
    }

    /** Whether a call on it took longer for our sake. */
    boolean delayed() {
        return delayed;
    }

    private IOException cut() {
        broken = true;
        real.close();
        return new IOException("Connection reset by peer");
    }

    private void delay(boolean writing) {
        Fault.Slow much = slow;
        if (much != null && much.writing() == writing) {
            delayed = true;
            LockSupport.parkNanos(TimeUnit.MICROSECONDS.toNanos(much.micros()));
        }
        Fault.Stall once = stall;
        if (once != null
                && once.writing() == writing
                && (writing ? real.bytesWritten() : real.bytesRead()) >= once.afterBytes()) {
            stall = null;
            delayed = true;
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(once.millis()));
        }
    }

    @Override
    public int read(MemorySegment into, long offset, int length) throws IOException {
        delay(false);
        int count = real.read(into, offset, length);
        checkRead();
        return count;
    }

    @Override
    public long read(IoVector into) throws IOException {
        delay(false);
        long count = real.read(into);
        checkRead();
        return count;
    }

    private void checkRead() throws IOException {
        if (real.bytesRead() > read) {
            throw cut();
        }
    }

    @Override
    public void write(MemorySegment from, long offset, long length) throws IOException {
        delay(true);
        long room = written - real.bytesWritten();
        if (length <= room) {
            real.write(from, offset, length);
            return;
        }
        if (room > 0) {
            real.write(from, offset, room);
        }
        throw cut();
    }

    @Override
    public void write(IoVector from) throws IOException {
        if (from.bytes() <= written - real.bytesWritten()) {
            delay(true);
            real.write(from);
            return;
        }
        while (true) { // ends in the cut
            MemorySegment piece = from.first();
            write(piece, 0, piece.byteSize());
            from.advance(piece.byteSize());
        }
    }
}
