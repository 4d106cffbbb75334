package org.transhume.benchmarks.kernels;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import org.transhume.channels.Connection;
import org.transhume.channels.IoVector;

/**
 * A connection without a kernel: what is written is kept as long as there is room, and dropped behind that; reads have what was kept,
 * from its start again and again, as in full as a socket at its best gives it. One thread.
 */
public final class MemoryConnection implements Connection {
    private final Arena arena = Arena.ofAuto();
    private final long room;
    private final MemorySegment kept;
    private long bytesWritten;
    private long bytesRead;

    /** @param room bytes to keep, 0 and up; reading needs some */
    public MemoryConnection(long room) {
        kept = arena.allocate(Math.max(1, room), 64);
        this.room = room;
    }

    private long length() {
        return Math.min(bytesWritten, room);
    }

    @Override
    public void write(MemorySegment from, long offset, long length) {
        long part = Math.min(length, room - length());
        MemorySegment.copy(from, offset, kept, length(), part);
        bytesWritten += length;
    }

    @Override
    public void write(IoVector from) {
        while (length() < room && from.size() > 0) {
            MemorySegment first = from.first();
            write(first, 0, first.byteSize());
            from.advance(first.byteSize());
        }
        bytesWritten += from.bytes();
        from.clear();
    }

    @Override
    public int read(MemorySegment into, long offset, int length) {
        long at = bytesRead % length();
        int part = (int) Math.min(length, length() - at);
        MemorySegment.copy(kept, at, into, offset, part);
        bytesRead += part;
        return part;
    }

    @Override
    public long read(IoVector into) {
        MemorySegment first = into.first();
        int part = read(first, 0, (int) first.byteSize());
        into.advance(part);
        return part;
    }

    @Override
    public boolean awaitReadable(int millis) {
        return true;
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
        return bytesRead;
    }

    @Override
    public long bytesWritten() {
        return bytesWritten;
    }

    @Override
    public String peer() {
        return "memory";
    }

    @Override
    public void close() {}
}
