package org.transhume.channels.qemu;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import org.transhume.channels.Connection;
import org.transhume.channels.IoVector;

/** A peer that sends these bytes, some at a time, and keeps what it is sent. */
final class BytesConnection implements Connection {
    private final MemorySegment bytes;
    private final int most;
    private final boolean staysOpen;
    private final ByteArrayOutputStream written = new ByteArrayOutputStream();
    private boolean forgets;
    private long position;

    /**
     * @param most bytes that one read gives
     * @param staysOpen whether it is silent behind its last byte rather than gone: then nobody may read on
     */
    BytesConnection(byte[] bytes, int most, boolean staysOpen) {
        this.bytes = MemorySegment.ofArray(bytes);
        this.most = most;
        this.staysOpen = staysOpen;
    }

    /** One to write to. */
    BytesConnection() {
        this(new byte[0], 1, false);
    }

    /** One to write to that keeps nothing, and so allocates nothing. */
    static BytesConnection forgetting() {
        BytesConnection connection = new BytesConnection();
        connection.forgets = true;
        return connection;
    }

    byte[] written() {
        return written.toByteArray();
    }

    @Override
    public int read(MemorySegment into, long offset, int length) {
        if (position == bytes.byteSize()) {
            if (staysOpen) {
                throw new AssertionError("waits for bytes that will never come");
            }
            return -1;
        }
        int count = (int) Math.min(Math.min(length, most), bytes.byteSize() - position);
        MemorySegment.copy(bytes, position, into, offset, count);
        position += count;
        return count;
    }

    @Override
    public long read(IoVector into) {
        throw new UnsupportedOperationException();
    }

    @Override
    public boolean awaitReadable(int millis) {
        return position < bytes.byteSize() || !staysOpen;
    }

    @Override
    public void write(MemorySegment from, long offset, long length) {
        written.writeBytes(from.asSlice(offset, length).toArray(ValueLayout.JAVA_BYTE));
    }

    @Override
    public void write(IoVector from) throws IOException {
        if (forgets) {
            from.clear();
        }
        while (from.size() > 0) {
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
        return true;
    }

    @Override
    public long bytesRead() {
        return position;
    }

    @Override
    public long bytesWritten() {
        return written.size();
    }

    @Override
    public String peer() {
        return "bytes";
    }

    @Override
    public void close() {}
}
