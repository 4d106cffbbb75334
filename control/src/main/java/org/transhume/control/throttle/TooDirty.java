package org.transhume.control.throttle;

/**
 * Tells whether a guest writes too much for its migration: when in two periods, which need not follow each other, it dirtied more
 * than a part of what was sent. One thread.
 */
final class TooDirty {
    private static final int PERIODS = 2;

    private int high;

    /**
     * @param dirtied bytes in the period
     * @param sent bytes in the period
     * @param threshold percent of {@code sent}
     * @return whether it is time to act; it then takes two more such periods
     */
    boolean period(long dirtied, long sent, int threshold) {
        if (dirtied <= allowed(sent, threshold)) {
            return false;
        }
        high++;
        if (high < PERIODS) {
            return false;
        }
        high = 0;
        return true;
    }

    /** Bytes that a period may dirty. */
    static long allowed(long sent, int threshold) {
        return (long) ((double) sent * threshold / 100);
    }
}
