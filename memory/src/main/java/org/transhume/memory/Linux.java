package org.transhume.memory;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;
import java.nio.file.Path;

/**
 * The system calls this room makes, all through libc's {@code syscall}; the numbers are those of x86-64.
 *
 * <p>A call never allocates on the Java heap once its thread made the first one. A failure is a
 * {@link SystemCallException}, except where an errno is an answer: those methods return it negated, as the kernel does.
 * None of the handles is "critical": a thread that blocks or faults inside a call does not hold up a safepoint.
 */
final class Linux {
    static final int EPERM = 1;
    static final int ENXIO = 6;
    static final int EAGAIN = 11;
    static final int EEXIST = 17;
    static final int ENOTTY = 25;

    static final int O_RDONLY = 0;
    static final int O_RDWR = 2;
    static final int O_CREAT = 0x40;
    static final int O_EXCL = 0x80;
    static final int O_CLOEXEC = 0x80000;

    static final int PROT_READ = 1;
    static final int PROT_WRITE = 2;
    static final int MAP_SHARED = 1;
    static final int MAP_PRIVATE = 2;
    static final int MAP_ANONYMOUS = 0x20;
    static final int MAP_NORESERVE = 0x4000;

    static final int MADV_DONTNEED = 4;
    static final int MADV_REMOVE = 9;
    static final int MADV_DONTFORK = 10;
    static final int MADV_HUGEPAGE = 14;
    static final int MADV_NOHUGEPAGE = 15;
    static final int MADV_POPULATE_WRITE = 23;

    static final int SEEK_END = 2;
    static final int SEEK_DATA = 3;
    static final int SEEK_HOLE = 4;

    private static final int MFD_CLOEXEC = 1;
    private static final int MFD_ALLOW_SEALING = 2;
    private static final int F_ADD_SEALS = 1033;
    private static final int F_SEAL_SEAL = 1;
    private static final int F_SEAL_SHRINK = 2;
    private static final int F_SEAL_GROW = 4;
    private static final int O_NONBLOCK = 0x800;
    private static final int UFFD_USER_MODE_ONLY = 1;
    private static final int USERFAULTFD_IOC_NEW = 0xAA00;
    private static final int PR_SET_VMA = 0x53564d41;
    private static final int MEMBARRIER_PRIVATE_EXPEDITED = 8;
    private static final int MEMBARRIER_REGISTER_PRIVATE_EXPEDITED = 16;

    private static final MemoryLayout CAPTURE = Linker.Option.captureStateLayout();
    private static final VarHandle ERRNO = CAPTURE.varHandle(MemoryLayout.PathElement.groupElement("errno"));
    private static final MethodHandle SYSCALL = bindSyscall();
    private static final ThreadLocal<MemorySegment> CAPTURED =
            ThreadLocal.withInitial(() -> Arena.ofAuto().allocate(CAPTURE));

    private Linux() {}

    private static MethodHandle bindSyscall() {
        if (!System.getProperty("os.name").equals("Linux")
                || !System.getProperty("os.arch").equals("amd64")) {
            throw new UnsupportedOperationException("guest RAM needs Linux on x86-64, this is "
                    + System.getProperty("os.name") + " on " + System.getProperty("os.arch"));
        }
        Linker linker = Linker.nativeLinker();
        ValueLayout.OfLong word = ValueLayout.JAVA_LONG;
        return linker.downcallHandle(
                linker.defaultLookup().findOrThrow("syscall"),
                FunctionDescriptor.of(word, word, word, word, word, word, word, word),
                Linker.Option.firstVariadicArg(1),
                Linker.Option.captureCallState("errno"));
    }

    /** The result, or the errno negated. */
    private static long call(long number, long a, long b, long c, long d, long e, long f) {
        MemorySegment captured = CAPTURED.get();
        try {
            long result = (long) SYSCALL.invokeExact(captured, number, a, b, c, d, e, f);
            return result == -1 ? -(int) ERRNO.get(captured, 0L) : result;
        } catch (Throwable thrown) {
            throw new AssertionError("system call " + number + " could not be made", thrown);
        }
    }

    private static long call(long number, long a, long b, long c) {
        return call(number, a, b, c, 0, 0, 0);
    }

    private static long require(long result, String call, String about, String remedy) {
        if (result < 0) {
            throw new SystemCallException(call, about, (int) -result, remedy);
        }
        return result;
    }

    /** What libc calls an error, e.g. {@code Operation not permitted}. */
    static String errorText(int errno) {
        Linker linker = Linker.nativeLinker();
        MethodHandle strerror = linker.downcallHandle(
                linker.defaultLookup().findOrThrow("strerror"),
                FunctionDescriptor.of(ValueLayout.ADDRESS, ValueLayout.JAVA_INT));
        try {
            return ((MemorySegment) strerror.invokeExact(errno))
                    .reinterpret(Long.MAX_VALUE)
                    .getString(0);
        } catch (Throwable thrown) {
            throw new AssertionError("strerror could not be called", thrown);
        }
    }

