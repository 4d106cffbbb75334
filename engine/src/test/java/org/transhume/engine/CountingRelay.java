package org.transhume.engine;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.transhume.channels.Address;

/**
 * Stands between a source and a destination on sockets of its own, hands on what it reads and keeps it. Of whoever closes first it
 * still reads all that was sent: what it has is what the other end gave to the kernel, byte for byte.
 */
final class CountingRelay implements AutoCloseable {
    private static final int PIECE = 64 << 10;

    /** In the order in which they were made, main first. */
    final List<Line> lines = new CopyOnWriteArrayList<>();

    private final Path directory;
    private final ServerSocketChannel server;
    private final UnixDomainSocketAddress destination;
    private final Thread acceptor;
    private final int triggerLine;
    private final long triggerBytes;
    private final boolean cuts;
    private final Runnable trigger;

    /**
     * @param triggerLine of whose bytes the trigger waits; -1: there is none
     * @param triggerBytes that go through before it
     * @param cuts whether nothing more goes through after it, on that line
     * @param trigger called once, by a thread of the relay
     */
    CountingRelay(Address.Unix destination, int triggerLine, long triggerBytes, boolean cuts, Runnable trigger)
            throws IOException {
        this.directory = Files.createTempDirectory("relay");
        this.server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        server.bind(UnixDomainSocketAddress.of(directory.resolve("socket")));
        this.destination = UnixDomainSocketAddress.of(destination.path());
        this.triggerLine = triggerLine;
        this.triggerBytes = triggerBytes;
        this.cuts = cuts;
        this.trigger = trigger;
        this.acceptor = Thread.ofPlatform().daemon().name("in relay").start(this::accept);
    }

    Address address() {
        return new Address.Unix(directory.resolve("socket"));
    }

    private void accept() {
        try {
            while (true) {
                SocketChannel source = server.accept();
                try {
                    lines.add(new Line(source, SocketChannel.open(destination), lines.size()));
                } catch (IOException e) {
                    source.close();
                    throw e;
                }
            }
        } catch (IOException e) {
            // Closed; or nobody listens any more, and the source sees its connection end.
        }
    }

    /** Waits until both ends have said all on every line. */
    void await() {
        lines.forEach(Line::await);
    }

    @Override
    public void close() throws IOException {
        server.close();
        Threads.join(acceptor);
        lines.forEach(Line::close);
        await();
        Files.delete(directory.resolve("socket"));
        Files.delete(directory);
    }

    /** One connection, both ways. */
    final class Line {
        private final SocketChannel source;
        private final SocketChannel destination;
        private final ByteArrayOutputStream forth = new ByteArrayOutputStream();
        private final ByteArrayOutputStream back = new ByteArrayOutputStream();
        private final List<Thread> threads = new ArrayList<>();

        Line(SocketChannel source, SocketChannel destination, int index) {
            this.source = source;
            this.destination = destination;
            long limit = index == triggerLine ? triggerBytes : Long.MAX_VALUE;
            threads.add(Thread.ofPlatform()
                    .daemon()
                    .name("in relay forth " + index)
                    .start(() -> pump(source, destination, forth, limit)));
            threads.add(Thread.ofPlatform()
                    .daemon()
                    .name("in relay back " + index)
                    .start(() -> pump(destination, source, back, Long.MAX_VALUE)));
        }

        /** What the source sent. Call after {@link #await}. */
        byte[] forth() {
            return forth.toByteArray();
        }

        /** What the destination answered. */
        byte[] back() {
            return back.toByteArray();
        }

        private void pump(SocketChannel from, SocketChannel to, ByteArrayOutputStream kept, long limit) {
            ByteBuffer piece = ByteBuffer.allocate(PIECE);
            boolean open = true;
            boolean pulled = false;
            try {
                while (read(from, piece)) {
                    kept.write(piece.array(), 0, piece.position());
                    piece.flip();
                    if (!pulled && kept.size() >= limit) {
                        pulled = true;
                        trigger.run();
                        if (cuts) {
                            piece.limit((int) Math.max(0, limit - (kept.size() - piece.limit())));
                            open = open && write(piece, to);
                            to.shutdownOutput();
                            open = false;
                        }
                    }
                    open = open && write(piece, to);
                    piece.clear();
                }
                to.shutdownOutput();
            } catch (IOException e) {
                // The relay is closed.
            }
        }

        /** @return false at the end; also at one of a peer that did not read all that was sent to it, which counts as a reset */
        private static boolean read(SocketChannel from, ByteBuffer piece) throws IOException {
            try {
                return from.read(piece) >= 0;
            } catch (ClosedChannelException e) {
                throw e;
            } catch (IOException e) {
                return false;
            }
        }

        /** @return whether anybody takes it */
        private static boolean write(ByteBuffer piece, SocketChannel to) {
            try {
                while (piece.hasRemaining()) {
                    to.write(piece);
                }
                return true;
            } catch (IOException e) {
                return false;
            }
        }

        void await() {
            threads.forEach(Threads::join);
        }

        void close() {
            try (source) {
                destination.close();
            } catch (IOException e) {
                throw new AssertionError(e);
            }
        }
    }
}
