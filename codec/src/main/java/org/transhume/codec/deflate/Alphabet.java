package org.transhume.codec.deflate;

/** The two alphabets of RFC 1951, section 3.2.5: literals with lengths, and distances. */
final class Alphabet {
    static final int END_OF_BLOCK = 256;
    static final int LITERALS = 286; // with lengths and the end of a block
    static final int DISTANCES = 30;
    static final int SHORTEST = 3;
    static final int LONGEST = 258;
    static final int FARTHEST = 1 << 15;

    private static final int FIRST_LENGTH = 257;
    private static final byte[] LENGTH_SYMBOLS = new byte[LONGEST + 1]; // less FIRST_LENGTH
    private static final short[] LENGTH_BASES = new short[LITERALS - FIRST_LENGTH];
    private static final byte[] LENGTH_EXTRAS = new byte[LITERALS - FIRST_LENGTH];

    static {
        int length = SHORTEST;
        for (int symbol = 0; symbol < LENGTH_BASES.length; symbol++) {
            int extra = symbol < 8 ? 0 : (symbol >> 2) - 1;
            boolean last = symbol == LENGTH_BASES.length - 1;
            LENGTH_BASES[symbol] = (short) (last ? LONGEST : length);
            LENGTH_EXTRAS[symbol] = (byte) (last ? 0 : extra);
            for (int i = 0; i < 1 << extra && length <= LONGEST; i++) {
                LENGTH_SYMBOLS[length++] = (byte) symbol;
            }
        }
        LENGTH_SYMBOLS[LONGEST] =
                (byte) (LENGTH_BASES.length - 1); // its own symbol, though the one before could say it
    }

    private Alphabet() {}

    static int lengthSymbol(int length) {
        return FIRST_LENGTH + LENGTH_SYMBOLS[length];
    }

    /** Bits behind the symbol of {@code length}. */
    static int lengthExtra(int length) {
        return LENGTH_EXTRAS[LENGTH_SYMBOLS[length]];
    }

    /** Bits behind {@code symbol}, 257 and up. */
    static int extraOfLengthSymbol(int symbol) {
        return LENGTH_EXTRAS[symbol - FIRST_LENGTH];
    }

    static int lengthRest(int length) {
        return length - LENGTH_BASES[LENGTH_SYMBOLS[length]];
    }

    static int distanceSymbol(int distance) {
        int less = distance - 1;
        if (less < 4) {
            return less;
        }
        int log = 31 - Integer.numberOfLeadingZeros(less);
        return 2 * log + ((less >>> (log - 1)) & 1);
    }

    /** Bits behind {@code symbol}. */
    static int distanceExtra(int symbol) {
        return symbol < 4 ? 0 : (symbol >> 1) - 1;
    }

    static int distanceRest(int distance, int extra) {
        return (distance - 1) & ((1 << extra) - 1);
    }
}
