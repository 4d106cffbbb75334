package org.transhume.engine;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * Work that must not be in the way of other threads of this process: on few cores a thread that brings a page somebody waits for
 * would stand behind one that sends as fast as it can, for milliseconds.
 */
public final class BackgroundThread {
    private static final int LESS_URGENT = 10; // of 19; enough that whoever wakes goes first
    private static final MethodHandle NICE = Linker.nativeLinker()
            .downcallHandle(
                    Linker.nativeLinker().defaultLookup().findOrThrow("nice"),
                    FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT));

    private BackgroundThread() {}

    /** The calling thread gives way to others from here on, for good: without privileges there is no way back. */
    public static void become() {
        try {
            int _ = (int) NICE.invokeExact(LESS_URGENT); // on Linux of this thread alone
        } catch (Throwable t) {
            throw new AssertionError("nice could not be called", t);
        }
    }
}
