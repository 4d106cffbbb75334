package org.transhume.engine;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.time.Duration;
import org.transhume.channels.Connection;
import org.transhume.channels.IoVector;
import org.transhume.channels.qemu.HandoverRecord;

/** A real connection that does something right before GRANT goes out, which it knows by its first bytes. */
record GrantWatcher(Connection real, Runnable hook) implements Connection {
    private static final ValueLayout.OfInt BE32 = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
    private static final int CODE_AT = 7;
    private static final int GRANT = 2;

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
        MemorySegment first = from.first();
        if (from.bytes() == HandoverRecord.BYTES
                && first.get(BE32, 0) == HandoverRecord.MAGIC
                && first.get(ValueLayout.JAVA_BYTE, CODE_AT) == GRANT) {
            hook.run();
        }
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
    public String peer() {
        return real.peer();
    }

    @Override
    public void close() {
        real.close();
    }
}
