package org.transhume.engine;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Counts the bytes of a return path without the PONGs behind the first: how many of those there are, the speed of the machine
 * decides.
 */
final class AnswerBytes {
    private static final int HEADER = 4;
    private static final int PONG = 2;

    private long counted;
    private long at;
    private int type;
    private int length;
    private boolean ponged;

    /** Takes what was read, and returns what counts of all that was. */
    long take(MemorySegment from, long offset, int count) {
        for (int i = 0; i < count; i++) {
            take(Byte.toUnsignedInt(from.get(ValueLayout.JAVA_BYTE, offset + i)));
        }
        return counted + (again() ? 0 : at);
    }

    private void take(int value) {
        if (at < 2) {
            type = type << 8 | value;
        } else if (at < HEADER) {
            length = length << 8 | value;
        }
        at++;
        if (at >= HEADER && at == HEADER + length) {
            counted += again() ? 0 : at;
            ponged |= type == PONG;
            at = 0;
            type = 0;
            length = 0;
        }
    }

    private boolean again() {
        return at >= 2 && type == PONG && ponged;
    }
}
