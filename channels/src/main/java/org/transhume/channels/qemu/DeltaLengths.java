package org.transhume.channels.qemu;

import java.lang.foreign.MemorySegment;

/**
 * The lengths that stand in front of the deltas of a multifd packet, one for each normal page (docs/wire.md): 1..4095 bytes of
 * delta, or 4096 for a page in full.
 */
public final class DeltaLengths {
    /** Bytes of one length. */
    public static final int BYTES = Short.BYTES;

    private DeltaLengths() {}

    public static void set(MemorySegment data, int index, int length) {
        data.set(Wire.BE16, (long) index * BYTES, (short) length);
    }

    public static int get(MemorySegment data, int index) {
        return data.get(Wire.BE16, (long) index * BYTES) & 0xffff;
    }
}
