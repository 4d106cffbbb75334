package org.transhume.memory;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;

/**
 * One stretch of address space, mapped once and unmapped once. The segment lives in a shared arena whose end is the
 * munmap, so a Java reader that comes late gets an IllegalStateException where a raw address would end the JVM.
 */
final class Mapping implements AutoCloseable {
    private static final long PATIENCE_NANOS = 5_000_000_000L;

    private final Arena arena;
    private final MemorySegment segment;
    private final String name;
    private final AtomicBoolean closed = new AtomicBoolean();

    private Mapping(String name, Arena arena, MemorySegment segment) {
        this.name = name;
        this.arena = arena;
        this.segment = segment;
    }

    /** Zeroes that cost nothing until they are written. */
    static Mapping anonymous(String name, long length) {
        Mapping mapping = map(
                name,
                length,
                Linux.PROT_READ | Linux.PROT_WRITE,
                Linux.MAP_PRIVATE | Linux.MAP_ANONYMOUS | Linux.MAP_NORESERVE,
                -1);
        Linux.nameMapping(mapping.segment.address(), length, "transhume:" + name);
        return mapping;
    }

    static Mapping map(String name, long length, int protection, int flags, int fd) {
        Arena arena = Arena.ofShared();
        try {
            MemorySegment segment = mapped(arena, length, protection, flags, fd, name);
            return new Mapping(name, arena, (protection & Linux.PROT_WRITE) == 0 ? segment.asReadOnly() : segment);
        } catch (Throwable thrown) {
            arena.close(); // nobody has the mapping yet, so nobody else can free it
            throw thrown;
        }
    }

    private static MemorySegment mapped(Arena arena, long length, int protection, int flags, int fd, String name) {
        long address = Linux.mmap(length, protection, flags, fd, name);
        try {
            return MemorySegment.ofAddress(address)
                    .reinterpret(length, arena, gone -> Linux.munmap(gone.address(), length));
        } catch (Throwable thrown) {
            Linux.munmap(address, length); // the arena did not take it over
            throw thrown;
        }
    }

    MemorySegment segment() {
        return segment;
    }

    /**
     * Unmaps, once. A system call that still reads or writes the memory is waited for, some seconds at most.
     *
     * @throws IllegalStateException if it does not end: the memory then stays mapped for good, which harms less than
     *     unmapping it under a reader
     */
    @Override
    public void close() {
        if (!closed.compareAndSet(false, true)) {
            return;
        }
        long deadline = System.nanoTime() + PATIENCE_NANOS;
        while (true) {
            try {
                arena.close();
                return;
            } catch (IllegalStateException busy) {
                if (System.nanoTime() - deadline > 0) {
                    throw new IllegalStateException(
                            name + ": still used by a system call, left mapped; stop its users before closing it",
                            busy);
                }
                LockSupport.parkNanos(1_000_000);
            }
        }
    }
}
