package org.transhume.engine.forecast;

/**
 * Whether a migration will end by itself, and if not, which one of three changes would let it.
 *
 * @param converges whether it will
 * @param bytesPerSecond at which it was judged
 * @param neededBytesPerSecond would do with the limit as it is; 0 if none found would
 * @param neededLimitMillis would do with the bandwidth as it is
 * @param neededThrottle percent to slow the guest down by would do; 0 if none would
 */
public record Verdict(
        boolean converges,
        double bytesPerSecond,
        double neededBytesPerSecond,
        double neededLimitMillis,
        int neededThrottle) {

    static Verdict good(double bytesPerSecond) {
        return new Verdict(true, bytesPerSecond, 0, 0, 0);
    }
}
