package org.transhume.channels.qemu;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import org.transhume.channels.Connection;

/**
 * A word about who runs the guest, with extension {@code x-handover} (docs/wire.md). All are alike:
 * <pre>
 *   0        4         6       8        12                  28
 *   | magic  | version | code  | length | id of the hand-over |   big-endian, length 16
 * </pre>
 *
 * @param id chosen by the destination for READY, and repeated in all that follows
 */
public record HandoverRecord(Code code, UUID id) {
    public enum Code {
        /** Destination, on the return path: everything is loaded, let me have it. */
        READY(1),
        /** Source, on the main channel: it is yours. */
        GRANT(2),
        /** Source, behind an answer: I heard you, and shall not ask again. */
        HEARD(3),
        /** Source, at the beginning of a connection of its own: I lost the other one, what became of the guest? */
        ASK(4),
        /** Destination, in answer: it runs here. */
        RUNS(5),
        /** Destination, in answer: it does not run here and never will. */
        RENOUNCED(6),
        /** Destination, in answer: it runs here, and all of its pages are here, too. */
        WHOLE(7);

        /** On the wire. */
        final int code;

        Code(int code) {
            this.code = code;
        }
    }

    /** The first four bytes, "TRHO". */
    public static final int MAGIC = 0x5452_484F;

    public static final int BYTES = 28;

    private static final int VERSION = 1;
    private static final int VERSION_AT = 4;
    private static final int CODE_AT = 6;
    private static final int LENGTH_AT = 8;
    private static final int ID_AT = 12;

    /** Writes this record; flushing is the caller's. */
    public void write(StreamWriter out) throws IOException {
        out.be32(MAGIC).be16(VERSION).be16(code.code).be32(2 * Long.BYTES);
        out.be64(id.getMostSignificantBits()).be64(id.getLeastSignificantBits());
    }

    /** Sends this record by itself. */
    public void send(Connection to) throws IOException {
        try (StreamWriter out = new StreamWriter(to)) {
            write(out);
            out.flush();
        }
    }

    static HandoverRecord read(StreamReader in) throws IOException {
        long at = in.offset();
        return parse(MemorySegment.ofArray(in.bytes(BYTES)), in.channel(), at);
    }

    /**
     * Takes the next record off {@code from}, and not a byte more. A connection that is silent, or gives its bytes one by one,
     * does not keep the caller longer than {@code limit}.
     *
     * @param channel names the connection in errors
     * @param offset of the record on it
     * @return null if the limit is over, or the connection ends before the first byte or within the record
     * @throws CorruptStreamException if what came is no such record
     */
    public static HandoverRecord receive(Connection from, Duration limit, String channel, long offset)
            throws IOException {
        return receive(from, MemorySegment.NULL, limit, channel, offset);
    }

    /**
     * As {@link #receive(Connection, Duration, String, long)}.
     *
     * @param first bytes of the record that were read already
     */
    public static HandoverRecord receive(
            Connection from, MemorySegment first, Duration limit, String channel, long offset) throws IOException {
        long deadline = System.nanoTime() + limit.toNanos();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment frame = arena.allocate(BYTES);
            MemorySegment.copy(first, 0, frame, 0, first.byteSize());
            int have = (int) first.byteSize();
            while (have < BYTES) {
                long left = TimeUnit.NANOSECONDS.toMillis(deadline - System.nanoTime());
                if (!from.awaitReadable(Math.clamp(left, 0, Integer.MAX_VALUE))) {
                    return null;
                }
                int count = from.read(frame, have, BYTES - have);
                if (count < 0) {
                    return null;
                }
                have += count;
            }
            return parse(frame, channel, offset);
        }
    }

    private static HandoverRecord parse(MemorySegment frame, String channel, long offset) {
        expect(channel, offset, "magic", frame.get(Wire.BE32, 0), MAGIC);
        expect(channel, offset + VERSION_AT, "version", frame.get(Wire.BE16, VERSION_AT) & 0xffff, VERSION);
        expect(channel, offset + LENGTH_AT, "length", frame.get(Wire.BE32, LENGTH_AT), 2 * Long.BYTES);
        int code = frame.get(Wire.BE16, CODE_AT) & 0xffff;
        for (Code known : Code.values()) {
            if (known.code == code) {
                return new HandoverRecord(
                        known, new UUID(frame.get(Wire.BE64, ID_AT), frame.get(Wire.BE64, ID_AT + Long.BYTES)));
            }
        }
        throw new CorruptStreamException(
                channel, offset + CODE_AT, "hand-over record with code %d, expected 1..7".formatted(code));
    }

    private static void expect(String channel, long at, String what, int came, int expected) {
        if (came != expected) {
            throw new CorruptStreamException(
                    channel, at, "%s 0x%x of a hand-over record, expected 0x%x".formatted(what, came, expected));
        }
    }
}
