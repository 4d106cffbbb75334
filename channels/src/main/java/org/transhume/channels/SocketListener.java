package org.transhume.channels;

import static org.transhume.channels.SystemCalls.EADDRINUSE;
import static org.transhume.channels.SystemCalls.EAGAIN;
import static org.transhume.channels.SystemCalls.ECONNABORTED;
import static org.transhume.channels.SystemCalls.ECONNREFUSED;
import static org.transhume.channels.SystemCalls.EINTR;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.InetAddress;
import java.net.SocketTimeoutException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicBoolean;
import org.transhume.channels.SystemCalls.Frame;

/** Listens on a TCP or Unix stream socket. */
final class SocketListener implements Listener {
    private static final int BACKLOG = 128;

    private final Descriptor socket;
    private final Address address;
    private final Object inode; // of a Unix socket's path, to unlink no other than ours; null if unknown
    private final Frame frame = new Frame();
    private final MemorySegment peer = Arena.ofAuto().allocate(SocketAddresses.MAX_BYTES, Long.BYTES);
    private final MemorySegment peerLength = Arena.ofAuto().allocate(ValueLayout.JAVA_INT);
    private final AtomicBoolean closed = new AtomicBoolean();

    private SocketListener(Descriptor socket, Address address, Object inode) {
        this.socket = socket;
        this.address = address;
        this.inode = inode;
    }

    static Listener open(Address.Tcp tcp) throws IOException {
        IOException failure = null;
        for (InetAddress host : hosts(tcp)) {
            try (Arena arena = Arena.ofConfined()) {
                Frame frame = new Frame();
                MemorySegment name = SocketAddresses.of(arena, host, tcp.port());
                int fd = bound(frame, name, tcp.hostAndPort());
                MemorySegment length = arena.allocate(ValueLayout.JAVA_INT);
                MemorySegment real = arena.allocate(SocketAddresses.MAX_BYTES, Long.BYTES);
                SystemCalls.getsockname(frame, fd, real, length);
                Address.Tcp address = new Address.Tcp(tcp.host(), SocketAddresses.port(real));
                return new SocketListener(Descriptor.own(frame, fd, "listener at " + address.uri()), address, null);
            } catch (IOException e) {
                failure = e;
            }
        }
        throw Objects.requireNonNull(failure);
    }

    static Listener open(Address.Unix unix) throws IOException {
        Frame frame = new Frame();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment name = SocketAddresses.of(arena, unix.path());
            if (isAbandoned(frame, name, unix.path())) {
                Files.deleteIfExists(unix.path());
            }
            int fd = bound(frame, name, unix.path().toString());
            Object inode = inode(unix.path());
            return new SocketListener(Descriptor.own(frame, fd, "listener at " + unix.uri()), unix, inode);
        }
    }

    /** Every interface of both families where the host is empty; without IPv6 the second one serves. */
    private static InetAddress[] hosts(Address.Tcp tcp) throws IOException {
        return tcp.host().isEmpty()
                ? new InetAddress[] {InetAddress.getByAddress(new byte[16]), InetAddress.getByAddress(new byte[4])}
                : SocketConnector.resolve(tcp);
    }

    private static int bound(Frame frame, MemorySegment name, String text) throws IOException {
        int family = SocketAddresses.family(name);
        int fd = (int) SystemCalls.check(SystemCalls.socket(frame, family), "Failed to create socket for " + text);
        if (family != SystemCalls.AF_UNIX) {
            SystemCalls.setOption(frame, fd, SystemCalls.SOL_SOCKET, SystemCalls.SO_REUSEADDR, 1);
        }
        if (family == SystemCalls.AF_INET6) {
            // [::] is every interface of IPv4 too, whatever the host's default is
            SystemCalls.setOption(frame, fd, SystemCalls.IPPROTO_IPV6, SystemCalls.IPV6_V6ONLY, 0);
        }
        int result = SystemCalls.bind(frame, fd, name);
        if (result >= 0) {
            result = SystemCalls.listen(frame, fd, BACKLOG);
        }
        if (result < 0) {
            SystemCalls.close(frame, fd);
            String remedy = result == -EADDRINUSE ? "; another process listens there, choose another address" : "";
            throw new IOException("Failed to bind socket to " + text + ": " + SystemCalls.strerror(-result) + remedy);
        }
        return fd;
    }

    /** Whether the path is a socket that a process left behind when it died: nobody answers there. */
    private static boolean isAbandoned(Frame frame, MemorySegment name, Path path) throws IOException {
        if (!Files.exists(path, LinkOption.NOFOLLOW_LINKS)
                || !Files.readAttributes(path, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS)
                        .isOther()) {
            return false;
        }
        int fd = (int) SystemCalls.check(SystemCalls.socket(frame, SystemCalls.AF_UNIX), "Failed to create socket");
        int result = SystemCalls.connect(frame, fd, name);
        SystemCalls.close(frame, fd);
        return result == -ECONNREFUSED;
    }

    private static Object inode(Path path) {
        try {
            return Files.readAttributes(path, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS)
                    .fileKey();
        } catch (IOException e) {
            return null; // somebody removed it already
        }
    }

    @Override
    public Connection accept(Duration limit) throws IOException {
        Deadline deadline = Deadline.in(limit);
        int fd = socket.enter();
        try {
            while (true) {
                int accepted = SystemCalls.accept(frame, fd, peer, peerLength);
                if (accepted >= 0) {
                    return connection(accepted);
                }
                if (accepted == -EAGAIN) {
                    if (deadline.isOver()) {
                        throw new SocketTimeoutException("nobody connected to " + address.uri() + " within "
                                + deadline.text() + "; check that the other side uses this address");
                    }
                    socket.await(frame, SystemCalls.POLLIN, deadline.millisLeft());
                } else if (accepted == -EINTR || accepted == -ECONNABORTED) {
                    socket.checkOpen();
                } else {
                    throw SystemCalls.failure("Failed to accept a connection at " + address.uri(), -accepted);
                }
            }
        } finally {
            socket.leave();
        }
    }

    private Connection connection(int fd) throws IOException {
        String name = address.uri();
        if (address instanceof Address.Tcp) {
            name = SocketAddresses.tcp(peer).uri();
            SystemCalls.setOption(frame, fd, SystemCalls.IPPROTO_TCP, SystemCalls.TCP_NODELAY, 1);
        }
        return DescriptorConnection.socket(Descriptor.own(frame, fd, "connection with " + name), name);
    }

    @Override
    public Address address() {
        return address;
    }

    @Override
    public void close() {
        if (!closed.compareAndSet(false, true)) {
            return;
        }
        if (address instanceof Address.Unix(Path path) && inode != null && inode.equals(inode(path))) {
            try {
                Files.deleteIfExists(path);
            } catch (IOException e) {
                // A path that stays is found abandoned, and removed, by the next listener.
            }
        }
        socket.close();
    }
}
