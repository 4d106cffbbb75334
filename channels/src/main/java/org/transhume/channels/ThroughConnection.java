package org.transhume.channels;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.time.Duration;

/** Goes through to a real connection, its own from then on; who extends it changes, counts or delays what passes. */
public class ThroughConnection implements Connection {
    /** Where all of it goes. */
    protected final Connection real;

    /** @param real closed with this one */
    protected ThroughConnection(Connection real) {
        this.real = real;
    }

    @Override
    public int read(MemorySegment into, long offset, int length) throws IOException {
        return real.read(into, offset, length);
    }

    @Override
    public long read(IoVector into) throws IOException {
        return real.read(into);
    }

    @Override
    public boolean awaitReadable(int millis) throws IOException {
        return real.awaitReadable(millis);
    }

    @Override
    public void write(MemorySegment from, long offset, long length) throws IOException {
        real.write(from, offset, length);
    }

    @Override
    public void write(IoVector from) throws IOException {
        real.write(from);
    }

    @Override
    public void finishWriting() throws IOException {
        real.finishWriting();
    }

    @Override
    public void awaitEnd(Duration limit) throws IOException {
        real.awaitEnd(limit);
    }

    @Override
    public void limitReads(String channel, Duration limit) {
        real.limitReads(channel, limit);
    }

    @Override
    public void limitWrites(String channel, Duration limit) {
        real.limitWrites(channel, limit);
    }

    @Override
    public boolean bidirectional() {
        return real.bidirectional();
    }

    @Override
    public long bytesRead() {
        return real.bytesRead();
    }

    @Override
    public long bytesWritten() {
        return real.bytesWritten();
    }

    @Override
    public long unsent() {
        return real.unsent();
    }

    @Override
    public String peer() {
        return real.peer();
    }

    @Override
    public void close() {
        real.close();
    }
}
