package org.transhume.memory;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import net.openhft.chronicle.bytes.BytesStore;
import net.openhft.chronicle.bytes.PointerBytesStore;
import net.openhft.chronicle.core.io.AbstractReferenceCounted;
import net.openhft.chronicle.core.io.ReferenceOwner;

/**
 * One block of guest RAM, mapped into this process for the whole of its life.
 *
 * <p>Who made it closes it; who works on it takes a {@linkplain #lease lease}. It is unmapped and its descriptor closed
 * exactly once: after {@link #close()} and the end of the last lease, by the thread that does the later of the two. All
 * methods may be called from any thread.
 */
public final class RamBlock implements AutoCloseable {
    /** Bytes of a huge page as the kernel makes them by itself. */
    public static final long HUGE_PAGE = 2L << 20;

    private static final long HUGETLBFS_MAGIC = 0x958458f6L;
    private static final int READ_WRITE = Linux.PROT_READ | Linux.PROT_WRITE;

    private final String name;
    private final long size;
    private final long address;
    private final int fd;
    private final int hostPageSize;
    private final boolean truncatable;
    private final MemorySegment segment;
    private final PointerBytesStore bytes;
    private final Holders holders;
    private final AtomicBoolean closed = new AtomicBoolean();

    private RamBlock(String name, Mapping mapping, int fd, boolean truncatable) {
        this.name = name;
        this.segment = mapping.segment();
        this.size = segment.byteSize();
        this.address = segment.address();
        this.fd = fd;
        this.hostPageSize = hostPageSize(fd, name);
        this.truncatable = truncatable;
        this.bytes = new PointerBytesStore();
        bytes.set(address, size);
        this.holders = new Holders(mapping, bytes, fd);
    }

    /**
     * RAM that another process can be given by its descriptor, and that nobody can truncate.
     *
     * @param size bytes, a positive multiple of the page size; nothing is committed until it is written
     */
    public static RamBlock memfd(String name, long size) {
        checkSize(name, size);
        int fd = Linux.memfd(name);
        try {
            Linux.truncate(fd, size, name);
            Linux.sealSize(fd, name);
            return mapped(name, size, READ_WRITE, Linux.MAP_SHARED | Linux.MAP_NORESERVE, fd, false);
        } catch (Throwable thrown) {
            Linux.close(fd);
            throw thrown;
        }
    }

    /** RAM of this process alone. {@code size} as for {@link #memfd}. */
    public static RamBlock anonymous(String name, long size) {
        checkSize(name, size);
        Mapping mapping = Mapping.anonymous(name, size);
        try {
            // A child of this process has no business with it; and the kernel keeps it apart from its neighbours.
            Linux.advise(mapping.segment().address(), size, Linux.MADV_DONTFORK, name);
            return new RamBlock(name, mapping, -1, false);
        } catch (Throwable thrown) {
            mapping.close();
            throw thrown;
        }
    }

    /**
     * The first {@code size} bytes of a file. Another process can truncate it: reads beyond its end then fail with an
     * {@code InternalError} in plain Java code, and end the JVM in Vector API code.
     */
    public static RamBlock file(String name, Path path, long size, Access access) {
        checkSize(name, size);
        return switch (access) {
            case READ_ONLY -> readOnlyFile(name, path, size);
            case SHARED -> sharedFile(name, path, size);
        };
    }

    private static RamBlock readOnlyFile(String name, Path path, long size) {
        int fd = Linux.open(path, Linux.O_RDONLY);
        requireOpened(fd, path, "it must exist and be readable");
        try {
            long length = Linux.seek(fd, 0, Linux.SEEK_END);
            if (length < size) {
                throw new IllegalArgumentException(
                        "%s has %d bytes, expected at least the %d of block %s".formatted(path, length, size, name));
            }
            return mapped(name, size, Linux.PROT_READ, Linux.MAP_SHARED, fd, true);
        } catch (Throwable thrown) {
            Linux.close(fd);
            throw thrown;
        }
    }

