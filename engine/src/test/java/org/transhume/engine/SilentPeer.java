package org.transhume.engine;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.transhume.channels.Address;
import org.transhume.channels.Connection;
import org.transhume.channels.Connections;
import org.transhume.channels.Listener;
import org.transhume.channels.qemu.ReturnPathMessage;
import org.transhume.channels.qemu.StreamWriter;

/** A destination that says no word unless told to; it reads what comes, or not even that, and loads nothing. */
final class SilentPeer implements AutoCloseable {
    private static final long PATIENCE_NANOS = 10_000_000_000L;

    private final Listener listener = Connections.listen(new Address.Tcp("127.0.0.1", 0));
    private final ConnectionSet accepted = new ConnectionSet();
    private final CompletableFuture<Connection> first = new CompletableFuture<>();
    private final ByteArrayOutputStream received = new ByteArrayOutputStream();
    private final Thread thread;

    SilentPeer(boolean reads) throws IOException {
        thread = Thread.ofPlatform().daemon().name("in peer").start(() -> run(reads));
    }

    Address address() {
        return listener.address();
    }

    private void run(boolean reads) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment chunk = arena.allocate(64 << 10);
            Connection connection = accepted.add(listener.accept(Duration.ZERO));
            first.complete(connection);
            int count = 0;
            while (reads && count >= 0) {
                count = connection.read(chunk, 0, (int) chunk.byteSize());
                if (count > 0) {
                    received.writeBytes(chunk.asSlice(0, count).toArray(ValueLayout.JAVA_BYTE));
                }
            }
        } catch (IOException e) {
            // closed
        }
    }

    /** Says something on the return path. */
    void say(ReturnPathMessage message) throws Exception {
        try (StreamWriter out = new StreamWriter(first.get(PATIENCE_NANOS, TimeUnit.NANOSECONDS))) {
            message.write(out);
        }
    }

    /** Waits until the last bytes that came are these. */
    void awaitEndingWith(byte[] end) {
        long deadline = System.nanoTime() + PATIENCE_NANOS;
        while (!endsWith(received.toByteArray(), end)) {
            if (System.nanoTime() - deadline >= 0) {
                throw new AssertionError("the end of the stream did not come");
            }
            LockSupport.parkNanos(1_000_000);
        }
    }

    private static boolean endsWith(byte[] bytes, byte[] end) {
        int from = bytes.length - end.length;
        return from >= 0 && Arrays.equals(bytes, from, bytes.length, end, 0, end.length);
    }

    @Override
    public void close() {
        listener.close();
        accepted.close();
        Threads.join(thread);
    }
}
