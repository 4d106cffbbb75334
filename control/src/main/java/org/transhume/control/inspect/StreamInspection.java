package org.transhume.control.inspect;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.transhume.channels.Address;
import org.transhume.channels.Connection;
import org.transhume.channels.Connections;
import org.transhume.channels.Listener;
import org.transhume.channels.qemu.StreamReader;

/**
 * Walks through captured connections and counts; nothing is loaded. A postcopy has some that name blocks and do not list
 * them: the list is that of the main stream that was walked through before.
 */
public final class StreamInspection {
    private static final ValueLayout.OfLong BE64 = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);

    private MainWalk main;

    /** Says what is in one capture. */
    public StreamSummary of(Path file) throws IOException {
        try (Listener source = Connections.listen(new Address.File(file, 0));
                Connection connection = source.accept(Duration.ofSeconds(10));
                Arena arena = Arena.ofConfined()) {
            MemorySegment first = arena.allocate(Long.BYTES);
            MemorySegment came = first.asSlice(0, fill(first, connection));
            CaptureKind kind = CaptureKind.of(first.get(BE64, 0));
            try (StreamReader in = new StreamReader(connection, kind.channel, came)) {
                return switch (kind) {
                    case MAIN -> {
                        main = new MainWalk();
                        yield main.walk(file, in);
                    }
                    case RESUMED -> main != null && main.postcopy() ? main.resume(file, in) : withoutMain(file, kind);
                    case MULTIFD -> new ChannelWalk(file, in).walk();
                    case RETURN_PATH -> new ReturnPathWalk(in).walk(file);
                    case PREEMPT ->
                        main != null && main.postcopy()
                                ? new PreemptWalk(main.blocks()).walk(file, in)
                                : withoutMain(file, kind);
                };
            }
        }
    }

    /** @return bytes that are there, fewer only if the capture is that short */
    private static int fill(MemorySegment first, Connection connection) throws IOException {
        int have = 0;
        while (have < first.byteSize()) {
            int count = connection.read(first, have, (int) first.byteSize() - have);
            if (count < 0) {
                break;
            }
            have += count;
        }
        return have;
    }

    private static StreamSummary withoutMain(Path file, CaptureKind kind) {
        return StreamSummary.ofPages(
                file,
                kind.channel,
                0,
                List.of(),
                0,
                List.of(),
                "%s: this looks like the %s channel of a postcopy, whose blocks are listed in its first main stream: inspect a directory that holds both, or name that one with --main"
                        .formatted(file, kind.channel));
    }
}
