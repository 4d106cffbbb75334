package org.transhume.engine.guest;

/** Sizes as people write them: {@code 64M}, {@code 4G}, {@code 1T}; without a letter, bytes. */
public final class Size {
    private static final String LETTERS = "KMGT";

    private Size() {}

    /** @throws IllegalArgumentException saying what came and what was expected */
    public static long parse(String text) {
        int letter = text.isEmpty() ? -1 : LETTERS.indexOf(Character.toUpperCase(text.charAt(text.length() - 1)));
        String digits = letter < 0 ? text : text.substring(0, text.length() - 1);
        // parseLong alone would take a sign and the digits of any script
        if (digits.matches("[0-9]{1,19}")) {
            try {
                return Math.multiplyExact(Long.parseLong(digits), 1L << (10 * (letter + 1)));
            } catch (ArithmeticException | NumberFormatException e) {
                // said below
            }
        }
        throw new IllegalArgumentException("size '%s': expected a number with K, M, G, T or nothing".formatted(text));
    }
}
