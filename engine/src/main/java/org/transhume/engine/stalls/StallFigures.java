package org.transhume.engine.stalls;

import java.util.List;

/**
 * How long threads waited for pages.
 *
 * @param all over all threads
 * @param latencies how many of those waits took how long: number n of them from 2^n to 2^(n+1) microseconds, the first also less,
 *     the last also more; {@link #BUCKETS} of them
 * @param vcpus of each virtual CPU, in their order; empty while nobody knows them
 * @param others over all threads that are no virtual CPU
 * @param allStalledNanos for how long all virtual CPUs waited at once; with a wait that lasts
 * @param waiting threads that wait now
 * @param untold waits of threads beyond those of which account is kept
 */
public record StallFigures(
        Waits all,
        List<Long> latencies,
        List<Waits> vcpus,
        Waits others,
        long allStalledNanos,
        int waiting,
        long untold) {
    /** Length of {@link #latencies}: the last begins at half an hour. */
    public static final int BUCKETS = 32;

    /**
     * Waits for one page each.
     *
     * @param count of those that ended
     * @param endedNanos what these took
     * @param nanos that, and for how long those last that did not end
     */
    public record Waits(long count, long endedNanos, long nanos) {
        static final Waits NONE = new Waits(0, 0, 0);

        Waits with(Waits more) {
            return new Waits(count + more.count, endedNanos + more.endedNanos, nanos + more.nanos);
        }

        /** From a fault until the page was there; 0 if there was none. */
        public long meanNanos() {
            return count == 0 ? 0 : endedNanos / count;
        }
    }
}
