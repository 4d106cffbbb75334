package org.transhume.channels;

import static org.transhume.channels.SystemCalls.EAGAIN;
import static org.transhume.channels.SystemCalls.EINPROGRESS;
import static org.transhume.channels.SystemCalls.EINTR;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.InetAddress;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.Objects;
import org.transhume.channels.SystemCalls.Frame;

/** Connects TCP and Unix stream sockets, within a time limit; an interrupt ends the wait. */
final class SocketConnector {
    private static final int INTERRUPT_CHECK_MILLIS = 10; // whoever gave up waits no longer than this
    private static final int FULL_BACKLOG_MILLIS = 10;

    private SocketConnector() {}

    static InetAddress[] resolve(Address.Tcp tcp) throws IOException {
        if (tcp.host().isEmpty()) {
            return new InetAddress[] {InetAddress.getLoopbackAddress()};
        }
        try {
            return InetAddress.getAllByName(tcp.host());
        } catch (UnknownHostException e) {
            throw new IOException(
                    "address resolution failed for " + tcp.hostAndPort() + ": Name or service not known", e);
        }
    }

    /** Tries the host's addresses one after another; each gets its share of the time that is left. */
    static Connection connect(Address.Tcp tcp, Duration limit) throws IOException {
        InetAddress[] hosts = resolve(tcp);
        IOException failure = null;
        for (InetAddress host : hosts) {
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment name = SocketAddresses.of(arena, host, tcp.port());
                return connect(name, tcp.uri(), tcp.hostAndPort(), Deadline.in(limit.dividedBy(hosts.length)));
            } catch (InterruptedIOException e) {
                if (!(e instanceof SocketTimeoutException)) {
                    throw e;
                }
                failure = e;
            } catch (IOException e) {
                failure = e;
            }
        }
        throw Objects.requireNonNull(failure);
    }

    static Connection connect(Address.Unix unix, Duration limit) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment name = SocketAddresses.of(arena, unix.path());
            return connect(name, unix.uri(), unix.path().toString(), Deadline.in(limit));
        }
    }

    private static Connection connect(MemorySegment name, String peer, String text, Deadline deadline)
            throws IOException {
        Frame frame = new Frame();
        int family = SocketAddresses.family(name);
        int fd = (int) SystemCalls.check(SystemCalls.socket(frame, family), failed(text));
        Descriptor socket = Descriptor.own(frame, fd, "connection with " + peer);
        boolean connected = false;
        try {
            int result = SystemCalls.connect(frame, fd, name);
            while (result == -EAGAIN) { // a Unix listener whose backlog is full; poll does not know when it is not
                pause(frame, socket, text, deadline, (short) 0, FULL_BACKLOG_MILLIS);
                result = SystemCalls.connect(frame, fd, name);
            }
            if (result == -EINPROGRESS || result == -EINTR) {
                result = awaitAnswer(frame, socket, fd, text, deadline);
            }
            SystemCalls.check(result, failed(text));
            if (family != SystemCalls.AF_UNIX) {
                SystemCalls.setOption(frame, fd, SystemCalls.IPPROTO_TCP, SystemCalls.TCP_NODELAY, 1);
            }
            connected = true;
            return DescriptorConnection.socket(socket, peer);
        } finally {
            if (!connected) {
                socket.close();
            }
        }
    }

    /** Returns 0, or what the connection failed with, negative. */
    private static int awaitAnswer(Frame frame, Descriptor socket, int fd, String text, Deadline deadline)
            throws IOException {
        while (!pause(frame, socket, text, deadline, SystemCalls.POLLOUT, INTERRUPT_CHECK_MILLIS)) {
            // not yet
        }
        int error = SystemCalls.getOption(frame, fd, SystemCalls.SOL_SOCKET, SystemCalls.SO_ERROR);
        return error < 0 ? error : -error;
    }

    /** Waits for at most {@code millis}; returns whether an event came. */
    private static boolean pause(
            Frame frame, Descriptor socket, String text, Deadline deadline, short events, int millis)
            throws IOException {
        int left = deadline.millisLeft();
        if (left == 0) {
            throw new SocketTimeoutException(failed(text) + ": Connection timed out after " + deadline.text()
                    + "; check the address, and that nothing on the way drops packets");
        }
        if (Thread.interrupted()) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException(failed(text) + ": interrupted");
        }
        return socket.await(frame, events, left < 0 ? millis : Math.min(left, millis));
    }

    private static String failed(String text) {
        return "Failed to connect to '" + text + "'";
    }
}
