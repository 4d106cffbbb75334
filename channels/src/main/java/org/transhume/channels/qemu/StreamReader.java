package org.transhume.channels.qemu;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.transhume.channels.Connection;

/**
 * Reads numbers, names and pages off one connection and knows how far it came. One thread at a time. A stream that ends
 * early is a {@link CorruptStreamException} with the offset of the end.
 *
 * <p>Small things come through a buffer. So do pages of the main stream: there each has a header of its own, and one system
 * call for 64 of them costs less than the copy it saves (docs/decisions/0004). Multifd packets do not pass here.
 */
public final class StreamReader implements AutoCloseable {
    private static final int BUFFER = 256 << 10;

    private final Connection connection;
    private final String channel;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment buffer;
    private int position;
    private int limit;
    private long consumedBefore;
    private Duration restLimit = Duration.ZERO;
    private Duration silenceLimit = Duration.ZERO;

    /** @param channel how errors name this stream, e.g. "main" */
    public StreamReader(Connection connection, String channel) {
        this(connection, channel, MemorySegment.NULL);
    }

    /** @param first what was read from the connection already, a few bytes; copied */
    public StreamReader(Connection connection, String channel, MemorySegment first) {
        this.connection = connection;
        this.channel = channel;
        this.buffer = arena.allocate(BUFFER, 64);
        this.limit = (int) first.byteSize();
        MemorySegment.copy(first, 0, buffer, 0, limit);
    }

    /**
     * Limits how long it waits for the sender; zero is for ever, as at first.
     *
     * @param rest of something that has begun, be it a number or a page
     * @param silence for something new
     */
    public void limitWaits(Duration rest, Duration silence) {
        restLimit = rest;
        silenceLimit = silence;
    }

    public String channel() {
        return channel;
    }

    /** Bytes consumed since the start of the connection. */
    public long offset() {
        return consumedBefore + position;
    }

    public int u8() throws IOException {
        need(1);
        return buffer.get(ValueLayout.JAVA_BYTE, position++) & 0xff;
    }

    public int be16() throws IOException {
        need(2);
        int value = buffer.get(Wire.BE16, position) & 0xffff;
        position += 2;
        return value;
    }

    public int be32() throws IOException {
        need(4);
        int value = buffer.get(Wire.BE32, position);
        position += 4;
        return value;
    }

    public long be64() throws IOException {
        need(8);
        long value = buffer.get(Wire.BE64, position);
        position += 8;
        return value;
    }

    /** The next byte, which stays to be read. */
    public int peek() throws IOException {
        need(1);
        return buffer.get(ValueLayout.JAVA_BYTE, position) & 0xff;
    }

    /** Four bytes as a number, which stay to be read. */
    public int peek32() throws IOException {
        need(4);
        return buffer.get(Wire.BE32, position);
    }

    /** Eight bytes as a number, which stay to be read. */
    public long peek64() throws IOException {
        need(8);
        return buffer.get(Wire.BE64, position);
    }

    /** A name behind its length byte. Bytes are taken as ISO 8859-1, so that any name survives a round trip. */
    public String str8() throws IOException {
        return text(u8());
    }

    /** {@code length} bytes as text; the caller has checked the length. */
    public String text(int length) throws IOException {
        return new String(bytes(length), StandardCharsets.ISO_8859_1);
    }

    /** {@code length} bytes; the caller has checked the length. */
    public byte[] bytes(int length) throws IOException {
        byte[] bytes = new byte[length];
        into(MemorySegment.ofArray(bytes), 0, length);
        return bytes;
    }

    /** The next {@code length} bytes to byte {@code at} of {@code target}: guest RAM, or an array. */
    public void into(MemorySegment target, long at, long length) throws IOException {
        while (length > 0) {
            need(1, restLimit);
            int part = (int) Math.min(length, limit - position);
            MemorySegment.copy(buffer, position, target, at, part);
            position += part;
            at += part;
            length -= part;
        }
    }

    /** What came and was not given away yet, and more; only {@link #take} says what of it may be read. */
    public MemorySegment buffer() {
        return buffer;
    }

    /**
     * Takes the next bytes where they are.
     *
     * @param length bytes, at most those of a page
     * @return their position in {@link #buffer}, where they stay until the next call of anything here
     */
    public int take(int length) throws IOException {
        if (length < 0 || length > Wire.PAGE_BYTES) {
            throw new IllegalArgumentException(
                    "%d bytes in one piece: expected 0..%d".formatted(length, Wire.PAGE_BYTES));
        }
        need(length, restLimit);
        int at = position;
        position += length;
        return at;
    }

    /** Takes what is there already, at least one byte, at most {@code most}; -1 at the end of the stream. */
    public int some(byte[] target, int at, int most) throws IOException {
        if (position == limit && !fill(silenceLimit)) {
            return -1;
        }
        int part = Math.min(most, limit - position);
        MemorySegment.copy(buffer, ValueLayout.JAVA_BYTE, position, target, at, part);
        position += part;
        return part;
    }

    /** Whether {@link #some} would answer at once, or does within {@code millis}. */
    public boolean arrives(int millis) throws IOException {
        return position < limit || connection.awaitReadable(millis);
    }

    /** Bytes that came already and stay to be read. */
    public int buffered() {
        return limit - position;
    }

    /** Whether the peer closed the stream here; blocks until that is known. */
    public boolean atEnd() throws IOException {
        return position == limit && !fill(silenceLimit);
    }

    /** An error at {@code offset}, to be thrown. */
    public CorruptStreamException corrupt(long offset, String what) {
        return new CorruptStreamException(channel, offset, what);
    }

    private void need(int count) throws IOException {
        need(count, position < limit ? restLimit : silenceLimit);
    }

    private void need(int count, Duration wait) throws IOException {
        while (limit - position < count) {
            if (!fill(wait)) {
                throw corrupt(
                        consumedBefore + limit,
                        "the stream ends here, expected at least %d more bytes; the sender went away or the capture is cut"
                                .formatted(count - (limit - position)));
            }
        }
    }

    private boolean fill(Duration wait) throws IOException {
        connection.limitReads(channel, wait);
        if (position > 0) {
            MemorySegment.copy(buffer, position, buffer, 0, limit - position);
            consumedBefore += position;
            limit -= position;
            position = 0;
        }
        int read = connection.read(buffer, limit, BUFFER - limit);
        if (read < 0) {
            return false;
        }
        limit += read;
        return true;
    }

    /** Frees the buffer. The connection stays open: it is not this reader's. */
    @Override
    public void close() {
        arena.close();
    }
}
