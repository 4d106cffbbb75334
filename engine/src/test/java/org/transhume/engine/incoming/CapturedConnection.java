package org.transhume.engine.incoming;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import org.transhume.channels.Connection;
import org.transhume.channels.IoVector;

/** A connection whose peer sent these bytes and then closed, or stays silent; keeps what it is told. */
public final class CapturedConnection implements Connection {
    private final MemorySegment bytes;
    private final boolean staysOpen;
    private final ByteArrayOutputStream answers = new ByteArrayOutputStream();
    private long position;
    private boolean closed;

    public CapturedConnection(byte[] bytes, boolean staysOpen) {
        this.bytes = MemorySegment.ofArray(bytes);
        this.staysOpen = staysOpen;
    }

    @Override
    public synchronized int read(MemorySegment into, long offset, int length) throws IOException {
        if (!awaitBytes()) {
            return -1;
        }
        int count = (int) Math.min(length, bytes.byteSize() - position);
        MemorySegment.copy(bytes, position, into, offset, count);
        position += count;
        return count;
    }

    @Override
    public synchronized long read(IoVector into) throws IOException {
        if (!awaitBytes()) {
            return -1;
        }
        MemorySegment next = into.first();
        int count = (int) Math.min(next.byteSize(), bytes.byteSize() - position);
        MemorySegment.copy(bytes, position, next, 0, count);
        position += count;
        into.advance(count);
        return count;
    }

    private boolean awaitBytes() throws IOException {
        while (position == bytes.byteSize() && staysOpen && !closed) {
            try {
                wait();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IOException(e);
            }
        }
        if (closed) {
            throw new IOException("closed");
        }
        return position < bytes.byteSize();
    }

    @Override
    public synchronized boolean awaitReadable(int millis) {
        return position < bytes.byteSize() || !staysOpen || closed; // nothing more ever comes
    }

    @Override
    public synchronized void write(MemorySegment from, long offset, long length) throws IOException {
        if (closed) {
            throw new IOException("closed");
        }
        answers.writeBytes(from.asSlice(offset, length).toArray(ValueLayout.JAVA_BYTE));
    }

    @Override
    public void write(IoVector from) throws IOException {
        while (from.bytes() > 0) {
            MemorySegment next = from.first();
            write(next, 0, next.byteSize());
            from.advance(next.byteSize());
        }
    }

    synchronized byte[] answers() {
        return answers.toByteArray();
    }

    @Override
    public void finishWriting() {}

    @Override
    public void awaitEnd(Duration limit) {}

    @Override
    public boolean bidirectional() {
        return true;
    }

    @Override
    public synchronized long bytesRead() {
        return position;
    }

    @Override
    public long bytesWritten() {
        return answers.size();
    }

    @Override
    public String peer() {
        return "a capture";
    }

    @Override
    public synchronized void close() {
        closed = true;
        notifyAll();
    }
}
