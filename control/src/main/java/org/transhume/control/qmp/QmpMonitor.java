package org.transhume.control.qmp;

import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.SocketChannel;
import java.time.Duration;

/**
 * The connection of one client. Whoever calls {@link #serve} reads; a thread of its own writes, behind a bounded queue,
 * so that nobody who emits an event ever waits for a client.
 */
final class QmpMonitor implements QmpOutput {
    private static final Logger LOG = System.getLogger(QmpMonitor.class.getName());
    private static final int READ_BYTES = 16 << 10;
    private static final Duration LAST_WORDS = Duration.ofSeconds(1);
    private static final long UNREAD_BYTES = 16 << 20;

    private final SocketChannel channel;
    private final QmpDispatcher dispatcher;
    private final String name;
    private final UnreadLines lines;
    private final Thread writer;

    /** Owns {@code channel}; at most {@code lines} wait for the client. */
    QmpMonitor(SocketChannel channel, QmpDispatcher dispatcher, String name, int lines) {
        this.channel = channel;
        this.dispatcher = dispatcher;
        this.name = name;
        this.lines = new UnreadLines(lines, UNREAD_BYTES);
        this.writer = Thread.ofPlatform().daemon().name(name + "-writer").unstarted(this::write);
    }

    /** Serves the client until it leaves or {@link #hangUp} is called; then the channel is closed and the writer gone. */
    void serve() {
        writer.start();
        try (QmpSession session = new QmpSession(dispatcher, this, name)) {
            session.open();
            JsonFramer framer = new JsonFramer(session);
            ByteBuffer input = ByteBuffer.allocate(READ_BYTES);
            while (channel.read(input) >= 0) {
                framer.take(input.flip());
                input.clear();
            }
        } catch (IOException gone) {
            LOG.log(Level.DEBUG, name + ": client gone: " + gone.getMessage());
        } finally {
            finish();
        }
    }

    /** Reads no more; what was answered so far still goes out. Any thread. */
    void hangUp() {
        try {
            channel.shutdownInput();
        } catch (IOException gone) {
            drop();
        }
    }

    /** Lets the writer send what is queued, but not wait for a client that does not read. */
    private void finish() {
        lines.end();
        try {
            if (!writer.join(LAST_WORDS)) {
                LOG.log(Level.DEBUG, name + ": client left without reading its answers");
            }
            drop();
            writer.interrupt();
            writer.join();
        } catch (InterruptedException stop) {
            drop();
            writer.interrupt();
            Thread.currentThread().interrupt();
        }
    }

    private void write() {
        try {
            for (byte[] line = lines.take(); line != null; line = lines.take()) {
                ByteBuffer bytes = ByteBuffer.wrap(line);
                while (bytes.hasRemaining()) {
                    int _ = channel.write(bytes);
                }
            }
        } catch (ClosedChannelException | InterruptedException closing) {
            // the reader ends with us
        } catch (IOException gone) {
            LOG.log(Level.DEBUG, name + ": client gone: " + gone.getMessage());
        } finally {
            drop();
        }
    }

    @Override
    public void answer(byte[] line) {
        try {
            lines.put(line); // if the client is slow with reading, so are we with reading its requests
        } catch (InterruptedException closing) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void event(byte[] line) {
        if (!lines.offer(line)) {
            LOG.log(
                    Level.WARNING,
                    "{0}: client dropped, it left {1} lines unread; connect again to go on",
                    name,
                    lines.size());
            drop();
        }
    }

    /** Closes the channel, which wakes reader and writer. */
    private void drop() {
        lines.end();
        try {
            channel.close();
        } catch (IOException ignored) {
            LOG.log(Level.DEBUG, name + ": closing: " + ignored.getMessage());
        }
    }
}
