package org.transhume.codec;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/** {@link ZeroPage} by plain loads. */
final class PlainZeroTest {
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.nativeOrder());
    private static final int TAIL = 256;
    private static final int BLOCK = 1024;

    private PlainZeroTest() {}

    static boolean test(MemorySegment memory, long at, int length) {
        long end = at + length;
        if (memory.get(LONG, at) != 0 || !isZero(memory, end - TAIL, TAIL)) {
            return false;
        }
        for (; at < end; at += BLOCK) {
            if (!isZero(memory, at, BLOCK)) {
                return false;
            }
        }
        return true;
    }

    /** No early exit inside: this is what the compiler turns into vector loads of its own, which survive a SIGBUS. */
    private static boolean isZero(MemorySegment memory, long at, int length) {
        long any = 0;
        for (int i = 0; i < length; i += Long.BYTES) {
            any |= memory.get(LONG, at + i);
        }
        return any == 0;
    }
}
