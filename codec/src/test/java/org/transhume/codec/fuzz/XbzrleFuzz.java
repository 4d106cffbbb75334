package org.transhume.codec.fuzz;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import org.transhume.codec.CorruptDataException;
import org.transhume.codec.delta.XbzrleDecoder;

/** The input is a delta. The page it is for lies between two others, and it is told by the decoder that is plain to see. */
class XbzrleFuzz {
    private static final int PAGE = 4096;
    private static final MemorySegment MEMORY = Arena.global().allocate(3 * PAGE);
    private static final byte[] BEFORE = new byte[3 * PAGE];

    static {
        for (int i = 0; i < BEFORE.length; i++) {
            BEFORE[i] = (byte) (i * 7);
        }
    }

    @FuzzTest(maxExecutions = 20_000)
    void refusesOrDecodesExactly(byte[] delta) {
        MemorySegment.copy(BEFORE, 0, MEMORY, ValueLayout.JAVA_BYTE, 0, BEFORE.length);
        byte[] expected = Arrays.copyOfRange(BEFORE, PAGE, 2 * PAGE);
        boolean valid = apply(delta, expected);

        boolean taken;
        try {
            XbzrleDecoder.decode(MemorySegment.ofArray(delta), 0, delta.length, MEMORY, PAGE);
            taken = true;
        } catch (CorruptDataException refused) {
            taken = false;
        }

        byte[] after = MEMORY.toArray(ValueLayout.JAVA_BYTE);
        if (taken != valid) {
            throw new AssertionError(valid ? "refused a delta" : "took what is no delta");
        }
        if (taken && !Arrays.equals(expected, 0, PAGE, after, PAGE, 2 * PAGE)) {
            throw new AssertionError("made another page of it");
        }
        if (!Arrays.equals(BEFORE, 0, PAGE, after, 0, PAGE)
                || !Arrays.equals(BEFORE, 2 * PAGE, 3 * PAGE, after, 2 * PAGE, 3 * PAGE)) {
            throw new AssertionError("wrote into a neighbouring page");
        }
    }

    /** Whether {@code delta} is one; {@code page} is then what it makes. */
    private static boolean apply(byte[] delta, byte[] page) {
        if (delta.length < 1 || delta.length > PAGE) {
            return false;
        }
        int at = 0;
        int done = 0;
        for (boolean literal = false; at < delta.length || literal; literal = !literal) {
            if (delta.length - at < 2) {
                return false;
            }
            boolean first = at == 0;
            int length = delta[at++];
            if (length < 0) {
                int high = delta[at++];
                if (high < 0) {
                    return false;
                }
                length = (length & 0x7f) + 128 * high;
            }
            if ((length == 0 && !first) || done + length > PAGE) {
                return false;
            }
            if (literal) {
                if (at + length > delta.length) {
                    return false;
                }
                System.arraycopy(delta, at, page, done, length);
                at += length;
            }
            done += length;
        }
        return true;
    }
}
