package org.transhume.memory;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * RAM whose pages come while its guest runs already: a thread that touches one that did not come waits in the kernel until
 * it is put in its place (spec: platform.md, userfaultfd). One thread reads who waits for what; any number put pages, each
 * through a {@link Placer} of its own. Nothing is allocated for a fault or a page. A page is a {@linkplain
 * RamBlock#hostPageSize host page} of its block: a huge one is there as a whole or not at all.
 *
 * <p>No Java code of this process may touch a page that is missing: it would wait where it cannot reach a safepoint, and so
 * would everybody else, whoever brings the page included. A fault belongs into a vCPU, another process, or a system call or
 * foreign function that is not critical ({@link GuestAccess}).
 *
 * <p>Where this process may not have the kernel wait (vm.unprivileged_userfaultfd is 0, it lacks CAP_SYS_PTRACE, and
 * /dev/userfaultfd is shut) a system call that meets a missing page fails with EFAULT instead, and so does a vCPU of KVM:
 * {@link #waitsInSystemCalls}.
 *
 * <p>Closing it while pages are missing lets everybody go on who waits, with zeroes: only {@link #release} a block that is whole.
 */
public final class MissingPages implements AutoCloseable {
    /** Who waits for which page. */
    @FunctionalInterface
    public interface FaultSink {
        /**
         * @param offset of the host page in its block
         * @param inMemory the page has come, and only this process has not mapped it: {@link Placer#reveal} lets the thread go on
         * @param thread its Linux thread id; 0 where the kernel does not tell
         */
        void fault(int block, long offset, boolean inMemory, int thread);
    }

    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;
    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT;

    private static final long UFFDIO_UNREGISTER = 0x8010_AA01L;
    private static final long UFFDIO_WAKE = 0x8010_AA02L;
    private static final long UFFDIO_COPY = 0xC028_AA03L;
    private static final long UFFDIO_ZEROPAGE = 0xC020_AA04L;
    private static final long UFFDIO_CONTINUE = 0xC020_AA07L;
    private static final long FEATURE_MISSING_HUGETLBFS = 1L << 4;
    private static final long FEATURE_MISSING_SHMEM = 1L << 5;
    private static final long FEATURE_THREAD_ID = 1L << 8;
    private static final long FEATURE_MINOR_HUGETLBFS = 1L << 9;
    private static final long FEATURE_MINOR_SHMEM = 1L << 10;
    private static final long FEATURES = FEATURE_MISSING_HUGETLBFS
            | FEATURE_MISSING_SHMEM
            | FEATURE_THREAD_ID
            | FEATURE_MINOR_HUGETLBFS
            | FEATURE_MINOR_SHMEM;
    private static final long MODE_MISSING = 1;
    /** With shared memory beside MISSING: a hole in it is missing, what another mapping wrote is minor. */
    private static final long MODE_MINOR = 4;

    private static final int EVENT_PAGEFAULT = 0x12;
    private static final long FLAG_MINOR = 4;
    private static final int MESSAGE = 32;
    private static final int MESSAGES = 64;
    private static final short POLLIN = 1;

    private final Userfaultfd faults;
    private final int wake;
    private final boolean waitsInSystemCalls;
    private final Mapping
            zeroes; // a huge page of them, as the kernel places none by itself; null where no block has any
    private final List<RamBlock> blocks;
    private final long[] starts; // ascending, of the blocks in `order`
    private final int[] order;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment polled = arena.allocate(16, Long.BYTES);
    private final MemorySegment messages = arena.allocate((long) MESSAGES * MESSAGE, Long.BYTES);
    private final MemorySegment woken = arena.allocate(Long.BYTES, Long.BYTES); // only the reader writes it
    private final MemorySegment one = arena.allocateFrom(LONG, 1);

    /**
     * From here on every page of {@code memory} that holds nothing is missing. What it holds stays.
     *
     * @param memory the caller has a lease on it until this is closed
     * @throws SystemCallException if this kernel, or its owner, does not let us; then nothing has changed
     */
    public MissingPages(GuestMemory memory) {
        blocks = memory.blocks();
        order = IntStream.range(0, blocks.size())
                .boxed()
                .sorted((a, b) -> Long.compareUnsigned(
                        blocks.get(a).address(), blocks.get(b).address()))
                .mapToInt(Integer::intValue)
                .toArray();
        starts = Arrays.stream(order).mapToLong(i -> blocks.get(i).address()).toArray();
        Userfaultfd opened = null;
        Mapping huge = null;
        int event = -1;
        try {
            int everybody = Linux.userfaultfdOfEverybody();
            waitsInSystemCalls = everybody >= 0;
            opened = new Userfaultfd(
                    waitsInSystemCalls ? everybody : Linux.userfaultfd(),
                    "postcopy needs it",
                    FEATURES,
                    "missing and minor faults",
                    "needs Linux 5.14 or newer, shared memory on tmpfs or hugetlbfs, and the block in no other userfaultfd");
            event = Linux.eventfd();
            int page = blocks.stream().mapToInt(RamBlock::hostPageSize).max().orElse(0);
            if (page > PageSize.BYTES) {
                huge = Mapping.anonymous("zeroes", page);
            }
            for (RamBlock block : blocks) {
                opened.register(block, block.fd() < 0 ? MODE_MISSING : MODE_MISSING | MODE_MINOR);
            }
        } catch (Throwable thrown) {
            close(opened, event, huge);
            throw thrown;
        }
        faults = opened;
        wake = event;
        zeroes = huge;
    }

    /**
     * Why it does not work on this machine, for this user; empty if it does. Tried for real, each time: an operator may
     * change it.
     */
    public static Optional<String> unavailable() {
        try (GuestMemory memory = new GuestMemory(List.of(
                        RamBlock.memfd("trial-shared", PageSize.BYTES),
                        RamBlock.anonymous("trial-private", PageSize.BYTES)));
                MissingPages trial = new MissingPages(memory);
                Placer placer = trial.placer()) {
            return placer.zero(0, 0) && placer.zero(1, 0)
                    ? Optional.empty()
                    : Optional.of("Userfaultfd places no pages");
        } catch (SystemCallException refused) {
            return Optional.of("Userfaultfd not available: " + Linux.errorText(refused.errno()));
        } catch (UnsupportedOperationException elsewhere) {
            return Optional.of("Userfaultfd not available: " + elsewhere.getMessage());
        }
    }

    /** Whether a system call that meets a missing page waits for it, a vCPU of KVM too. Else it fails with EFAULT. */
    public boolean waitsInSystemCalls() {
        return waitsInSystemCalls;
    }

    private void close(Userfaultfd opened, int event, Mapping huge) {
        if (opened != null) {
            opened.close();
        }
        if (event >= 0) {
            Linux.close(event);
        }
        if (huge != null) {
            huge.close();
        }
        arena.close();
    }

    /**
     * Waits for threads that wait, and tells them. For one thread.
     *
     * @param millis at most; negative: as long as it takes
     * @return how many were told; 0 also after {@link #interrupt}
     */
    public int read(FaultSink sink, int millis) {
        polled.set(INT, 0, faults.fd());
        polled.set(SHORT, 4, POLLIN);
        polled.set(INT, 8, wake);
        polled.set(SHORT, 12, POLLIN);
        if (Linux.poll(polled, 2, millis) <= 0) {
            return 0;
        }
        if (polled.get(SHORT, 14) != 0) {
            long _ = Linux.readSome(wake, woken);
        }
        if (polled.get(SHORT, 6) == 0) {
            return 0;
        }
        long bytes = Linux.readSome(faults.fd(), messages);
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
        long offset = address - block.address() & -block.hostPageSize();
        sink.fault(order[place], offset, (flags & FLAG_MINOR) != 0, thread);
    }

    /** Has {@link #read} return. Any thread. */
    public void interrupt() {
        long _ = Linux.writeSome(wake, one);
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
            faults.require(
                    UFFDIO_UNREGISTER,
                    range,
                    "ioctl(UFFDIO_UNREGISTER)",
                    blocks.get(block).name());
        }
    }

    @Override
    public void close() {
        close(faults, wake, zeroes);
    }

    /** One thread's way to put pages in their places. All of a page is there at once, and whoever waits for it goes on. */
    public final class Placer implements AutoCloseable {
        private final Arena own = Arena.ofConfined();
        private final MemorySegment argument = own.allocate(40, Long.BYTES);

        private Placer() {}

        /**
         * Copies a page there.
         *
         * @param bytes as many as a host page has, at {@code at}; outside the heap, and none of them missing
         * @return false if one was there already: it stays
         */
        public boolean put(int block, long offset, MemorySegment bytes, long at) {
            return put(block, offset, bytes, at, blocks.get(block).hostPageSize()) > 0;
        }

        /**
         * Copies adjacent pages there, but for those that are there already: they stay.
         *
         * @param bytes outside the heap, and none of them missing
         * @param length a multiple of the host page size
         * @return how many were put, in pages of 4096 bytes
         */
        public long put(int block, long offset, MemorySegment bytes, long at, long length) {
            Objects.checkFromIndexSize(at, length, bytes.byteSize());
            return copy(block, offset, bytes.address() + at, length) / PageSize.BYTES;
        }

        private long copy(int block, long offset, long from, long length) {
            long to = address(block, offset, length);
            int page = blocks.get(block).hostPageSize();
            long put = 0;
            for (long done = 0; done < length; ) {
                argument.set(LONG, 0, to + done);
                argument.set(LONG, 8, from + done);
                argument.set(LONG, 16, length - done);
                argument.set(LONG, 24, 0);
                argument.set(LONG, 32, 0);
                long result = faults.call(UFFDIO_COPY, argument);
                long copied = argument.get(LONG, 32); // also where it fails in the middle
                if (copied > 0) {
                    put += copied;
                    done += copied;
                } else if (!again(result, "ioctl(UFFDIO_COPY)", block)) {
                    done += page;
                }
            }
            return put;
        }

        /**
         * Puts a page of zeroes there.
         *
         * @return false if a page was there already: it stays
         */
        public boolean zero(int block, long offset) {
            int page = blocks.get(block).hostPageSize();
            if (page > PageSize.BYTES) {
                return copy(block, offset, zeroes.segment().address(), page) > 0;
            }
            range(block, offset, page);
            return done(UFFDIO_ZEROPAGE, "ioctl(UFFDIO_ZEROPAGE)", block);
        }

        /** Maps a page that is in memory, for whoever waits for it. Harmless if somebody did. */
        public void reveal(int block, long offset) {
            int page = blocks.get(block).hostPageSize();
            range(block, offset, page);
            // Private memory is mapped nowhere else: a page of it that is there is there for all.
            boolean shared = blocks.get(block).fd() >= 0;
            if (!shared || !done(UFFDIO_CONTINUE, "ioctl(UFFDIO_CONTINUE)", block)) {
                range(block, offset, page);
                faults.require(
                        UFFDIO_WAKE,
                        argument,
                        "ioctl(UFFDIO_WAKE)",
                        blocks.get(block).name());
            }
        }

        private void range(int block, long offset, long length) {
            argument.set(LONG, 0, address(block, offset, length));
            argument.set(LONG, 8, length);
            argument.set(LONG, 16, 0);
            argument.set(LONG, 24, 0);
        }

        private long address(int block, long offset, long length) {
            RamBlock ram = blocks.get(block);
            Objects.checkFromIndexSize(offset, length, ram.size());
            if (((offset | length) & ram.hostPageSize() - 1) != 0) {
                throw new IllegalArgumentException(
                        "block %s: %d bytes at %d, expected multiples of its host page of %d bytes"
                                .formatted(ram.name(), length, offset, ram.hostPageSize()));
            }
            return ram.address() + offset;
        }

        private boolean done(long request, String name, int block) {
            while (true) {
                long result = faults.call(request, argument);
                if (result >= 0) {
                    return true;
                }
                if (!again(result, name, block)) {
                    return false;
                }
            }
        }

        /** Whether what failed is to be tried again; not if a page is there already. */
        private boolean again(long result, String name, int block) {
            if (result == -Linux.EEXIST) {
                return false;
            }
            if (result != -Linux.EAGAIN) { // that is: the address space changes just now
                throw new SystemCallException(
                        name, blocks.get(block).name(), (int) -result, "the block must stay registered and mapped");
            }
            return true;
        }

        @Override
        public void close() {
            own.close();
        }
    }
}