    private static RamBlock sharedFile(String name, Path path, long size) {
        int created = Linux.open(path, Linux.O_RDWR | Linux.O_CREAT | Linux.O_EXCL);
        boolean ours = created >= 0;
        int fd = created == -Linux.EEXIST ? Linux.open(path, Linux.O_RDWR) : created;
        requireOpened(fd, path, "it must be readable and writable, or its directory exist");
        try {
            if (Linux.seek(fd, 0, Linux.SEEK_END) < size) {
                Linux.truncate(fd, size, path.toString());
            }
            return mapped(name, size, READ_WRITE, Linux.MAP_SHARED | Linux.MAP_NORESERVE, fd, true);
        } catch (Throwable thrown) {
            Linux.close(fd);
            if (ours) {
                delete(path);
            }
            throw thrown;
        }
    }

    /**
     * RAM in huge pages, reserved at once so that no later touch can fail. The file has no name left when this returns.
     *
     * @param hugetlbfs a directory on a mounted hugetlbfs
     * @param size bytes, a positive multiple of that file system's page size
     */
    public static RamBlock hugepages(String name, Path hugetlbfs, long size) {
        checkSize(name, size);
        Path path = hugetlbfs.resolve("transhume-" + UUID.randomUUID());
        int fd = Linux.open(path, Linux.O_RDWR | Linux.O_CREAT | Linux.O_EXCL);
        requireOpened(fd, path, "expected a directory on a mounted hugetlbfs that this user may write");
        try {
            delete(path);
            int page = hostPageSize(fd, hugetlbfs.toString());
            if (page == PageSize.BYTES) {
                throw new IllegalArgumentException(
                        hugetlbfs + " is not on a hugetlbfs; mount one (mount -t hugetlbfs none DIR)");
            }
            if (size % page != 0) {
                throw new IllegalArgumentException(
                        "block %s: size %d, expected a multiple of the huge page size %d".formatted(name, size, page));
            }
            Linux.truncate(fd, size, name);
            // Nobody else can open a file without a name, so nobody can truncate it.
            return mapped(name, size, READ_WRITE, Linux.MAP_SHARED, fd, false);
        } catch (Throwable thrown) {
            Linux.close(fd);
            throw thrown;
        }
    }

    private static RamBlock mapped(String name, long size, int protection, int flags, int fd, boolean truncatable) {
        Mapping mapping = Mapping.map(name, size, protection, flags, fd);
        try {
            return new RamBlock(name, mapping, fd, truncatable);
        } catch (Throwable thrown) {
            mapping.close();
            throw thrown;
        }
    }

    private static int hostPageSize(int fd, String about) {
        if (fd < 0) {
            return PageSize.BYTES;
        }
        long[] fileSystem = Linux.fileSystem(fd, about);
        return fileSystem[0] == HUGETLBFS_MAGIC ? Math.toIntExact(fileSystem[1]) : PageSize.BYTES;
    }

    private static void checkSize(String name, long size) {
        Objects.requireNonNull(name, "name");
        if (size <= 0 || !PageSize.TARGET.isAligned(size)) {
            throw new IllegalArgumentException(
                    "block %s: size %d, expected a positive multiple of %d".formatted(name, size, PageSize.BYTES));
        }
    }

    private static void requireOpened(int fd, Path path, String remedy) {
        if (fd < 0) {
            throw new SystemCallException("open", path.toString(), -fd, remedy);
        }
    }

    private static void delete(Path path) {
        try {
            Files.deleteIfExists(path);
        } catch (IOException failure) {
            throw new UncheckedIOException(failure);
        }
    }

    public String name() {
        return name;
    }

    /** Bytes. */
    public long size() {
        return size;
    }

    public long pages() {
        return size >>> PageSize.SHIFT;
    }

    /** The whole block. Borrowed: a plain access after the unmapping throws IllegalStateException. */
    public MemorySegment segment() {
        return segment;
    }

    /** Where the block starts in this process. For system calls; hold a lease while it is in use. */
    public long address() {
        return address;
    }

