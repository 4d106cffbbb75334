package org.transhume.channels.qemu;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import org.transhume.channels.Connection;
import org.transhume.channels.IoVector;

/**
 * Writes numbers, names and pages to one connection. Numbers are gathered in a buffer, pages go from guest RAM to the socket
 * without a copy; both leave in one system call, in order, at {@link #flush} or when the gather is full. One thread at a time.
 */
public final class StreamWriter implements AutoCloseable {
    private static final int BUFFER = 64 << 10;
    private static final int ENTRIES = 512;

    private final Connection connection;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment buffer;
    private final IoVector gather = new IoVector(ENTRIES);
    private int position;
    private int gathered;
    private long flushed;

    public StreamWriter(Connection connection) {
        this.connection = connection;
        this.buffer = arena.allocate(BUFFER, 64);
    }

    /** Bytes accepted since the start, flushed or not. */
    public long offset() {
        return flushed + gather.bytes() + (position - gathered);
    }

    /** As {@link Connection#unsent}. */
    public long unsent() {
        return connection.unsent();
    }

    public StreamWriter u8(int value) throws IOException {
        room(1);
        buffer.set(ValueLayout.JAVA_BYTE, position, (byte) value);
        position++;
        return this;
    }

    public StreamWriter be16(int value) throws IOException {
        room(2);
        buffer.set(Wire.BE16, position, (short) value);
        position += 2;
        return this;
    }

    public StreamWriter be32(int value) throws IOException {
        room(4);
        buffer.set(Wire.BE32, position, value);
        position += 4;
        return this;
    }

    public StreamWriter be64(long value) throws IOException {
        room(8);
        buffer.set(Wire.BE64, position, value);
        position += 8;
        return this;
    }

    /** A name behind its length byte, at most 255 bytes. */
    public StreamWriter str8(String text) throws IOException {
        byte[] bytes = text.getBytes(StandardCharsets.ISO_8859_1);
        if (bytes.length > 255) {
            throw new IllegalArgumentException("name of %d bytes: expected 0..255: %s".formatted(bytes.length, text));
        }
        return u8(bytes.length).bytes(bytes);
    }

    public StreamWriter bytes(byte[] bytes) throws IOException {
        int done = 0;
        while (done < bytes.length) {
            room(1);
            int part = Math.min(bytes.length - done, BUFFER - position);
            MemorySegment.copy(bytes, done, buffer, ValueLayout.JAVA_BYTE, position, part);
            position += part;
            done += part;
        }
        return this;
    }

    /** {@code length} bytes at {@code at}, taken at once: the memory is the caller's again. */
    public StreamWriter copied(MemorySegment from, long at, int length) throws IOException {
        int done = 0;
        while (done < length) {
            room(1);
            int part = Math.min(length - done, BUFFER - position);
            MemorySegment.copy(from, at + done, buffer, position, part);
            position += part;
            done += part;
        }
        return this;
    }

    /** Borrowed until the next flush: {@code length} bytes at {@code at} of guest RAM, sent as they are at that instant. */
    public StreamWriter borrowed(MemorySegment ram, long at, long length) throws IOException {
        gatherBuffered();
        if (!gather.add(ram, at, length)) {
            flush();
            gather.add(ram, at, length);
        }
        return this;
    }

    /** Sends all that was accepted so far. */
    public void flush() throws IOException {
        gatherBuffered();
        if (gather.size() > 0) {
            flushed += gather.bytes();
            connection.write(gather);
        }
        position = 0;
        gathered = 0;
    }

    private void room(int count) throws IOException {
        if (BUFFER - position < count) {
            flush();
        }
    }

    private void gatherBuffered() throws IOException {
        if (position > gathered && !gather.add(buffer, gathered, position - gathered)) {
            MemorySegment kept = buffer.asSlice(gathered, position - gathered);
            flushed += gather.bytes();
            connection.write(gather);
            gather.add(kept, 0, kept.byteSize());
        }
        gathered = position;
    }

    /** Frees the buffer, flushed or not. The connection stays open: it is not this writer's. */
    @Override
    public void close() {
        try (arena;
                gather) {
            position = 0;
        }
    }
}
