package org.transhume.memory;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;

/**
 * RAM whose pages come while its guest runs already: a thread that touches one that did not come waits in the kernel until
 * it is put in its place (spec: platform.md, userfaultfd). One thread reads who waits for what; any number put pages, each
 * through a {@link Placer} of its own. Nothing is allocated for a fault or a page.
 *
 * <p>No Java code of this process may touch a page that is missing: it would wait where it cannot reach a safepoint, and so
 * would everybody else, whoever brings the page included. A fault belongs into a vCPU, another process, or a system call or
 * foreign function that is not critical.
 *
 * <p>Closing it while pages are missing lets everybody go on who waits, with zeroes: only {@link #release} a block that is whole.
 */
public final class MissingPages implements AutoCloseable {
    /** Who waits for which page. */
    @FunctionalInterface
    public interface FaultSink {
        /**
         * @param offset of the page in its block
         * @param inMemory the page has come, and only this process has not mapped it: {@link Placer#reveal} lets the thread go on
         * @param thread its Linux thread id; 0 where the kernel does not tell
         */
        void fault(int block, long offset, boolean inMemory, int thread);
    }

    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;
    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT;

    private static final long UFFD_API = 0xAA;
    private static final long UFFDIO_API = 0xC018_AA3FL;
    private static final long UFFDIO_REGISTER = 0xC020_AA00L;
    private static final long UFFDIO_UNREGISTER = 0x8010_AA01L;
    private static final long UFFDIO_WAKE = 0x8010_AA02L;
    private static final long UFFDIO_COPY = 0xC028_AA03L;
    private static final long UFFDIO_ZEROPAGE = 0xC020_AA04L;
    private static final long UFFDIO_CONTINUE = 0xC020_AA07L;
    private static final long FEATURE_MISSING_SHMEM = 1L << 5;
    private static final long FEATURE_THREAD_ID = 1L << 8;
    private static final long FEATURE_MINOR_SHMEM = 1L << 10;
    private static final long MODE_MISSING = 1;
    /** With shared memory beside MISSING: a hole in it is missing, what another mapping wrote is minor. */
    private static final long MODE_MINOR = 4;

    private static final int EVENT_PAGEFAULT = 0x12;
    private static final long FLAG_MINOR = 4;
    private static final int MESSAGE = 32;
    private static final int MESSAGES = 64;
    private static final short POLLIN = 1;

    private final int fd;
    private final int wake;
    private final List<RamBlock> blocks;
    private final long[] starts; // ascending, of the blocks in `order`
    private final int[] order;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment polled = arena.allocate(16, Long.BYTES);
    private final MemorySegment messages = arena.allocate((long) MESSAGES * MESSAGE, Long.BYTES);
    private final MemorySegment word = arena.allocate(Long.BYTES, Long.BYTES);

    /**
     * From here on every page of {@code memory} that holds nothing is missing. What it holds stays.
     *
     * @param memory the caller has a lease on it until this is closed
     * @throws SystemCallException if this kernel, or its owner, does not let us; then nothing has changed
     */
    public MissingPages(GuestMemory memory) {
        blocks = memory.blocks();
        int count = blocks.size();
        order = java.util.stream.IntStream.range(0, count)
                .boxed()
                .sorted((a, b) -> Long.compareUnsigned(
                        blocks.get(a).address(), blocks.get(b).address()))
                .mapToInt(Integer::intValue)
                .toArray();
        starts = Arrays.stream(order).mapToLong(i -> blocks.get(i).address()).toArray();
        fd = Linux.userfaultfdOfEverybody();
        if (fd < 0) {
            arena.close();
            throw new SystemCallException(
                    "userfaultfd", "guest RAM", -fd, "a container's seccomp profile may forbid it; postcopy needs it");
        }
        wake = Linux.eventfd();
        try {
            MemorySegment argument = arena.allocate(32, Long.BYTES);
            argument.set(LONG, 0, UFFD_API);
            argument.set(LONG, 8, FEATURE_MISSING_SHMEM | FEATURE_MINOR_SHMEM | FEATURE_THREAD_ID);
            require(Linux.ioctl(fd, UFFDIO_API, argument), "ioctl(UFFDIO_API)", "missing and minor faults");
            for (RamBlock block : blocks) {
                argument.set(LONG, 0, block.address());
                argument.set(LONG, 8, block.size());
                argument.set(LONG, 16, block.fd() < 0 ? MODE_MISSING : MODE_MISSING | MODE_MINOR);
                require(Linux.ioctl(fd, UFFDIO_REGISTER, argument), "ioctl(UFFDIO_REGISTER)", block.name());
            }
        } catch (Throwable thrown) {
            close();
            throw thrown;
        }
    }

    private static void require(long result, String call, String about) {
        if (result < 0) {
            throw new SystemCallException(
                    call, about, (int) -result, "needs Linux 5.14 or newer, and the block in no other userfaultfd");
        }
    }