    /** The descriptor behind the block, borrowed; -1 for an anonymous one. */
    public int fd() {
        return fd;
    }

    /** The whole block as Chronicle sees it. Borrowed, and without a check on each access: hold a lease while using it. */
    public BytesStore<?, ?> bytes() {
        return bytes;
    }

    /** Whether another process could truncate what is behind the block: then no Vector API load may read from it. */
    public boolean truncatable() {
        return truncatable;
    }

    /** Bytes the kernel maps and forgets at once: 4096, or those of a huge page. A power of two. */
    public int hostPageSize() {
        return hostPageSize;
    }

    /**
     * Forgets what a range holds: it is as if it was never written, and reads as zeroes, unless {@link MissingPages} has it
     * wait.
     *
     * @param offset a multiple of {@link #hostPageSize}
     * @param length likewise: of a huge page in part the kernel would only zero that part, and keep the page
     */
    public void discard(long offset, long length) {
        Objects.checkFromIndexSize(offset, length, size);
        if (((offset | length) & hostPageSize - 1) != 0) {
            throw new IllegalArgumentException(
                    "block %s: %d bytes at %d, expected multiples of its host page of %d bytes"
                            .formatted(name, length, offset, hostPageSize));
        }
        Linux.advise(address + offset, length, fd < 0 ? Linux.MADV_DONTNEED : Linux.MADV_REMOVE, name);
    }

    /**
     * Whether the kernel may put it into huge pages by itself, which are faster to read through. A wish: a kernel that has no
     * such pages goes on without. Any thread.
     */
    public void mayBeHuge(boolean may) {
        long _ = Linux.tryAdvise(address, size, may ? Linux.MADV_HUGEPAGE : Linux.MADV_NOHUGEPAGE);
    }

    /**
     * Has the kernel find memory for a range, as writing to it would; what it holds stays as it is. Any thread, also while
     * others write there.
     *
     * @param offset a multiple of {@link #hostPageSize}
     * @param length likewise
     * @return false if the kernel would not: it is older than 5.14, or short of memory
     */
    public boolean populate(long offset, long length) {
        Objects.checkFromIndexSize(offset, length, size);
        return Linux.tryAdvise(address + offset, length, Linux.MADV_POPULATE_WRITE) == 0;
    }

    /** Whether a huge page of the kernel, {@link #HUGE_PAGE} bytes, can begin at {@code offset} and is all within the block. */
    public boolean hugePageFits(long offset) {
        return fd < 0 && ((address + offset) & (HUGE_PAGE - 1)) == 0 && size - offset >= HUGE_PAGE;
    }

    /** As {@link #populate}, for the {@link #HUGE_PAGE} bytes at {@code offset}, and in one page if the kernel has it. */
    public boolean populateHuge(long offset) {
        Objects.checkFromIndexSize(offset, HUGE_PAGE, size);
        long _ = Linux.tryAdvise(address + offset, HUGE_PAGE, Linux.MADV_HUGEPAGE);
        return populate(offset, HUGE_PAGE);
    }

    /** Whether this process can write to it. */
    public boolean writable() {
        return !segment.isReadOnly();
    }

    /**
     * Tells the stretches that were ever written, in ascending order, without touching the memory; all else reads as
     * zeroes. May tell more: a file system rounds up, and a hole that was read through a shared mapping counts.
     */
    public void populatedExtents(ExtentSink sink) {
        // Not by lease(): whoever holds one may ask after the owner has closed.
        try (Lease _ = new Holding(holders, "populated extents")) {
            if (fd < 0) {
                try (Pagemap pagemap = new Pagemap()) {
                    pagemap.populated(address, size, sink);
                }
            } else {
                requireWhole();
                populatedFileExtents(0, size, sink);
            }
        }
    }

    /**
     * Adds to the {@code known} extents of a block with a descriptor those that came into being since. Looks only where none
     * was known: the kernel finds the end of a hole at once, but that of a written stretch page by page.
     */
    Extents populatedSince(Extents known) {
        try (Lease _ = new Holding(holders, "populated extents")) {
            requireWhole();
            Extents born = new Extents();
            known.forEachGap(
                    size,
                    (from, length) ->
                            populatedFileExtents(from, from + length, (start, span) -> born.add(start, start + span)));
            return known.with(born);
        }
    }

