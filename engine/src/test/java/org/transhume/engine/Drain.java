package org.transhume.engine;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.transhume.channels.Address;
import org.transhume.channels.Connection;
import org.transhume.channels.Connections;
import org.transhume.channels.Listener;

/** A destination that takes every connection, reads all that comes as fast as it can, and forgets it. */
final class Drain implements AutoCloseable {
    private final Path directory = Files.createTempDirectory("drain");
    private final Listener listener = Connections.listen(new Address.Unix(directory.resolve("socket")));
    private final ConnectionSet accepted = new ConnectionSet();
    private final List<Thread> threads = new ArrayList<>();
    private final Thread door;

    Drain() throws IOException {
        door = Thread.ofPlatform().daemon().name("in door").start(this::open);
    }

    Address address() {
        return listener.address();
    }

    private void open() {
        try {
            while (true) {
                Connection connection = accepted.add(listener.accept(Duration.ZERO));
                threads.add(Thread.ofPlatform().daemon().name("in drain").start(() -> drain(connection)));
            }
        } catch (IOException closed) {
            // that is all
        }
    }

    private static void drain(Connection connection) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment chunk = arena.allocate(256 << 10);
            while (connection.read(chunk, 0, (int) chunk.byteSize()) >= 0) {
                // gone
            }
        } catch (IOException closed) {
            // that is all
        } finally {
            connection.close();
        }
    }

    @Override
    public void close() throws IOException {
        listener.close();
        Threads.join(door);
        accepted.close();
        threads.forEach(Threads::join);
        Files.delete(directory);
    }
}
