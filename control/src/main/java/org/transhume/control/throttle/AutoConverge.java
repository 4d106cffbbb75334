package org.transhume.control.throttle;

import java.util.function.Supplier;
import org.transhume.engine.Guest;
import org.transhume.engine.outgoing.ThrottlePolicy;

/** Capability {@code auto-converge}: takes more and more of its time from a guest that is too fast, never gives some back. */
public final class AutoConverge implements ThrottlePolicy {
    private static final int LEAST = 1;
    private static final int MOST = 99;

    /**
     * The parameters of these names; a change acts with the next judgement.
     *
     * @param threshold percent of what was sent that may be dirtied, 1..100
     * @param initial first percentage, 1..99
     * @param increment of each further step, 1..99
     * @param tailslow smaller steps towards the end
     * @param max highest percentage, 1..99
     */
    public record Tuning(int threshold, int initial, int increment, boolean tailslow, int max) {}

    private final Supplier<Tuning> tuning;
    private final TooDirty tooDirty = new TooDirty();
    private volatile int percent; // written by the migration's thread

    public AutoConverge(Supplier<Tuning> tuning) {
        this.tuning = tuning;
    }

    @Override
    public void judge(Guest guest, long dirtied, long sent) {
        Tuning now = tuning.get();
        if (tooDirty.period(dirtied, sent, now.threshold)) {
            percent = next(now, dirtied, sent);
            guest.throttle(percent);
        }
    }

    private int next(Tuning now, long dirtied, long sent) {
        if (percent == 0) {
            return Math.clamp(now.initial, LEAST, MOST);
        }
        int step = now.increment;
        if (now.tailslow) {
            int running = 100 - percent;
            int ideal = (int) ((double) running * TooDirty.allowed(sent, now.threshold) / dirtied);
            step = Math.min(running - ideal, step);
        }
        // A maximum that was lowered meanwhile ends the rise; it does not make the guest faster.
        return Math.clamp(Math.max(percent, Math.min(percent + step, now.max)), LEAST, MOST);
    }

    @Override
    public void lift(Guest guest) {
        if (percent != 0) {
            percent = 0;
            guest.throttle(0);
        }
    }

    @Override
    public int percent() {
        return percent;
    }

    @Override
    public boolean forcesHarvests() {
        return true;
    }
}
