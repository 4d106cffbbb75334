package org.transhume.control.throttle;

import java.util.function.Supplier;
import org.transhume.engine.Guest;
import org.transhume.engine.outgoing.ThrottlePolicy;

/** Capability {@code dirty-limit}: holds every virtual CPU to a quota once the guest is too fast. */
public final class DirtyLimitPolicy implements ThrottlePolicy {
    /**
     * The parameters of these names; a change acts with the next judgement.
     *
     * @param threshold percent of what was sent that may be dirtied, 1..100
     * @param mebibytes a second that a vCPU may dirty; unsigned
     */
    public record Tuning(int threshold, long mebibytes) {}

    private final DirtyLimits limits;
    private final Supplier<Tuning> tuning;
    private final TooDirty tooDirty = new TooDirty();
    private boolean acted;

    public DirtyLimitPolicy(DirtyLimits limits, Supplier<Tuning> tuning) {
        this.limits = limits;
        this.tuning = tuning;
    }

    @Override
    public void judge(Guest guest, long dirtied, long sent) {
        Tuning now = tuning.get();
        if (tooDirty.period(dirtied, sent, now.threshold)) {
            limits.limitAll(now.mebibytes);
            acted = true;
        }
    }

    /** A guest that stays is not held to a quota that was meant for its migration. */
    @Override
    public void lift(Guest guest) {
        if (acted) {
            limits.limitAll(0);
        }
    }
}