    private void requireWhole() {
        long there = Linux.seek(fd, 0, Linux.SEEK_END);
        if (there < size) {
            // What was cut off would look like a hole, that is like zeroes.
            throw new IllegalStateException(
                    "RAM block '%s': its file was cut to %d bytes, expected %d; restore it, what it held is gone"
                            .formatted(name, there, size));
        }
    }

    private void populatedFileExtents(long begin, long behind, ExtentSink sink) {
        long from = begin;
        long to = begin; // [from, to) is found, not yet told: extents smaller than a page may meet when rounded
        while (to < behind) {
            long data = Linux.seek(fd, to, Linux.SEEK_DATA);
            if (data == -Linux.ENXIO || data >= behind) {
                break;
            }
            long hole = data < 0 ? data : Linux.seek(fd, data, Linux.SEEK_HOLE);
            if (hole < 0) {
                throw new SystemCallException(
                        "lseek(SEEK_DATA)", name, (int) -hole, "the file must not shrink while it is guest RAM");
            }
            long start = PageSize.TARGET.alignDown(data);
            // At least a page, so that a hole punched between the two questions cannot stop the walk.
            long end = Math.min(behind, Math.max(start + PageSize.BYTES, PageSize.TARGET.alignUp(hole)));
            if (start > to) {
                if (to > from) {
                    sink.extent(from, to - from);
                }
                from = start;
            }
            to = end;
        }
        if (to > from) {
            sink.extent(from, to - from);
        }
    }

    /**
     * Holds off the unmapping.
     *
     * @param user who, for messages
     * @throws IllegalStateException if the block is closed
     */
    public Lease lease(String user) {
        if (closed.get()) {
            throw new IllegalStateException("block %s is closed, no lease for %s".formatted(name, user));
        }
        return new Holding(holders, user);
    }

    /** Gives up the owner's hold. Harmless when repeated. */
    @Override
    public void close() {
        if (closed.compareAndSet(false, true)) {
            holders.end(ReferenceOwner.INIT);
        }
    }

    @Override
    public String toString() {
        return "%s, %d bytes at 0x%x".formatted(name, size, address);
    }

    /** Counts the owner and the leases; the last to go unmaps. */
    private static final class Holders extends AbstractReferenceCounted {
        private final Mapping mapping;
        private final PointerBytesStore bytes;
        private final int fd;
        private final AtomicReference<RuntimeException> failure = new AtomicReference<>();

        Holders(Mapping mapping, PointerBytesStore bytes, int fd) {
            super(false);
            this.mapping = mapping;
            this.bytes = bytes;
            this.fd = fd;
            singleThreadedCheckDisabled(true);
        }

        /** Ends {@code holder}'s hold. */
        void end(ReferenceOwner holder) {
            release(holder);
            // Chronicle logs what performRelease throws and goes on; who closes shall know that memory stays behind.
            RuntimeException thrown = failure.getAndSet(null);
            if (thrown != null) {
                throw thrown;
            }
        }

        @Override
        protected void performRelease() {
            try {
                bytes.release(INIT); // a late reader through it meets null, not unmapped memory
                mapping.close();
            } catch (RuntimeException thrown) {
                failure.set(thrown);
            } finally {
                if (fd >= 0) {
                    Linux.close(fd);
                }
            }
        }
    }

    private static final class Holding implements Lease, ReferenceOwner {
        private final Holders holders;
        private final String user;
        private final AtomicBoolean ended = new AtomicBoolean();

        Holding(Holders holders, String user) {
            this.holders = holders;
            this.user = user;
            holders.reserve(this);
        }

        @Override
        public void close() {
            if (ended.compareAndSet(false, true)) {
                holders.end(this);
            }
        }

        @Override
        public String referenceName() {
            return user;
        }
    }
}
