package org.transhume.codec;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * Tells whether a page holds nothing but zero bytes.
 *
 * <p>Only plain loads: a page whose file was truncated by somebody else then ends in an {@link InternalError} that a
 * migration can report, where a vector load would end the JVM.
 */
public final class ZeroPage {
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.nativeOrder());
    private static final int BLOCK = 1024;

    private ZeroPage() {}

    /**
     * Whether the {@code length} bytes at {@code at} are all zero. The page may be written meanwhile: the answer then
     * holds for some instant of each of its words.
     *
     * @param length bytes, a multiple of 1024
     */
    public static boolean test(MemorySegment memory, long at, int length) {
        // Real pages differ from zero at their head or tail nearly always: look there before touching all of it.
        if ((memory.get(LONG, at) | memory.get(LONG, at + length - Long.BYTES)) != 0) {
            return false;
        }
        for (long end = at + length; at < end; at += BLOCK) {
            if (!blockIsZero(memory, at)) {
                return false;
            }
        }
        return true;
    }

    /** A fixed trip count and no early exit inside: this is what the compiler turns into vector loads. */
    private static boolean blockIsZero(MemorySegment memory, long at) {
        long any = 0;
        for (int i = 0; i < BLOCK; i += Long.BYTES) {
            any |= memory.get(LONG, at + i);
        }
        return any == 0;
    }
}
