package org.transhume.codec;

import java.lang.foreign.MemorySegment;

/**
 * Tells whether a page holds nothing but zero bytes. Any thread; nothing is allocated.
 *
 * <p>The page may be written meanwhile: the answer then holds for some instant of each of its words. Pages that are not
 * zero differ from it at their head or their tail nearly always, so both are looked at before all of it is touched.
 */
public final class ZeroPage {
    private ZeroPage() {}

    /**
     * Whether the {@code length} bytes at {@code at} are all zero, by vector loads where there are any. Only for memory
     * that nobody can truncate: a SIGBUS in a vector load ends the JVM. For any other there is {@link #testPlainly}.
     *
     * @param length bytes, a positive multiple of 1024
     * @throws IndexOutOfBoundsException if they are not all within {@code memory}
     */
    public static boolean test(MemorySegment memory, long at, int length) {
        return Vectors.PRESENT ? VectorZeroTest.test(memory, at, length) : PlainZeroTest.test(memory, at, length);
    }

    /**
     * Whether the {@code length} bytes at {@code at} are all zero, by plain loads only: a page whose file was truncated
     * by somebody else ends in an {@link InternalError} that a migration can report.
     *
     * @param length bytes, a positive multiple of 1024
     * @throws IndexOutOfBoundsException if they are not all within {@code memory}
     */
    public static boolean testPlainly(MemorySegment memory, long at, int length) {
        return PlainZeroTest.test(memory, at, length);
    }
}
