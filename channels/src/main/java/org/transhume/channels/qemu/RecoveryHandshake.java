package org.transhume.channels.qemu;

import java.io.IOException;
import java.util.Map;

/**
 * What stands in front of the pages on the new connection of a recovery (spec: stream.md §8.5): the source asks which pages
 * came, block by block, and then says that postcopy goes on.
 */
final class RecoveryHandshake {
    private final StreamReader in;
    private final MainStreamVisitor visitor;
    private final Map<String, Integer> blockByName;

    RecoveryHandshake(StreamReader in, MainStreamVisitor visitor, Map<String, Integer> blockByName) {
        this.in = in;
        this.visitor = visitor;
        this.blockByName = blockByName;
    }

    /** Reads up to and with POSTCOPY_RESUME. */
    void read() throws IOException {
        Command command;
        do {
            command = next();
            visitor.command(command);
        } while (!(command instanceof Command.PostcopyResume));
    }

    private Command next() throws IOException {
        long at = in.offset();
        int type = in.u8();
        if (type != Wire.COMMAND) {
            throw in.corrupt(
                    at,
                    "record type 0x%x at the beginning of a recovery, expected RECV_BITMAP, PING or POSTCOPY_RESUME (8)"
                            .formatted(type));
        }
        int code = in.be16();
        int length = in.be16();
        Command command = switch (code) {
            case Command.PING -> new Command.Ping(in.be32());
            case Command.RECV_BITMAP -> new Command.RecvBitmap(block(at));
            case Command.POSTCOPY_RESUME -> new Command.PostcopyResume();
            default ->
                throw in.corrupt(
                        at,
                        "command %d with %d bytes at the beginning of a recovery, expected RECV_BITMAP (10), PING (2) or POSTCOPY_RESUME (9)"
                                .formatted(code, length));
        };
        long took = in.offset() - at - PostcopyCommands.FRAME;
        if (took != length) {
            throw in.corrupt(at, "command %d with %d bytes, expected %d".formatted(code, length, took));
        }
        return command;
    }

    private String block(long at) throws IOException {
        String name = in.str8();
        if (!blockByName.containsKey(name)) {
            throw in.corrupt(at, "RECV_BITMAP of block '%s', which is not in the block list".formatted(name));
        }
        return name;
    }
}