    static int memfd(String name) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment text = arena.allocateFrom(name);
            return (int) require(
                    call(319, text.address(), MFD_CLOEXEC | MFD_ALLOW_SEALING, 0),
                    "memfd_create",
                    name,
                    "a name has at most 249 bytes; EMFILE: raise 'ulimit -n'");
        }
    }

    /** From here on nobody can change the file's size, so no reader of the mapping can get a SIGBUS for it. */
    static void sealSize(int fd, String about) {
        require(
                call(72, fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL),
                "fcntl(F_ADD_SEALS)",
                about,
                "the memfd must be a fresh one");
    }

    static void truncate(int fd, long size, String about) {
        require(
                call(77, fd, size, 0),
                "ftruncate",
                about + ", " + size + " bytes",
                "choose a size the file system can hold, or another directory");
    }

    /** The descriptor, or the errno negated. */
    static int open(Path path, int flags) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment text = arena.allocateFrom(path.toString());
            return (int) call(2, text.address(), flags | O_CLOEXEC, 0600);
        }
    }

    static void close(int fd) {
        // Whatever the answer, the descriptor is gone: a second try could close somebody else's.
        long _ = call(3, fd, 0, 0);
    }

    /** The offset found, or the errno negated. */
    static long seek(int fd, long offset, int whence) {
        return call(8, fd, offset, whence);
    }

    static long read(int fd, MemorySegment into, long at) {
        return require(
                call(17, fd, into.address(), into.byteSize(), at, 0, 0), "pread", "descriptor " + fd, "check the file");
    }

    static long mmap(long length, int protection, int flags, int fd, String about) {
        return require(
                call(9, 0, length, protection, flags, fd, 0),
                "mmap",
                about + ", " + length + " bytes",
                "ENOMEM: lower the size, or raise vm.max_map_count, 'ulimit -v' or vm.nr_hugepages (hugepage files)");
    }

    static void munmap(long address, long length) {
        require(call(11, address, length, 0), "munmap", Long.toHexString(address), "unmap a mapping of this process");
    }

    /** Names an anonymous mapping in /proc/PID/maps; a kernel that cannot is no error. */
    static void nameMapping(long address, long length, String name) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment text = arena.allocateFrom(name.replaceAll("[^A-Za-z0-9._:/ -]", "_"));
            long _ = call(157, PR_SET_VMA, 0, address, length, text.address(), 0);
        }
    }

    /** The result, or the errno negated. */
    static long ioctl(int fd, long request, MemorySegment argument) {
        return call(16, fd, request, argument.address());
    }

    /** The descriptor, or the errno negated. Only faults from user mode can wait on it, so no privilege is needed. */
    static int userfaultfd() {
        return (int) call(323, O_CLOEXEC | O_NONBLOCK | UFFD_USER_MODE_ONLY, 0, 0);
    }

    /** As {@link #userfaultfd}, but faults inside the kernel wait on it too; not everybody may have that. */
    static int userfaultfdOfEverybody() {
        int fd = (int) call(323, O_CLOEXEC | O_NONBLOCK, 0, 0);
        return fd == -EPERM ? userfaultfdOfDevice() : fd;
    }

    /** Whom the device lets in (Linux 6.1) needs no other privilege. */
    private static int userfaultfdOfDevice() {
        int device = open(Path.of("/dev/userfaultfd"), O_RDWR);
        if (device < 0) {
            return -EPERM;
        }
        int fd = (int) call(16, device, USERFAULTFD_IOC_NEW, O_CLOEXEC | O_NONBLOCK);
        close(device);
        return fd;
    }

    /** Bytes read from where the descriptor stands, or the errno negated. */
    static long readSome(int fd, MemorySegment into) {
        return call(0, fd, into.address(), into.byteSize());
    }

    /** Bytes written, or the errno negated. */
    static long writeSome(int fd, MemorySegment from) {
        return call(1, fd, from.address(), from.byteSize());
    }

    /**
     * How many are ready, or the errno negated.
     *
     * @param millis negative: as long as it takes
     */
    static int poll(MemorySegment descriptors, int count, int millis) {
        return (int) call(7, descriptors.address(), count, millis);
    }

    static int eventfd() {
        return (int)
                require(call(290, 0, O_CLOEXEC | O_NONBLOCK, 0), "eventfd", "wake-up", "EMFILE: raise 'ulimit -n'");
    }

    static void advise(long address, long length, int advice, String about) {
        require(call(28, address, length, advice), "madvise", about, "the file system must be able to punch holes");
    }

    /** As {@link #advise}, where a kernel may not know the advice. @return 0 or -errno */
    static long tryAdvise(long address, long length, int advice) {
        return call(28, address, length, advice);
    }

    /** {@code {file system magic, block size}} of what {@code fd} lives on. */
    static long[] fileSystem(int fd, String about) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment statfs = arena.allocate(120, 8);
            require(call(138, fd, statfs.address(), 0), "fstatfs", about, "check the path");
            return new long[] {statfs.get(ValueLayout.JAVA_LONG, 0), statfs.get(ValueLayout.JAVA_LONG, 8)};
        }
    }

    /** When this returns, every thread of the process has passed a full memory fence since it was called. */
    static void fenceAllThreads() {
        require(
                call(324, MEMBARRIER_REGISTER_PRIVATE_EXPEDITED, 0, 0),
                "membarrier",
                "registration",
                "needs Linux 4.14; a container's seccomp profile may forbid it");
        require(call(324, MEMBARRIER_PRIVATE_EXPEDITED, 0, 0), "membarrier", "private", "needs Linux 4.14");
    }
}
