package org.transhume.codec.compression;

/** Compression levels, as users give them. */
final class Levels {
    private Levels() {}

    static int check(int level, int lowest, int highest) {
        if (level < lowest || level > highest) {
            throw new IllegalArgumentException("level=%d: expected %d..%d".formatted(level, lowest, highest));
        }
        return level;
    }
}