    /**
     * Waits for threads that wait, and tells them. For one thread.
     *
     * @param millis at most; negative: as long as it takes
     * @return how many were told; 0 also after {@link #interrupt}
     */
    public int read(FaultSink sink, int millis) {
        polled.set(INT, 0, fd);
        polled.set(SHORT, 4, POLLIN);
        polled.set(INT, 8, wake);
        polled.set(SHORT, 12, POLLIN);
        if (Linux.poll(polled, 2, millis) <= 0) {
            return 0;
        }
        if (polled.get(SHORT, 14) != 0) {
            long _ = Linux.readSome(wake, word);
        }
        if (polled.get(SHORT, 6) == 0) {
            return 0;
        }
        long bytes = Linux.readSome(fd, messages);
        if (bytes < 0) {
            if (bytes == -Linux.EAGAIN) {
                return 0; // whoever waited was let go meanwhile
            }
            throw new SystemCallException("read(userfaultfd)", "faults", (int) -bytes, "is it closed?");
        }
        int told = 0;
        for (long at = 0; at < bytes; at += MESSAGE) {
            if ((messages.get(ValueLayout.JAVA_BYTE, at) & 0xff) == EVENT_PAGEFAULT) {
                tell(messages.get(LONG, at + 8), messages.get(LONG, at + 16), messages.get(INT, at + 24), sink);
                told++;
            }
        }
        return told;
    }

    private void tell(long flags, long address, int thread, FaultSink sink) {
        int at = Arrays.binarySearch(starts, address);
        int place = at >= 0 ? at : -at - 2;
        RamBlock block = blocks.get(order[place]);
        sink.fault(
                order[place], PageSize.TARGET.alignDown(address - block.address()), (flags & FLAG_MINOR) != 0, thread);
    }

    /** Has {@link #read} return. Any thread. */
    public void interrupt() {
        word.set(LONG, 0, 1);
        long _ = Linux.writeSome(wake, word);
    }

    /** Puts pages in their places; for one thread, which closes it. */
    public Placer placer() {
        return new Placer();
    }

    /** Every page of the block has come: nobody waits for any of it any more. */
    public void release(int block) {
        try (Arena own = Arena.ofConfined()) {
            MemorySegment range = own.allocate(16, Long.BYTES);
            range.set(LONG, 0, blocks.get(block).address());
            range.set(LONG, 8, blocks.get(block).size());
            require(
                    Linux.ioctl(fd, UFFDIO_UNREGISTER, range),
                    "ioctl(UFFDIO_UNREGISTER)",
                    blocks.get(block).name());
        }
    }

    @Override
    public void close() {
        Linux.close(fd);
        Linux.close(wake);
        arena.close();
    }

    /** One thread's way to put pages in their places. All of a page is there at once, and whoever waits for it goes on. */
    public final class Placer implements AutoCloseable {
        private final Arena own = Arena.ofConfined();
        private final MemorySegment argument = own.allocate(40, Long.BYTES);

        private Placer() {}

        /**
         * Copies a page there.
         *
         * @param bytes 4096 of them at {@code at}, outside the heap
         * @return false if one was there already: it stays
         */
        public boolean put(int block, long offset, MemorySegment bytes, long at) {
            Objects.checkFromIndexSize(at, PageSize.BYTES, bytes.byteSize());
            argument.set(LONG, 0, address(block, offset));
            argument.set(LONG, 8, bytes.address() + at);
            argument.set(LONG, 16, PageSize.BYTES);
            argument.set(LONG, 24, 0);
            return done(UFFDIO_COPY, 32, "ioctl(UFFDIO_COPY)", block);
        }

        /**
         * Puts a page of zeroes there.
         *
         * @return false if a page was there already: it stays
         */
        public boolean zero(int block, long offset) {
            range(block, offset);
            return done(UFFDIO_ZEROPAGE, 24, "ioctl(UFFDIO_ZEROPAGE)", block);
        }

        /** Maps a page that is in memory, for whoever waits for it. Harmless if somebody did. */
        public void reveal(int block, long offset) {
            range(block, offset);
            if (!done(UFFDIO_CONTINUE, 24, "ioctl(UFFDIO_CONTINUE)", block)) {
                range(block, offset);
                require(
                        Linux.ioctl(fd, UFFDIO_WAKE, argument),
                        "ioctl(UFFDIO_WAKE)",
                        blocks.get(block).name());
            }
        }

        private void range(int block, long offset) {
            argument.set(LONG, 0, address(block, offset));
            argument.set(LONG, 8, PageSize.BYTES);
            argument.set(LONG, 16, 0);
        }

        private long address(int block, long offset) {
            RamBlock ram = blocks.get(block);
            Objects.checkFromIndexSize(offset, PageSize.BYTES, ram.size());
            return ram.address() + offset;
        }

        private boolean done(long request, long resultAt, String name, int block) {
            while (true) {
                argument.set(LONG, resultAt, 0);
                long result = Linux.ioctl(fd, request, argument);
                if (result >= 0) {
                    return true;
                }
                if (result == -Linux.EEXIST) {
                    return false;
                }
                if (result != -Linux.EAGAIN) { // that is: the address space changes just now
                    throw new SystemCallException(
                            name, blocks.get(block).name(), (int) -result, "the block must stay registered and mapped");
                }
            }
        }

        @Override
        public void close() {
            own.close();
        }
    }
}
