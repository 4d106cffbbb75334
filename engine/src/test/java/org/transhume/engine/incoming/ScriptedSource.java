package org.transhume.engine.incoming;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import org.transhume.channels.Address;
import org.transhume.channels.Connection;
import org.transhume.channels.Connections;
import org.transhume.channels.qemu.ReceivedPages;
import org.transhume.channels.qemu.ReturnPathMessage;
import org.transhume.channels.qemu.StreamReader;
import org.transhume.channels.qemu.StreamWriter;

/** One connection of a source that says these bytes, and hears what the destination says. */
final class ScriptedSource implements AutoCloseable {
    private static final Duration LIMIT = Duration.ofSeconds(20);

    private final Connection connection;
    private final StreamWriter out;
    private final StreamReader answers;

    ScriptedSource(Address address) throws IOException {
        connection = Connections.connect(address, LIMIT);
        connection.limitReads("return path", LIMIT);
        out = new StreamWriter(connection);
        answers = new StreamReader(connection, "return path");
    }

    ScriptedSource send(byte[] bytes) throws IOException {
        out.bytes(bytes).flush();
        return this;
    }

    /** Nothing more will be sent; answers may still come. */
    void finish() throws IOException {
        connection.finishWriting();
    }

    /** Null at the end. */
    ReturnPathMessage answer() throws IOException {
        return ReturnPathMessage.read(answers);
    }

    /** Whatever comes until the end, or until it is cut. */
    List<ReturnPathMessage> answers() {
        List<ReturnPathMessage> all = new ArrayList<>();
        try {
            for (ReturnPathMessage next = answer(); next != null; next = answer()) {
                all.add(next);
            }
        } catch (IOException e) {
            // that was it
        }
        return all;
    }

    /** What follows {@link ReturnPathMessage.ReceivedBitmap}. */
    BitSet bitmap(long pages) throws IOException {
        BitSet came = new BitSet();
        ReceivedPages.read(answers, pages, (first, bits) -> {
            for (long rest = bits; rest != 0; rest &= rest - 1) {
                came.set((int) first + Long.numberOfTrailingZeros(rest));
            }
        });
        return came;
    }

    @Override
    public void close() {
        connection.close();
        out.close();
        answers.close();
    }
}
