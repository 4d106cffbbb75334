package org.transhume.engine.outgoing;

import org.transhume.engine.Clock;
import org.transhume.engine.Guest;
import org.transhume.memory.PageSize;

/**
 * Asks the {@link ThrottlePolicy} when it is time (spec: control.md §6.5, §6.8), and remembers what it did. The migration's
 * thread; {@link #percent} may be called by anyone.
 */
final class Throttle {
    private static final long PERIOD_NANOS = 1_000_000_000;
    private static final long FORCED_NANOS = 5_000_000_000L;

    private final ThrottlePolicy policy;
    private final Guest guest;
    private final Clock clock;
    private long askedNanos;
    private long askedBytes;
    private long dirtyPages;
    private long tickNanos;
    private int tickPasses;
    private int highest;

    Throttle(ThrottlePolicy policy, Guest guest, Clock clock) {
        this.policy = policy;
        this.guest = guest;
        this.clock = clock;
    }

    /** @param bytes written to all channels so far */
    void begin(long bytes) {
        askedNanos = clock.nanos();
        askedBytes = bytes;
        tickNanos = askedNanos;
    }

    /** Whether the dirty source has to be asked although there is too much left for a pause. */
    boolean harvestDue(int passes) {
        if (!policy.forcesHarvests() || clock.nanos() - tickNanos < FORCED_NANOS) {
            return false;
        }
        tickNanos += FORCED_NANOS;
        boolean still = passes == tickPasses;
        tickPasses = passes;
        return still && passes > 1; // during the first round everything is dirty anyway
    }

    /**
     * The dirty source was asked while the guest ran.
     *
     * @param pages it reported
     * @param bytes written to all channels so far
     */
    void harvested(long pages, long bytes) {
        dirtyPages += pages;
        long now = clock.nanos();
        if (now - askedNanos <= PERIOD_NANOS) {
            return;
        }
        policy.judge(guest, dirtyPages * PageSize.BYTES, bytes - askedBytes);
        highest = Math.max(highest, policy.percent());
        askedNanos = now;
        askedBytes = bytes;
        dirtyPages = 0;
    }

    /** The guest is to run as fast as before. */
    void lift() {
        policy.lift(guest);
    }

    int percent() {
        return policy.percent();
    }

    /** The highest percentage so far. */
    int highest() {
        return highest;
    }
}
