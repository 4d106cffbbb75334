package org.transhume.channels.qemu;

import java.io.IOException;
import java.nio.charset.StandardCharsets;

/** A message of the return path, destination to source (spec: stream.md §7.2). */
public sealed interface ReturnPathMessage {
    /** The last message: 0 says that the guest was loaded, anything else that it was not. */
    record Shut(int status) implements ReturnPathMessage {}

    record Pong(int value) implements ReturnPathMessage {}

    /**
     * The guest needs these pages now; only in postcopy.
     *
     * @param block null if it is that of the request before
     * @param start byte offset in the block, a multiple of the page size
     * @param length bytes, a positive multiple of the page size; nobody has held it against the block's length yet
     */
    record RequestPages(String block, long start, int length) implements ReturnPathMessage {}

    /** Which pages of a block have come, in a recovery. They follow outside of this message, as {@link ReceivedPages}. */
    record ReceivedBitmap(String block) implements ReturnPathMessage {}

    /** Answers POSTCOPY_RESUME; 1 says that postcopy goes on here. */
    record ResumeAck(int status) implements ReturnPathMessage {}

    record SwitchoverAck() implements ReturnPathMessage {}

    /** Ours, with {@code x-handover}: a {@link HandoverRecord}, which can only be READY. */
    record Handover(HandoverRecord record) implements ReturnPathMessage {}

    int SHUT = 1;
    int PONG = 2;
    int REQ_PAGES_ID = 3;
    int REQ_PAGES = 4;
    int RECV_BITMAP = 5;
    int RESUME_ACK = 6;
    int SWITCHOVER_ACK = 7;
    int HANDOVER = 0x5448; // "TH"

    /** Bytes of a request without a name. */
    int REQUEST_BYTES = Long.BYTES + Integer.BYTES;

    /**
     * Reads the next message; blocks until it is there.
     *
     * @return null if the peer closed the path between two messages
     * @throws CorruptStreamException at a type or length that this release does not know
     */
    static ReturnPathMessage read(StreamReader in) throws IOException {
        if (in.atEnd()) {
            return null;
        }
        long at = in.offset();
        int type = in.be16();
        int length = in.be16();
        return switch (type) {
            case SHUT -> new Shut(body(in, at, type, length));
            case PONG -> new Pong(body(in, at, type, length));
            case REQ_PAGES_ID, REQ_PAGES -> request(in, at, type, length);
            case RECV_BITMAP -> {
                String block = in.str8();
                expectLength(in, at, type, length, 1 + block.length());
                yield new ReceivedBitmap(block);
            }
            case RESUME_ACK -> new ResumeAck(body(in, at, type, length));
            case SWITCHOVER_ACK -> {
                if (length != 0) {
                    throw new CorruptStreamException(
                            in.channel(), at, "SWITCHOVER_ACK with %d bytes, expected 0".formatted(length));
                }
                yield new SwitchoverAck();
            }
            case HANDOVER -> {
                if (length != HandoverRecord.BYTES) {
                    throw new CorruptStreamException(
                            in.channel(),
                            at,
                            "hand-over message with %d bytes, expected %d".formatted(length, HandoverRecord.BYTES));
                }
                HandoverRecord record = HandoverRecord.read(in);
                if (record.code() != HandoverRecord.Code.READY) {
                    throw new CorruptStreamException(
                            in.channel(), at, "%s on the return path, expected READY".formatted(record.code()));
                }
                yield new Handover(record);
            }
            default ->
                throw new CorruptStreamException(
                        in.channel(),
                        at,
                        "return path message 0x%x with %d bytes, expected 1 (SHUT) to 7 (SWITCHOVER_ACK)"
                                .formatted(type, length));
        };
    }

    private static RequestPages request(StreamReader in, long at, int type, int length) throws IOException {
        boolean named = type == REQ_PAGES_ID;
        if (!named) {
            expectLength(in, at, type, length, REQUEST_BYTES);
        }
        long start = in.be64();
        int bytes = in.be32();
        String block = null;
        if (named) {
            block = in.str8();
            expectLength(in, at, type, length, REQUEST_BYTES + 1 + block.length());
        }
        if (start < 0 || bytes <= 0 || ((start | bytes) & Wire.FLAGS) != 0) {
            throw in.corrupt(
                    at,
                    "request of %d bytes at 0x%x, expected whole pages of %d bytes"
                            .formatted(Integer.toUnsignedLong(bytes), start, Wire.PAGE_BYTES));
        }
        return new RequestPages(block, start, bytes);
    }

    private static int body(StreamReader in, long at, int type, int length) throws IOException {
        expectLength(in, at, type, length, Integer.BYTES);
        return in.be32();
    }

    private static void expectLength(StreamReader in, long at, int type, int came, int expected) {
        if (came != expected) {
            throw in.corrupt(at, "return path message 0x%x with %d bytes, expected %d".formatted(type, came, expected));
        }
    }

    /**
     * As {@link RequestPages#write}, without allocating anything: for the thread that answers page faults.
     *
     * @param name of the block in ISO 8859-1, at most 255 bytes; null for that of the request before
     */
    static void writeRequest(StreamWriter out, byte[] name, long start, int length) throws IOException {
        if (name == null) {
            out.be16(REQ_PAGES).be16(REQUEST_BYTES).be64(start).be32(length);
        } else {
            out.be16(REQ_PAGES_ID).be16(REQUEST_BYTES + 1 + name.length);
            out.be64(start).be32(length).u8(name.length).bytes(name);
        }
        out.flush();
    }

    /** Writes this message and flushes it. */
    default void write(StreamWriter out) throws IOException {
        switch (this) {
            case Shut(int status) -> out.be16(SHUT).be16(Integer.BYTES).be32(status);
            case Pong(int value) -> out.be16(PONG).be16(Integer.BYTES).be32(value);
            case RequestPages(String block, long start, int length) ->
                writeRequest(out, block == null ? null : block.getBytes(StandardCharsets.ISO_8859_1), start, length);
            case ReceivedBitmap(String block) ->
                out.be16(RECV_BITMAP).be16(1 + block.length()).str8(block);
            case ResumeAck(int status) ->
                out.be16(RESUME_ACK).be16(Integer.BYTES).be32(status);
            case SwitchoverAck() -> out.be16(SWITCHOVER_ACK).be16(0);
            case Handover(HandoverRecord record) ->
                record.write(out.be16(HANDOVER).be16(HandoverRecord.BYTES));
        }
        out.flush();
    }
}
