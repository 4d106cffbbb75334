package org.transhume.channels;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;
import java.lang.foreign.ValueLayout.OfInt;
import java.lang.foreign.ValueLayout.OfLong;
import java.lang.invoke.MethodHandle;
import java.util.ArrayList;
import java.util.List;

/**
 * The libc functions of this room. Like the kernel itself they return a negative errno in the place of -1. Numbers are
 * those of Linux on x86-64 and AArch64. Pointers in {@link #read}, {@link #write} and their like go as plain longs: nothing
 * is allocated, and no arena is held.
 */
final class SystemCalls {
    static final int EINTR = 4;
    static final int EAGAIN = 11;
    static final int EINVAL = 22;
    static final int EADDRINUSE = 98;
    static final int ECONNABORTED = 103;
    static final int ETIMEDOUT = 110;
    static final int ECONNREFUSED = 111;
    static final int EINPROGRESS = 115;

    static final int O_RDONLY = 0;
    static final int O_WRONLY = 1;
    static final int O_RDWR = 2;
    static final int O_ACCMODE = 3;
    static final int O_CREAT = 0x40;
    static final int O_NONBLOCK = 0x800;
    static final int O_CLOEXEC = 0x80000;
    private static final long TIOCOUTQ = 0x5411;

    static final int F_GETFL = 3;
    static final int F_SETFL = 4;
    static final int F_DUPFD_CLOEXEC = 1030;

    static final int AF_UNIX = 1;
    static final int AF_INET = 2;
    static final int AF_INET6 = 10;
    static final int SOL_SOCKET = 1;
    static final int SO_REUSEADDR = 2;
    static final int SO_TYPE = 3;
    static final int SO_ERROR = 4;
    static final int IPPROTO_TCP = 6;
    static final int TCP_NODELAY = 1;
    static final int IPPROTO_IPV6 = 41;
    static final int IPV6_V6ONLY = 26;
    private static final int SOCK_STREAM = 1;
    private static final int SHUT_WR = 1;

    static final short POLLIN = 1;
    static final short POLLOUT = 4;

    /**
     * What one thread needs to call: where errno goes, and two pollfds. Made once for each direction of a connection and
     * reused; never shared by two threads at a time.
     */
    static final class Frame {
        private final MemorySegment errno;
        private final MemorySegment polls;

        Frame() {
            // Freed by the collector: a thread may still be inside a call when the connection is closed by another.
            Arena arena = Arena.ofAuto();
            errno = arena.allocate(CAPTURED);
            polls = arena.allocate(2 * POLLFD, Integer.BYTES);
        }

        private long failed() {
            return -(long) errno.get(INT, ERRNO_OFFSET);
        }
    }

    private static final OfInt INT = ValueLayout.JAVA_INT;
    private static final OfLong LONG = ValueLayout.JAVA_LONG;
    private static final MemoryLayout POINTER = ValueLayout.ADDRESS;
    private static final long POLLFD = 8; // struct pollfd { int fd; short events; short revents; }
    private static final long REVENTS = 6;

    private static final Linker LINKER = Linker.nativeLinker();
    private static final StructLayout CAPTURED = Linker.Option.captureStateLayout();
    private static final long ERRNO_OFFSET = CAPTURED.byteOffset(MemoryLayout.PathElement.groupElement("errno"));

