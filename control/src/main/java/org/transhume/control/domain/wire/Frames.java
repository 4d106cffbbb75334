package org.transhume.control.domain.wire;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.transhume.channels.Connection;
import org.transhume.channels.qemu.CorruptStreamException;
import org.transhume.channels.qemu.StreamReader;
import org.transhume.channels.qemu.StreamWriter;
import org.transhume.control.qmp.Json;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** JSON objects over a connection. One thread reads, and one at a time writes. Owns neither the connection nor its threads. */
final class Frames implements AutoCloseable {
    private static final int MAGIC = 0x5452444D; // "TRDM"
    private static final int VERSION = 1;
    /** Definitions are the largest things in them. */
    private static final int LARGEST = 4 << 20;
    /** For the rest of what a peer began to say. */
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private final StreamReader in;
    private final StreamWriter out;
    private boolean closed; // guarded by this

    Frames(Connection connection) {
        in = new StreamReader(connection, "domain service");
        out = new StreamWriter(connection);
    }

    void greet() throws IOException {
        out.be32(MAGIC).be16(VERSION).be16(0).flush();
    }

    /** @throws CorruptStreamException if the peer is none of ours */
    void greeted() throws IOException {
        in.limitWaits(PATIENCE, PATIENCE);
        long at = in.offset();
        int magic = in.be32();
        if (magic != MAGIC) {
            throw in.corrupt(at, "magic 0x%08x, expected 0x%08x: that is no domain service".formatted(magic, MAGIC));
        }
        int version = in.be16();
        if (version != VERSION) {
            throw in.corrupt(at + 4, "version %d, expected %d".formatted(version, VERSION));
        }
        int _ = in.be16();
        in.limitWaits(PATIENCE, Duration.ZERO);
    }

    boolean atEnd() throws IOException {
        return in.atEnd();
    }

    JsonNode read() throws IOException {
        long at = in.offset();
        int length = in.be32();
        if (length < 1 || length > LARGEST) {
            throw in.corrupt(
                    at, "frame of %s bytes, expected 1..%d".formatted(Integer.toUnsignedString(length), LARGEST));
        }
        byte[] text = in.bytes(length);
        try {
            JsonNode node = Json.parse(text);
            if (!node.isObject()) {
                throw in.corrupt(at, "a frame holds " + node.getNodeType() + ", expected an object");
            }
            return node;
        } catch (JacksonException e) {
            throw in.corrupt(at, "a frame holds no JSON: " + e.getOriginalMessage());
        }
    }

    synchronized void write(ObjectNode object) throws IOException {
        if (closed) {
            throw new IOException("the connection is closed");
        }
        byte[] text = Json.text(object).getBytes(StandardCharsets.UTF_8);
        if (text.length > LARGEST) {
            throw new IOException("a frame of %d bytes, at most %d can be sent".formatted(text.length, LARGEST));
        }
        out.be32(text.length).bytes(text).flush();
    }

    /** Frees the buffers, once nobody writes; nobody may read any more. Close the connection first. */
    @Override
    public synchronized void close() {
        if (!closed) {
            closed = true;
            try (in;
                    out) {
                // both
            }
        }
    }
}
