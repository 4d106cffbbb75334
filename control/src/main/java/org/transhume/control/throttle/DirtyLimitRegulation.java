package org.transhume.control.throttle;

/**
 * Finds how long a virtual CPU has to sleep each time its ring is full, so that it dirties about its quota (spec: control.md
 * §6.9). Rates are MiB a second, times microseconds. One thread.
 */
final class DirtyLimitRegulation {
    private static final long TOLERANCE = 25;
    private static final long LINEAR_PERCENT = 50;
    private static final long MOST_RINGS = 99;
    private static final long STEPS = 10;

    private long sleep;

    /**
     * @param ringFull time in which the ring fills at the largest rate ever seen
     * @return how long to sleep from now on
     */
    long next(long quota, long current, long ringFull) {
        if (current == 0) {
            sleep = 0;
        } else if (Math.abs(quota - current) > TOLERANCE) {
            sleep = Math.clamp(sleep + step(quota, current, ringFull), 0, MOST_RINGS * ringFull);
        }
        return sleep;
    }

    private static long step(long quota, long current, long ringFull) {
        boolean tooFast = current > quota;
        long larger = Math.max(quota, current);
        long percent = percent(Math.abs(quota - current), larger);
        long size = percent > LINEAR_PERCENT ? ringFull * percent / (100 - percent) : ringFull / STEPS;
        return tooFast ? size : -size;
    }

    /** Below 100: neither of the two rates is zero. */
    private static long percent(long difference, long larger) {
        return difference > Long.MAX_VALUE / 100
                ? Math.min(99, difference / (larger / 100))
                : Math.min(99, difference * 100 / larger);
    }

    long sleep() {
        return sleep;
    }
}