    private static final MethodHandle READ = function("read", LONG, INT, LONG, LONG);
    private static final MethodHandle WRITE = function("write", LONG, INT, LONG, LONG);
    private static final MethodHandle READV = function("readv", LONG, INT, LONG, INT);
    private static final MethodHandle WRITEV = function("writev", LONG, INT, LONG, INT);
    private static final MethodHandle POLL = function("poll", INT, POINTER, LONG, INT);
    private static final MethodHandle SOCKET = function("socket", INT, INT, INT, INT);
    private static final MethodHandle CONNECT = function("connect", INT, INT, POINTER, INT);
    private static final MethodHandle BIND = function("bind", INT, INT, POINTER, INT);
    private static final MethodHandle LISTEN = function("listen", INT, INT, INT);
    private static final MethodHandle ACCEPT4 = function("accept4", INT, INT, POINTER, POINTER, INT);
    private static final MethodHandle GETSOCKNAME = function("getsockname", INT, INT, POINTER, POINTER);
    private static final MethodHandle GETSOCKOPT = function("getsockopt", INT, INT, INT, INT, POINTER, POINTER);
    private static final MethodHandle SETSOCKOPT = function("setsockopt", INT, INT, INT, INT, POINTER, INT);
    private static final MethodHandle SHUTDOWN = function("shutdown", INT, INT, INT);
    private static final MethodHandle EVENTFD = function("eventfd", INT, INT, INT);
    private static final MethodHandle PIPE2 = function("pipe2", INT, POINTER, INT);
    private static final MethodHandle OPEN = variadic("open", INT, POINTER, INT, INT);
    private static final MethodHandle IOCTL = variadic("ioctl", INT, INT, LONG, POINTER);
    private static final MethodHandle FCNTL = variadic("fcntl", INT, INT, INT, INT);
    private static final MethodHandle DUP3 = function("dup3", INT, INT, INT, INT);
    private static final MethodHandle LSEEK = function("lseek", LONG, INT, LONG, INT);
    private static final MethodHandle FTRUNCATE = function("ftruncate", INT, INT, LONG);
    private static final MethodHandle CLOSE = function("close", INT, INT);
    // The first, where the libc has it, does not translate: messages are the same in every locale.
    private static final MethodHandle STRERROR = LINKER.downcallHandle(
            LINKER.defaultLookup()
                    .find("strerrordesc_np")
                    .or(() -> LINKER.defaultLookup().find("strerror"))
                    .orElseThrow(),
            FunctionDescriptor.of(ValueLayout.ADDRESS, INT));
    private static final MemorySegment ONE = Arena.global().allocateFrom(LONG, 1);

    private SystemCalls() {}

