package org.transhume.memory;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Objects;

/**
 * Reads and writes guest RAM of which pages may be {@linkplain MissingPages missing}: whoever waits for one waits in native
 * code, and so holds up no safepoint (none of these calls is "critical"). Slower than a {@link MemorySegment} by some ten
 * nanoseconds a call, and without its checks: addresses are the caller's to know, who holds a lease on the block; if somebody cuts the file behind a
 * {@linkplain RamBlock#truncatable truncatable} one, the process ends. What lies on the other side of a copy is outside the heap
 * and never missing. Nothing is allocated. Any thread.
 */
public final class GuestAccess {
    private static final MethodHandle MEMCPY = bind("memcpy", ValueLayout.JAVA_LONG);
    private static final MethodHandle MEMCHR = bind("memchr", ValueLayout.JAVA_INT);

    private GuestAccess() {}

    private static MethodHandle bind(String name, MemoryLayout second) {
        Linker linker = Linker.nativeLinker();
        ValueLayout.OfLong word = ValueLayout.JAVA_LONG;
        return linker.downcallHandle(
                linker.defaultLookup().findOrThrow(name), FunctionDescriptor.of(word, word, second, word));
    }

    /** Waits until the page is there: looks at one byte of it, and writes nothing. */
    public static void touch(long address) {
        try {
            long _ = (long) MEMCHR.invokeExact(address, 0, 1L);
        } catch (Throwable thrown) {
            throw new AssertionError("memchr could not be called", thrown);
        }
    }

    /**
     * Copies guest RAM to where Java may look at it.
     *
     * @param address in guest RAM
     * @param bytes as many, from the start of {@code into}
     */
    public static void read(long address, MemorySegment into, long bytes) {
        Objects.checkFromIndexSize(0, bytes, into.byteSize());
        copy(into.address(), address, bytes);
    }

    /**
     * Copies to guest RAM what Java prepared. A page that is missing comes first, then it is written.
     *
     * @param address in guest RAM
     * @param bytes as many, from the start of {@code from}
     */
    public static void write(long address, MemorySegment from, long bytes) {
        Objects.checkFromIndexSize(0, bytes, from.byteSize());
        copy(address, from.address(), bytes);
    }

    private static void copy(long to, long from, long bytes) {
        try {
            long _ = (long) MEMCPY.invokeExact(to, from, bytes);
        } catch (Throwable thrown) {
            throw new AssertionError("memcpy could not be called", thrown);
        }
    }
}
