package org.transhume.channels.qemu;

import java.io.IOException;

/** A message of the return path, destination to source (spec: stream.md §7.2). */
public sealed interface ReturnPathMessage {
    /** The last message: 0 says that the guest was loaded, anything else that it was not. */
    record Shut(int status) implements ReturnPathMessage {}

    record Pong(int value) implements ReturnPathMessage {}

    record SwitchoverAck() implements ReturnPathMessage {}

    /** Ours, with {@code x-handover}: a {@link HandoverRecord}, which can only be READY. */
    record Handover(HandoverRecord record) implements ReturnPathMessage {}

    int SHUT = 1;
    int PONG = 2;
    int SWITCHOVER_ACK = 7;
    int HANDOVER = 0x5448; // "TH"

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
                        "return path message 0x%x with %d bytes, expected 1 (SHUT), 2 (PONG) or 7 (SWITCHOVER_ACK)"
                                .formatted(type, length));
        };
    }

    private static int body(StreamReader in, long at, int type, int length) throws IOException {
        if (length != Integer.BYTES) {
            throw new CorruptStreamException(
                    in.channel(), at, "return path message 0x%x with %d bytes, expected 4".formatted(type, length));
        }
        return in.be32();
    }

    /** Writes this message and flushes it. */
    default void write(StreamWriter out) throws IOException {
        switch (this) {
            case Shut(int status) -> out.be16(SHUT).be16(Integer.BYTES).be32(status);
            case Pong(int value) -> out.be16(PONG).be16(Integer.BYTES).be32(value);
            case SwitchoverAck() -> out.be16(SWITCHOVER_ACK).be16(0);
            case Handover(HandoverRecord record) ->
                record.write(out.be16(HANDOVER).be16(HandoverRecord.BYTES));
        }
        out.flush();
    }
}