    static long read(Frame frame, int fd, long into, long length) {
        try {
            long n = (long) READ.invokeExact(frame.errno, fd, into, length);
            return n < 0 ? frame.failed() : n;
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    static long write(Frame frame, int fd, long from, long length) {
        try {
            long n = (long) WRITE.invokeExact(frame.errno, fd, from, length);
            return n < 0 ? frame.failed() : n;
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    static long readv(Frame frame, int fd, long entries, int count) {
        try {
            long n = (long) READV.invokeExact(frame.errno, fd, entries, count);
            return n < 0 ? frame.failed() : n;
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    static long writev(Frame frame, int fd, long entries, int count) {
        try {
            long n = (long) WRITEV.invokeExact(frame.errno, fd, entries, count);
            return n < 0 ? frame.failed() : n;
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    /**
     * Waits for {@code events} on {@code fd} or for {@code wake} to become readable.
     *
     * @param millis -1 waits for ever
     * @return 0 when the time is over, or a negative errno, or positive; then {@link #woken} says more
     */
    static int poll(Frame frame, int fd, short events, int wake, int millis) {
        MemorySegment polls = frame.polls;
        polls.set(ValueLayout.JAVA_INT, 0, fd);
        polls.set(ValueLayout.JAVA_SHORT, 4, events);
        polls.set(ValueLayout.JAVA_INT, POLLFD, wake);
        polls.set(ValueLayout.JAVA_SHORT, POLLFD + 4, POLLIN);
        try {
            int n = (int) POLL.invokeExact(frame.errno, polls, 2L, millis);
            return n < 0 ? (int) frame.failed() : n;
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    /** Whether the last poll of this frame saw its wake descriptor readable. */
    static boolean woken(Frame frame) {
        return frame.polls.get(ValueLayout.JAVA_SHORT, POLLFD + REVENTS) != 0;
    }

    static int socket(Frame frame, int family) {
        return (int) rare(frame, SOCKET, family, SOCK_STREAM | O_NONBLOCK | O_CLOEXEC, 0);
    }

    static int connect(Frame frame, int fd, MemorySegment address) {
        return (int) rare(frame, CONNECT, fd, address, (int) address.byteSize());
    }

    static int bind(Frame frame, int fd, MemorySegment address) {
        return (int) rare(frame, BIND, fd, address, (int) address.byteSize());
    }

    static int listen(Frame frame, int fd, int backlog) {
        return (int) rare(frame, LISTEN, fd, backlog);
    }

    /** Accepts a non-blocking socket; the peer's name goes to {@code address}. */
    static int accept(Frame frame, int fd, MemorySegment address, MemorySegment length) {
        length.set(INT, 0, (int) address.byteSize());
        return (int) rare(frame, ACCEPT4, fd, address, length, O_NONBLOCK | O_CLOEXEC);
    }

    static int getsockname(Frame frame, int fd, MemorySegment address, MemorySegment length) {
        length.set(INT, 0, (int) address.byteSize());
        return (int) rare(frame, GETSOCKNAME, fd, address, length);
    }

    /** The value of an option that is not negative. */
    static int getOption(Frame frame, int fd, int level, int option) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment value = arena.allocate(INT);
            int result =
                    (int) rare(frame, GETSOCKOPT, fd, level, option, value, arena.allocateFrom(INT, Integer.BYTES));
            return result < 0 ? result : value.get(INT, 0);
        }
    }

    static int setOption(Frame frame, int fd, int level, int option, int value) {
        try (Arena arena = Arena.ofConfined()) {
            return (int) rare(frame, SETSOCKOPT, fd, level, option, arena.allocateFrom(INT, value), Integer.BYTES);
        }
    }

    static int shutdownWriting(Frame frame, int fd) {
        return (int) rare(frame, SHUTDOWN, fd, SHUT_WR);
    }

    static int eventfd(Frame frame) {
        return (int) rare(frame, EVENTFD, 0, O_NONBLOCK | O_CLOEXEC);
    }

    /** Makes an eventfd readable, for good if nobody reads it. */
    static void signal(Frame frame, int eventfd) {
        write(frame, eventfd, ONE.address(), ONE.byteSize());
    }

    /** A pipe: what is written to [1] can be read from [0]. */
    static int[] pipe(Frame frame) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment ends = arena.allocate(INT, 2);
            check(rare(frame, PIPE2, ends, O_CLOEXEC), "Unable to make a pipe");
            return ends.toArray(INT);
        }
    }

    static int open(Frame frame, MemorySegment path, int flags, int mode) {
        return (int) rare(frame, OPEN, path, flags | O_CLOEXEC, mode);
    }

    /** Bytes in the send queue of a socket, or a negative errno. */
    static int unsent(Frame frame, int fd) {
        try {
            int n = (int) IOCTL.invokeExact(frame.errno, fd, TIOCOUTQ, frame.polls);
            return n < 0 ? (int) frame.failed() : frame.polls.get(INT, 0);
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    static int fcntl(Frame frame, int fd, int command, int argument) {
        return (int) rare(frame, FCNTL, fd, command, argument);
    }

    static int dup3(Frame frame, int from, int to) {
        return (int) rare(frame, DUP3, from, to, 0);
    }

    static long seek(Frame frame, int fd, long offset) {
        return rare(frame, LSEEK, fd, offset, 0);
    }

    static int ftruncate(Frame frame, int fd, long length) {
        return (int) rare(frame, FTRUNCATE, fd, length);
    }

    /** Closes; even after EINTR the number is free, so there is nothing to try again. */
    static void close(Frame frame, int fd) {
        rare(frame, CLOSE, fd);
    }

    /** Passes a result on, unless it is a negative errno. */
    static long check(long result, String failure) throws IOException {
        if (result < 0) {
            throw failure(failure, (int) -result);
        }
        return result;
    }

    static IOException failure(String what, int errno) {
        return new IOException(what + ": " + strerror(errno));
    }

    static String strerror(int errno) {
        try {
            MemorySegment text = (MemorySegment) STRERROR.invokeExact(errno);
            return text.address() == 0
                    ? "error " + errno
                    : text.reinterpret(256).getString(0);
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    /** Calls off the hot path may box their arguments. */
    private static long rare(Frame frame, MethodHandle function, Object... arguments) {
        List<Object> all = new ArrayList<>(arguments.length + 1);
        all.add(frame.errno);
        all.addAll(List.of(arguments));
        try {
            long result = ((Number) function.invokeWithArguments(all)).longValue();
            return result < 0 ? frame.failed() : result;
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    private static MethodHandle function(String name, MemoryLayout result, MemoryLayout... arguments) {
        return link(name, FunctionDescriptor.of(result, arguments));
    }

    /** A function whose third argument is the first variadic one. */
    private static MethodHandle variadic(String name, MemoryLayout result, MemoryLayout... arguments) {
        return link(name, FunctionDescriptor.of(result, arguments), Linker.Option.firstVariadicArg(2));
    }

    private static MethodHandle link(String name, FunctionDescriptor type, Linker.Option... more) {
        List<Linker.Option> options = new ArrayList<>(List.of(more));
        options.add(Linker.Option.captureCallState("errno"));
        return LINKER.downcallHandle(
                LINKER.defaultLookup().findOrThrow(name), type, options.toArray(Linker.Option[]::new));
    }

    private static Error unexpected(Throwable t) {
        return t instanceof Error e ? e : new AssertionError("a system call threw", t);
    }
}
