package org.transhume.codec.deflate;

import java.util.Arrays;

/** Blocks of RFC 1951, section 3.2.3: stored, in the fixed codes or in codes of their own, whichever is shortest. */
final class Block {
    /** Bytes that one stored block can have. */
    static final int STORED_MOST = 0xffff;

    /** Bytes in front of them, at most. */
    static final int STORED_COST = 5;

    private static final int STORED = 0;
    private static final int FIXED = 1;
    private static final int DYNAMIC = 2;
    private static final int KIND_BITS = 3; // never the last block of a stream

    private static final int LONGEST_CODE = 15;
    private static final int LONGEST_CODE_OF_LENGTHS = 7;
    private static final int LEAST_LITERALS = 257;
    private static final byte[] ORDER = {16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15};
    private static final int LEAST_ORDER = 4;
    private static final int AGAIN = 16; // the last length, 3..6 times
    private static final int ZEROES = 17; // 3..10
    private static final int MANY_ZEROES = 18; // 11..138

    private static final PrefixCode FIXED_LITERALS = fixedLiterals();
    private static final PrefixCode FIXED_DISTANCES = fixedDistances();

    final PrefixCode literals = new PrefixCode(Alphabet.LITERALS, LONGEST_CODE);
    final PrefixCode distances = new PrefixCode(Alphabet.DISTANCES, LONGEST_CODE);

    private final PrefixCode lengths = new PrefixCode(ORDER.length, LONGEST_CODE_OF_LENGTHS);
    private final byte[] both = new byte[Alphabet.LITERALS + Alphabet.DISTANCES];
    private final byte[] runs = new byte[both.length]; // symbols of the code of lengths
    private final byte[] times = new byte[both.length]; // and how often beyond the least
    private final int[] matchWords = new int[Alphabet.LONGEST + 1]; // code and rest << 8 | bits

    /** Before symbols are counted. */
    void clear() {
        Arrays.fill(literals.counts, 0);
        Arrays.fill(distances.counts, 0);
        literals.counts[Alphabet.END_OF_BLOCK] = 1;
    }

    /** Writes what {@code repeats} found and counted between {@code from} and {@code to}. */
    void write(byte[] window, int from, int to, Repeats repeats, BitOutput out) {
        literals.build();
        distances.build();
        int literalEnd = literals.end(LEAST_LITERALS);
        int distanceEnd = distances.end(1);
        int pieces = describe(literalEnd, distanceEnd);
        int order = ORDER.length;
        while (order > LEAST_ORDER && lengths.lengths[ORDER[order - 1]] == 0) {
            order--;
        }
        long rests = rests();
        long dynamic =
                14 + 3 * order + describedBits(pieces) + literals.bits(literals) + distances.bits(distances) + rests;
        long fixed = FIXED_LITERALS.bits(literals) + FIXED_DISTANCES.bits(distances) + rests;
        int bytes = to - from;
        long stored = Byte.SIZE * (bytes + (long) STORED_COST * (bytes / STORED_MOST + 1));
        if (stored <= dynamic && stored <= fixed) {
            store(window, from, bytes, out);
            return;
        }
        boolean own = dynamic < fixed;
        out.put((own ? DYNAMIC : FIXED) << 1, KIND_BITS);
        if (own) {
            header(literalEnd, distanceEnd, order, pieces, out);
        }
        PrefixCode ofLiterals = own ? literals : FIXED_LITERALS;
        PrefixCode ofDistances = own ? distances : FIXED_DISTANCES;
        symbols(window, from, to, repeats, ofLiterals.words, ofDistances.words, out);
    }

    private void header(int literalEnd, int distanceEnd, int order, int pieces, BitOutput out) {
        out.put(literalEnd - LEAST_LITERALS, 5);
        out.put(distanceEnd - 1, 5);
        out.put(order - LEAST_ORDER, 4);
        for (int i = 0; i < order; i++) {
            out.put(lengths.lengths[ORDER[i]], 3);
        }
        for (int i = 0; i < pieces; i++) {
            int word = lengths.words[runs[i]];
            out.put(word >>> 8, word & 0xff);
            out.put(times[i], restBits(runs[i]));
        }
    }

    /** As they are; with {@code bytes} 0 a flush. */
    static void store(byte[] window, int from, int bytes, BitOutput out) {
        int at = from;
        int left = bytes;
        do {
            int piece = Math.min(left, STORED_MOST);
            out.put(STORED << 1, KIND_BITS);
            out.align();
            out.put(piece | (~piece & 0xffffL) << 16, 32);
            out.copy(window, at, piece);
            at += piece;
            left -= piece;
        } while (left > 0);
    }

