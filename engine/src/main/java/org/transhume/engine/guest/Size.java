package org.transhume.engine.guest;

/** Sizes as people write them: {@code 64M}, {@code 4G}, {@code 1T}; without a letter, bytes. */
public final class Size {
    private static final String LETTERS = "KMGT";

    private Size() {}

    /** @throws IllegalArgumentException saying what came and what was expected */
    public static long parse(String text) {
        int letter = text.isEmpty() ? -1 : LETTERS.indexOf(Character.toUpperCase(text.charAt(text.length() - 1)));
        String digits = letter < 0 ? text : text.substring(0, text.length() - 1);
        try {
            long number = Long.parseLong(digits);
            long unit = 1L << (10 * (letter + 1));
            if (number >= 0 && number <= Long.MAX_VALUE / unit) {
                return number * unit;
            }
        } catch (NumberFormatException e) {
            // said below
        }
        throw new IllegalArgumentException("size '%s': expected a number with K, M, G, T or nothing".formatted(text));
    }
}
