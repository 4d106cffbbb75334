package org.transhume.codec.deflate;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * What repeats in the window: runs of literals, each with the match behind it. Takes the last place that began with the same
 * four bytes, at once.
 */
final class Repeats {
    /** Bytes in front of the batch that matches can reach. */
    static final int HISTORY = Alphabet.FARTHEST;

    private static final VarHandle INT = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle LONG = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    private static final int HASH_BITS = 15;
    private static final int MULTIPLIER = 0x9e3779b1;
    private static final int NOWHERE = Integer.MIN_VALUE / 2;
    private static final int MOST_SHIFTED = Integer.MAX_VALUE / 4;
    private static final int PATIENCE = 6; // a run of 1 << PATIENCE bytes without a match: every second byte, and so on
    private static final int LARGEST_STEP = 32;
    private static final int MATCH_ROOM = 1 << 14;

    final int[] runs = new int[MATCH_ROOM]; // literals in front of the match
    final short[] lengths = new short[MATCH_ROOM];
    final short[] distances = new short[MATCH_ROOM]; // 1 << 15 is negative
    private final int[] places = new int[1 << HASH_BITS]; // the last of each hash, in bytes of the stream
    private int shifted; // what index 0 of the window is in the stream

    private int matches;

    Repeats() {
        Arrays.fill(places, NOWHERE);
    }

    int matches() {
        return matches;
    }

    /** The window moved on by {@code bytes}. */
    void shift(int bytes) {
        shifted += bytes;
        if (shifted > MOST_SHIFTED) {
            Arrays.fill(places, NOWHERE);
            shifted = 0;
        }
    }

    /**
     * Finds the matches from {@code from} on, and counts symbols.
     *
     * @param window from index 0 on matches can reach; has 8 bytes more than are looked at
     * @return where it ended, {@code end} or before
     */
    int find(byte[] window, int from, int end, int[] literalCounts, int[] distanceCounts) {
        int[] table = places;
        int found = 0;
        int at = from;
        int run = from;
        int last = end - Long.BYTES;
        while (at <= last) {
            int word = (int) INT.get(window, at);
            int slot = slot(word);
            int place = table[slot] - shifted;
            table[slot] = at + shifted;
            if (place < Math.max(0, at - HISTORY) || (int) INT.get(window, place) != word) {
                at += Math.min(1 + ((at - run) >>> PATIENCE), LARGEST_STEP);
                continue;
            }
            // It may have begun in between, but must end behind this place: who came here again would find itself.
            int earliest = Math.max(run, at - (Alphabet.LONGEST - Integer.BYTES));
            while (at > earliest && place > 0 && window[at - 1] == window[place - 1]) {
                at--;
                place--;
            }
            count(window, run, at, literalCounts);
            int length = same(window, place, at, Math.min(Alphabet.LONGEST, end - at));
            int distance = at - place;
            runs[found] = at - run;
            lengths[found] = (short) length;
            distances[found] = (short) distance;
            literalCounts[Alphabet.lengthSymbol(length)]++;
            distanceCounts[Alphabet.distanceSymbol(distance)]++;
            int behind = at + length;
            if (behind <= last) {
                remember(window, at + 1);
                remember(window, behind - 2);
                remember(window, behind - 1);
            }
            at = behind;
            run = at;
            if (++found == MATCH_ROOM) {
                break;
            }
        }
        matches = found;
        int to = found == MATCH_ROOM ? run : end;
        count(window, run, to, literalCounts);
        return to;
    }

    private static void count(byte[] window, int from, int to, int[] literalCounts) {
        for (int i = from; i < to; i++) {
            literalCounts[window[i] & 0xff]++;
        }
    }

    private static int slot(int word) {
        return (word * MULTIPLIER) >>> (Integer.SIZE - HASH_BITS);
    }

    private void remember(byte[] window, int at) {
        places[slot((int) INT.get(window, at))] = at + shifted;
    }

    /** Bytes that are the same at both places, whose first four are. */
    private static int same(byte[] window, int place, int at, int most) {
        int length = Integer.BYTES;
        while (length <= most - Long.BYTES) {
            long difference = (long) LONG.get(window, place + length) ^ (long) LONG.get(window, at + length);
            if (difference != 0) {
                return length + (Long.numberOfTrailingZeros(difference) >>> 3);
            }
            length += Long.BYTES;
        }
        while (length < most && window[place + length] == window[at + length]) {
            length++;
        }
        return length;
    }
}