    private void symbols(
            byte[] window, int from, int to, Repeats repeats, int[] literalWords, int[] distanceWords, BitOutput out) {
        for (int length = Alphabet.SHORTEST; length <= Alphabet.LONGEST; length++) {
            int word = literalWords[Alphabet.lengthSymbol(length)];
            int bits = word & 0xff;
            matchWords[length] =
                    (word >>> 8 | Alphabet.lengthRest(length) << bits) << 8 | (bits + Alphabet.lengthExtra(length));
        }
        int at = from;
        for (int i = 0; at < to; i++) {
            boolean match = i < repeats.matches();
            int run = match ? at + repeats.runs[i] : to;
            literals(window, at, run, literalWords, out);
            at = run;
            if (match) {
                match(matchWords[repeats.lengths[i]], repeats.distances[i] & 0xffff, distanceWords, out);
                at += repeats.lengths[i];
            }
        }
        int end = literalWords[Alphabet.END_OF_BLOCK];
        out.put(end >>> 8, end & 0xff);
    }

    private static void literals(byte[] window, int from, int to, int[] words, BitOutput out) {
        int at = from;
        for (; at <= to - 3; at += 3) {
            int first = words[window[at] & 0xff];
            int second = words[window[at + 1] & 0xff];
            int third = words[window[at + 2] & 0xff];
            int bits = first & 0xff;
            int more = bits + (second & 0xff);
            out.put(first >>> 8 | (long) (second >>> 8) << bits | (long) (third >>> 8) << more, more + (third & 0xff));
        }
        for (; at < to; at++) {
            int word = words[window[at] & 0xff];
            out.put(word >>> 8, word & 0xff);
        }
    }

    private static void match(int matchWord, int distance, int[] distanceWords, BitOutput out) {
        int symbol = Alphabet.distanceSymbol(distance);
        int extra = Alphabet.distanceExtra(symbol);
        int word = distanceWords[symbol];
        int bits = matchWord & 0xff;
        int more = bits + (word & 0xff);
        out.put(
                matchWord >>> 8 | (long) (word >>> 8) << bits | (long) Alphabet.distanceRest(distance, extra) << more,
                more + extra);
    }

    /** The lengths of both codes as symbols of a third (section 3.2.7). Returns how many those are. */
    private int describe(int literalEnd, int distanceEnd) {
        System.arraycopy(literals.lengths, 0, both, 0, literalEnd);
        System.arraycopy(distances.lengths, 0, both, literalEnd, distanceEnd);
        int all = literalEnd + distanceEnd;
        Arrays.fill(lengths.counts, 0);
        int pieces = 0;
        for (int at = 0; at < all; ) {
            byte length = both[at];
            int same = 1;
            while (at + same < all && both[at + same] == length) {
                same++;
            }
            at += same;
            if (length != 0) {
                pieces = piece(pieces, length, 0);
                same--;
            }
            int symbol = length == 0 ? ZEROES : AGAIN;
            while (same >= 3) {
                boolean many = symbol == ZEROES && same > 10;
                int most = many ? 138 : symbol == ZEROES ? 10 : 6;
                int least = many ? 11 : 3;
                int taken = Math.min(same, most);
                pieces = piece(pieces, many ? MANY_ZEROES : symbol, taken - least);
                same -= taken;
            }
            for (; same > 0; same--) {
                pieces = piece(pieces, length, 0);
            }
        }
        lengths.build();
        return pieces;
    }

    private int piece(int index, int symbol, int more) {
        runs[index] = (byte) symbol;
        times[index] = (byte) more;
        lengths.counts[symbol]++;
        return index + 1;
    }

    private long describedBits(int pieces) {
        long bits = lengths.bits(lengths);
        for (int i = 0; i < pieces; i++) {
            bits += restBits(runs[i]);
        }
        return bits;
    }

    private static int restBits(int symbol) {
        return switch (symbol) {
            case AGAIN -> 2;
            case ZEROES -> 3;
            case MANY_ZEROES -> 7;
            default -> 0;
        };
    }

    /** Bits behind symbols. */
    private long rests() {
        long bits = 0;
        for (int symbol = LEAST_LITERALS; symbol < Alphabet.LITERALS; symbol++) {
            bits += (long) literals.counts[symbol] * Alphabet.extraOfLengthSymbol(symbol);
        }
        for (int symbol = 0; symbol < Alphabet.DISTANCES; symbol++) {
            bits += (long) distances.counts[symbol] * Alphabet.distanceExtra(symbol);
        }
        return bits;
    }

    private static PrefixCode fixedLiterals() {
        PrefixCode code = new PrefixCode(288, LONGEST_CODE);
        Arrays.fill(code.lengths, 0, 144, (byte) 8);
        Arrays.fill(code.lengths, 144, 256, (byte) 9);
        Arrays.fill(code.lengths, 256, 280, (byte) 7);
        Arrays.fill(code.lengths, 280, 288, (byte) 8);
        code.number();
        return code;
    }

    private static PrefixCode fixedDistances() {
        PrefixCode code = new PrefixCode(32, LONGEST_CODE);
        Arrays.fill(code.lengths, (byte) 5);
        code.number();
        return code;
    }
}
