package org.transhume.engine;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * Work of a few microseconds that somebody waits for: a thread that brings a page which a guest stands at. On few cores it is to run
 * as soon as it wakes, and not when those that send as fast as they can have had their turn of milliseconds.
 */
public final class UrgentThread {
    private static final int SCHED_SETATTR = 314;
    private static final int ATTRIBUTES = 48;
    private static final int MORE_URGENT = -10;
    /** Shortest that Linux knows: a thread that asks for no more than this at a time is due early. */
    private static final long SLICE_NANOS = 100_000;

    private static final MethodHandle SYSCALL = Linker.nativeLinker()
            .downcallHandle(
                    Linker.nativeLinker().defaultLookup().findOrThrow("syscall"),
                    FunctionDescriptor.of(
                            ValueLayout.JAVA_LONG,
                            ValueLayout.JAVA_LONG,
                            ValueLayout.JAVA_LONG,
                            ValueLayout.JAVA_LONG,
                            ValueLayout.JAVA_LONG),
                    Linker.Option.firstVariadicArg(1));

    private UrgentThread() {}

    /**
     * The calling thread goes before others from here on, as far as this process may ask for that: short slices everyone may
     * (Linux 6.12), another weight needs a privilege. Where neither can be had nothing happens.
     */
    public static void become() {
        if (set(MORE_URGENT) < 0) {
            long _ = set(0);
        }
    }

    private static long set(int nice) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment attributes = arena.allocate(ATTRIBUTES, Long.BYTES);
            attributes.set(ValueLayout.JAVA_INT, 0, ATTRIBUTES);
            attributes.set(ValueLayout.JAVA_INT, 16, nice);
            attributes.set(ValueLayout.JAVA_LONG, 24, SLICE_NANOS);
            return (long) SYSCALL.invokeExact((long) SCHED_SETATTR, 0L, attributes.address(), 0L);
        } catch (Throwable t) {
            throw new AssertionError("syscall could not be called", t);
        }
    }
}
