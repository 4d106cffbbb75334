package org.transhume.engine.guest;

/**
 * When a virtual CPU that is slowed down sleeps: it runs for 10 ms, then sleeps so long that its share of the time is what
 * is left of 100 % (spec: control.md §6.8). One vCPU, its thread.
 */
final class ThrottleSlices {
    static final long RUN_NANOS = 10_000_000;

    private int percent;
    private long next;

    /** From one sleep's beginning to the next one's. */
    static long periodNanos(int percent) {
        return RUN_NANOS * 100 / (100 - percent);
    }

    /** Never zero, so that 1 % is felt, too. */
    static long sleepNanos(int percent) {
        return RUN_NANOS * percent / (100 - percent) + 1;
    }

    /**
     * Asked again and again while it runs.
     *
     * @param percent of its time that it is to sleep from now on, 0..99
     * @return nanoseconds to sleep now; 0 to run on
     */
    long due(long now, int percent) {
        boolean begins = this.percent == 0;
        this.percent = percent;
        if (percent == 0) {
            return 0;
        }
        if (begins) {
            next = now + RUN_NANOS;
        }
        if (now - next < 0) {
            return 0;
        }
        // From tick to tick, so that a sleep that lasted too long shortens the run behind it; a tick missed is not made
        // up.
        next += periodNanos(percent);
        if (now - next >= 0) {
            next = now + periodNanos(percent);
        }
        return sleepNanos(percent);
    }
}
