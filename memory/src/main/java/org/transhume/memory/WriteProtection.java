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
    private static final long UFFDIO_WRITEPROTECT = 0xC018_AA06L;
    private static final long FEATURE_WP_HUGETLBFS_SHMEM = 1L << 12;
    private static final long FEATURE_WP_UNPOPULATED = 1L << 13;
    private static final long FEATURE_WP_ASYNC = 1L << 15;
    private static final long MODE_WP = 2;
    private static final long PROTECT = 1;

    private final Userfaultfd faults = new Userfaultfd(
            Linux.userfaultfd(),
            "else track by marks",
            FEATURE_WP_ASYNC | FEATURE_WP_UNPOPULATED | FEATURE_WP_HUGETLBFS_SHMEM,
            "asynchronous write-protection",
            "needs Linux 6.7 or newer, and the block in no other userfaultfd");
    private final Arena arena = Arena.ofShared();
    private final MemorySegment argument = arena.allocate(24, Long.BYTES);

    /** Makes {@code block} one whose pages can be protected. Cheap, whatever its size. */
    void register(RamBlock block) {
        faults.register(block, MODE_WP);
    }

    /** Takes page-table memory for all of the range: 2 MiB for each GiB. */
    void protect(RamBlock block, long offset, long length) {
        argument.set(LONG, 0, block.address() + offset);
        argument.set(LONG, 8, length);
        argument.set(LONG, 16, PROTECT);
        faults.require(UFFDIO_WRITEPROTECT, argument, "ioctl(UFFDIO_WRITEPROTECT)", block.name());
    }

    @Override
    public void close() {
        faults.close(); // the kernel unregisters and unprotects whatever is left
        arena.close();
    }
}
