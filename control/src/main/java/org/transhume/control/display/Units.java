package org.transhume.control.display;

import java.util.Locale;

/** Sizes and rates as people read them. */
public final class Units {
    private static final String[] BINARY = {"B", "KiB", "MiB", "GiB", "TiB"};

    private Units() {}

    /** For instance {@code 1.50 GiB}. */
    public static String bytes(long bytes) {
        return scaled((double) bytes);
    }

    private static String scaled(double bytes) {
        int unit = 0;
        while (bytes >= 1024 && unit < BINARY.length - 1) {
            bytes /= 1024;
            unit++;
        }
        return String.format(Locale.ROOT, unit == 0 ? "%.0f %s" : "%.2f %s", bytes, BINARY[unit]);
    }

    public static String rate(double bytesPerSecond) {
        return scaled(bytesPerSecond) + "/s";
    }

    public static String millis(double millis) {
        return millis >= 10_000
                ? String.format(Locale.ROOT, "%.1f s", millis / 1000)
                : String.format(Locale.ROOT, millis >= 100 ? "%.0f ms" : "%.1f ms", millis);
    }
}
