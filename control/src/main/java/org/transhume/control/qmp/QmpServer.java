package org.transhume.control.qmp;

import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.net.BindException;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Duration;

/**
 * One monitor: listens at an address and serves one client at a time, the next waiting unanswered until it leaves. Any
 * number of them may share a dispatcher. Owns its socket, its path and its threads.
 */
public final class QmpServer implements AutoCloseable {
    /** Lines a client may leave unread before an event drops it; seconds of the busiest migration. */
    static final int UNREAD_LINES = 8192;

    private static final Logger LOG = System.getLogger(QmpServer.class.getName());
    private static final Duration LAST_WORDS = Duration.ofSeconds(3);

    private final ServerSocketChannel listener;
    private final QmpAddress address;
    private final QmpDispatcher dispatcher;
    private final int unreadLines;
    private final Object boundFile;
    private final Thread thread;
    private final Object changing = new Object();
    private QmpMonitor current;
    private boolean closed;

    private QmpServer(ServerSocketChannel listener, QmpDispatcher dispatcher, int unreadLines) throws IOException {
        this.listener = listener;
        this.address = new QmpAddress(listener.getLocalAddress());
        this.dispatcher = dispatcher;
        this.unreadLines = unreadLines;
        this.boundFile = fileKey();
        this.thread = Thread.ofPlatform().daemon().name("qmp-" + address).unstarted(this::accept);
    }

    /**
     * Listens at {@code address}; clients are accepted before it returns.
     *
     * @throws IOException naming the address, if it cannot be listened at
     */
    public static QmpServer open(QmpAddress address, QmpDispatcher dispatcher) throws IOException {
        return open(address, dispatcher, UNREAD_LINES);
    }

    static QmpServer open(QmpAddress address, QmpDispatcher dispatcher, int unreadLines) throws IOException {
        ServerSocketChannel listener = ServerSocketChannel.open(address.family());
        try {
            removeLeftOver(address);
            listener.bind(address.socket());
            QmpServer server = new QmpServer(listener, dispatcher, unreadLines);
            server.thread.start();
            return server;
        } catch (IOException e) {
            listener.close();
            throw new IOException("Cannot listen at " + address + ": " + e.getMessage(), e);
        }
    }

    /** Where it listens, with the port it was given. */
    public QmpAddress address() {
        return address;
    }

    private void accept() {
        while (true) {
            try (SocketChannel channel = listener.accept()) {
                QmpMonitor monitor = new QmpMonitor(channel, dispatcher, thread.getName(), unreadLines);
                synchronized (changing) {
                    if (closed) {
                        return;
                    }
                    current = monitor;
                }
                monitor.serve();
            } catch (ClosedChannelException closing) {
                return;
            } catch (IOException | RuntimeException trouble) {
                LOG.log(Level.WARNING, thread.getName() + ": a client could not be served", trouble);
            }
        }
    }

    /**
     * Sends what is still to be sent, ends the threads and removes the path. Called by a command of its own client, it
     * only begins to: the thread ends after that command's answer.
     */
    @Override
    public void close() throws IOException {
        synchronized (changing) {
            closed = true;
            if (current != null) {
                current.hangUp();
            }
        }
        listener.close();
        // Ours only: another process may listen at the same path by now.
        if (boundFile != null && boundFile.equals(fileKey())) {
            Files.deleteIfExists(path());
        }
        try {
            if (Thread.currentThread() != thread && !thread.join(LAST_WORDS)) {
                LOG.log(Level.WARNING, thread.getName() + ": a command is still running");
            }
        } catch (InterruptedException stop) {
            Thread.currentThread().interrupt();
        }
    }

    /** A path whose listener died is in the way of the next; one that still answers is not ours to take. */
    private static void removeLeftOver(QmpAddress address) throws IOException {
        if (!(address.socket() instanceof UnixDomainSocketAddress unix) || !isSocket(unix.getPath())) {
            return;
        }
        try (SocketChannel probe = SocketChannel.open(unix)) {
            throw new BindException("Address already in use by a process that answers " + probe.getRemoteAddress());
        } catch (BindException inUse) {
            throw inUse;
        } catch (IOException nobodyThere) {
            Files.deleteIfExists(unix.getPath());
        }
    }

    private static boolean isSocket(Path path) throws IOException {
        return Files.exists(path, LinkOption.NOFOLLOW_LINKS)
                && Files.readAttributes(path, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS)
                        .isOther();
    }

    private Path path() {
        return address.socket() instanceof UnixDomainSocketAddress unix ? unix.getPath() : null;
    }

    /** Tells the file at the path from another put there later; null if there is none. */
    private Object fileKey() throws IOException {
        Path path = path();
        return path == null || !isSocket(path)
                ? null
                : Files.readAttributes(path, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS)
                        .fileKey();
    }
}
