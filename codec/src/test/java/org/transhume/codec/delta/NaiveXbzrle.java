package org.transhume.codec.delta;

import java.io.ByteArrayOutputStream;

/** The format as stream.md §3.1 has it, byte by byte: rule by rule, with nothing of ours. */
final class NaiveXbzrle {
    private static final int LIMIT = 4096;

    private NaiveXbzrle() {}

    /** The delta; empty if unchanged; null on overflow. */
    static byte[] encode(byte[] old, byte[] fresh) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        int i = 0;
        while (i < fresh.length) {
            if (out.size() + 2 > LIMIT) {
                return null;
            }
            int start = i;
            while (i < fresh.length && old[i] == fresh[i]) {
                i++;
            }
            if (i == fresh.length) {
                return out.toByteArray();
            }
            length(out, i - start);
            if (out.size() + 2 > LIMIT) {
                return null;
            }
            start = i;
            while (i < fresh.length && old[i] != fresh[i]) {
                i++;
            }
            length(out, i - start);
            if (out.size() + i - start > LIMIT) {
                return null;
            }
            out.write(fresh, start, i - start);
        }
        return out.toByteArray();
    }

    private static void length(ByteArrayOutputStream out, int value) {
        if (value < 128) {
            out.write(value);
        } else {
            out.write((value & 0x7f) | 0x80);
            out.write(value >>> 7);
        }
    }

    /** Whether {@code delta} is well formed; applies it to {@code page}, as far as it goes. */
    static boolean decode(byte[] delta, byte[] page) {
        int[] at = {0};
        int done = 0;
        if (delta.length == 0 || delta.length > LIMIT) {
            return false;
        }
        while (at[0] < delta.length) {
            boolean first = at[0] == 0;
            int equal = length(delta, at);
            if (equal < 0 || (equal == 0 && !first)) {
                return false;
            }
            done += equal;
            int run = length(delta, at);
            if (run <= 0 || done + run > page.length || at[0] + run > delta.length) {
                return false;
            }
            System.arraycopy(delta, at[0], page, done, run);
            at[0] += run;
            done += run;
        }
        return true;
    }

    private static int length(byte[] delta, int[] at) {
        if (delta.length - at[0] < 2) {
            return -1;
        }
        int low = delta[at[0]++];
        if (low >= 0) {
            return low;
        }
        int high = delta[at[0]++];
        return high < 0 ? -1 : (low & 0x7f) | high << 7;
    }
}
