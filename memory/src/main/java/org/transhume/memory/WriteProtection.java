package org.transhume.memory;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * A userfaultfd in asynchronous write-protect mode: the first write to a protected page lifts its protection in the
 * kernel and goes on, without anybody being asked. Closing it sets all writers free.
 */
final class WriteProtection implements AutoCloseable {
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;
    private static final long UFFD_API = 0xAA;
    private static final long UFFDIO_API = 0xC018_AA3FL;
    private static final long UFFDIO_REGISTER = 0xC020_AA00L;
    private static final long UFFDIO_WRITEPROTECT = 0xC018_AA06L;
    private static final long FEATURE_WP_HUGETLBFS_SHMEM = 1L << 12;
    private static final long FEATURE_WP_UNPOPULATED = 1L << 13;
    private static final long FEATURE_WP_ASYNC = 1L << 15;
    private static final long MODE_WP = 2;
    private static final long PROTECT = 1;

    private final int fd;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment argument;

    WriteProtection() {
        fd = Linux.userfaultfd();
        if (fd < 0) {
            arena.close();
            throw new SystemCallException(
                    "userfaultfd",
                    "guest RAM",
                    -fd,
                    "a container's seccomp profile may forbid it; else track by marks");
        }
        try {
            argument = arena.allocate(32, Long.BYTES);
            argument.set(LONG, 0, UFFD_API);
            argument.set(LONG, 8, FEATURE_WP_ASYNC | FEATURE_WP_UNPOPULATED | FEATURE_WP_HUGETLBFS_SHMEM);
            call(UFFDIO_API, "ioctl(UFFDIO_API)", "asynchronous write-protection");
        } catch (Throwable thrown) {
            close();
            throw thrown;
        }
    }

    /** Makes {@code block} one whose pages can be protected. Cheap, whatever its size. */
    void register(RamBlock block) {
        range(block.address(), block.size());
        argument.set(LONG, 16, MODE_WP);
        call(UFFDIO_REGISTER, "ioctl(UFFDIO_REGISTER)", block.name());
    }

    /** Takes page-table memory for all of the range: 2 MiB for each GiB. */
    void protect(RamBlock block, long offset, long length) {
        range(block.address() + offset, length);
        argument.set(LONG, 16, PROTECT);
        call(UFFDIO_WRITEPROTECT, "ioctl(UFFDIO_WRITEPROTECT)", block.name());
    }

    private void range(long start, long length) {
        argument.set(LONG, 0, start);
        argument.set(LONG, 8, length);
    }

    private void call(long request, String name, String about) {
        long result = Linux.ioctl(fd, request, argument);
        if (result < 0) {
            throw new SystemCallException(
                    name, about, (int) -result, "needs Linux 6.7 or newer, and the block in no other userfaultfd");
        }
    }

    @Override
    public void close() {
        Linux.close(fd); // the kernel unregisters and unprotects whatever is left
        arena.close();
    }
}
