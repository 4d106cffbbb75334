package org.transhume.codec.deflate;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/** Bits in the order of deflate, first bit lowest, into an array that has 8 bytes more than what is written. */
final class BitOutput {
    private static final VarHandle LONG = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    private final byte[] bytes;
    private final MemorySegment segment;
    private int at;
    private long held;
    private int bits; // 0..7 between calls

    BitOutput(int capacity) {
        bytes = new byte[capacity + Long.BYTES];
        segment = MemorySegment.ofArray(bytes);
    }

    /** @param count 0..57 */
    void put(long value, int count) {
        held |= value << bits;
        bits += count;
        LONG.set(bytes, at, held);
        at += bits >>> 3;
        held >>>= bits & ~7;
        bits &= 7;
    }

    /** Zeroes up to the next byte. */
    void align() {
        put(0, -bits & 7);
    }

    /** From the next byte on; the output is aligned. */
    void copy(byte[] from, int offset, int length) {
        System.arraycopy(from, offset, bytes, at, length);
        at += length;
    }

    /** Moves the whole bytes there are to {@code packed}; returns how many. */
    int drain(MemorySegment packed, int offset) {
        int length = at;
        MemorySegment.copy(segment, 0, packed, offset, length);
        at = 0;
        return length;
    }
}
