package org.transhume.channels;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.time.Duration;
import org.transhume.channels.SystemCalls.Frame;

/** Makes connections and listeners for an {@link Address}. Any thread. */
public final class Connections {
    private static final int NEW_FILE_MODE = 0600; // guest RAM is nobody else's to read

    private Connections() {}

    /**
     * Connects to {@code address}. A file is created, or cut down to its offset; a command is started; a descriptor is
     * taken over: its number is no longer the caller's, and a standard stream becomes {@code /dev/null}.
     *
     * @param limit how long a socket's peer may take to answer; zero waits as long as the kernel does
     * @throws java.net.SocketTimeoutException if it did not answer in time
     * @throws java.io.InterruptedIOException if the thread was interrupted; it still is
     */
    public static Connection connect(Address address, Duration limit) throws IOException {
        return switch (address) {
            case Address.Tcp tcp -> SocketConnector.connect(tcp, limit);
            case Address.Unix unix -> SocketConnector.connect(unix, limit);
            case Address.File file -> create(file);
            case Address.Exec exec -> Command.start(exec);
            case Address.Fd fd -> takeOver(fd, true);
        };
    }

    /**
     * Listens at {@code address}; a peer can connect from the moment this returns. A file is opened, a command started, a
     * descriptor taken over here already, so that what is wrong with it is known early. A Unix socket that a dead process
     * left behind is replaced.
     */
    public static Listener listen(Address address) throws IOException {
        return switch (address) {
            case Address.Tcp tcp -> SocketListener.open(tcp);
            case Address.Unix unix -> SocketListener.open(unix);
            case Address.File file -> new SingleListener(file, open(file));
            case Address.Exec exec -> new SingleListener(exec, Command.start(exec));
            case Address.Fd fd -> new SingleListener(fd, takeOver(fd, false));
        };
    }

    private static Connection create(Address.File file) throws IOException {
        Frame frame = new Frame();
        String failure = "Could not create '" + file.path() + "'";
        int fd = open(frame, file, SystemCalls.O_WRONLY | SystemCalls.O_CREAT, failure);
        int cut = SystemCalls.ftruncate(frame, fd, file.offset());
        // EINVAL: a device or a pipe, which has no length
        seek(frame, fd, file, cut == -SystemCalls.EINVAL ? 0 : cut, failure);
        return DescriptorConnection.outgoing(Descriptor.own(frame, fd, file.uri()), file.uri());
    }

    private static Connection open(Address.File file) throws IOException {
        Frame frame = new Frame();
        String failure = "Could not open '" + file.path() + "'";
        int fd = open(frame, file, SystemCalls.O_RDONLY, failure);
        seek(frame, fd, file, 0, failure);
        return DescriptorConnection.incoming(Descriptor.own(frame, fd, file.uri()), file.uri());
    }

    private static int open(Frame frame, Address.File file, int flags, String failure) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            int fd = SystemCalls.open(
                    frame, SocketAddresses.fileName(arena, file.path()), flags | SystemCalls.O_NONBLOCK, NEW_FILE_MODE);
            return (int) SystemCalls.check(fd, failure);
        }
    }

    /** Goes to the file's offset unless something failed before; then, or if it cannot, closes it. */
    private static void seek(Frame frame, int fd, Address.File file, int before, String failure) throws IOException {
        long result = before < 0 || file.offset() == 0 ? before : SystemCalls.seek(frame, fd, file.offset());
        if (result < 0) {
            SystemCalls.close(frame, fd);
            throw SystemCalls.failure(failure, (int) -result);
        }
    }

    private static Connection takeOver(Address.Fd address, boolean toWrite) throws IOException {
        Frame frame = new Frame();
        String failure = "Unable to take over " + address.uri();
        int number = address.number();
        int flags = (int) SystemCalls.check(SystemCalls.fcntl(frame, number, SystemCalls.F_GETFL, 0), failure);
        int wrongMode = toWrite ? SystemCalls.O_RDONLY : SystemCalls.O_WRONLY;
        if ((flags & SystemCalls.O_ACCMODE) == wrongMode) {
            throw new IOException(failure + ": not open for " + (toWrite ? "writing" : "reading")
                    + "; pass the other end of the pipe, or a socket");
        }
        // Away from 0, 1 and 2, whose numbers must never become free: what the JVM opens next would be its stdout.
        int own = (int) SystemCalls.check(SystemCalls.fcntl(frame, number, SystemCalls.F_DUPFD_CLOEXEC, 3), failure);
        boolean socket = SystemCalls.getOption(frame, own, SystemCalls.SOL_SOCKET, SystemCalls.SO_TYPE) >= 0;
        Descriptor descriptor = Descriptor.borrowFlags(frame, own, address.uri());
        giveUp(frame, number);
        if (socket) {
            return DescriptorConnection.socket(descriptor, address.uri());
        }
        return toWrite
                ? DescriptorConnection.outgoing(descriptor, address.uri())
                : DescriptorConnection.incoming(descriptor, address.uri());
    }

    /** Only the copy is left, so that the peer sees the end of the stream when that one is closed. */
    private static void giveUp(Frame frame, int number) {
        if (number > 2) {
            SystemCalls.close(frame, number);
            return;
        }
        try (Arena arena = Arena.ofConfined()) {
            int nothing = SystemCalls.open(frame, arena.allocateFrom("/dev/null"), SystemCalls.O_RDWR, 0);
            if (nothing >= 0) {
                SystemCalls.dup3(frame, nothing, number);
                SystemCalls.close(frame, nothing);
            }
        }
    }
}
