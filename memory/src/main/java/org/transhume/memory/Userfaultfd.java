package org.transhume.memory;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** A userfaultfd whose features are agreed upon. Closing it lets everybody go on who waits for it. */
final class Userfaultfd implements AutoCloseable {
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;
    private static final long API = 0xAA;
    private static final long UFFDIO_API = 0xC018_AA3FL;
    private static final long UFFDIO_REGISTER = 0xC020_AA00L;
    /** Of the arguments of both. */
    private static final int ARGUMENT = 32;

    private final int fd;
    private final String needs;

    /**
     * @param fd as {@link Linux} gave it, this one's from here on; or an errno, negated
     * @param otherwise what to do where this process may have none
     * @param features that the kernel must have
     * @param about what they are, for messages
     * @param needs remedy for whatever is refused
     */
    Userfaultfd(int fd, String otherwise, long features, String about, String needs) {
        if (fd < 0) {
            throw new SystemCallException(
                    "userfaultfd", "guest RAM", -fd, "a container's seccomp profile may forbid it; " + otherwise);
        }
        this.fd = fd;
        this.needs = needs;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment argument = arena.allocate(ARGUMENT, Long.BYTES);
            argument.set(LONG, 0, API);
            argument.set(LONG, 8, features);
            require(UFFDIO_API, argument, "ioctl(UFFDIO_API)", about);
        } catch (Throwable thrown) {
            close();
            throw thrown;
        }
    }

    int fd() {
        return fd;
    }

    /** Has faults on {@code block} of these modes go by here. Cheap, whatever its size. */
    void register(RamBlock block, long modes) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment argument = arena.allocate(ARGUMENT, Long.BYTES);
            argument.set(LONG, 0, block.address());
            argument.set(LONG, 8, block.size());
            argument.set(LONG, 16, modes);
            require(UFFDIO_REGISTER, argument, "ioctl(UFFDIO_REGISTER)", block.name());
        }
    }

    /** The result, or the errno negated. */
    long call(long request, MemorySegment argument) {
        return Linux.ioctl(fd, request, argument);
    }

    void require(long request, MemorySegment argument, String name, String about) {
        long result = call(request, argument);
        if (result < 0) {
            throw new SystemCallException(name, about, (int) -result, needs);
        }
    }

    @Override
    public void close() {
        Linux.close(fd);
    }
}
