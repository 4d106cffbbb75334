package org.transhume.memory;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Optional;

/** What libc keeps of memory that was freed. */
public final class NativeHeap {
    private static final Optional<MethodHandle> TRIM = Linker.nativeLinker()
            .defaultLookup()
            .find("malloc_trim")
            .map(symbol -> Linker.nativeLinker()
                    .downcallHandle(symbol, FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG)));

    private NativeHeap() {}

    /**
     * Gives freed memory back to the kernel, where libc can (glibc). Worth it after much was allocated for a while: the compilers of
     * the JVM leave tens of MiB behind. Milliseconds; other threads wait for it when they allocate.
     */
    public static void trim() {
        TRIM.ifPresent(trim -> {
            try {
                int _ = (int) trim.invokeExact(0L);
            } catch (Throwable thrown) {
                throw new AssertionError("malloc_trim could not be called", thrown);
            }
        });
    }
}
