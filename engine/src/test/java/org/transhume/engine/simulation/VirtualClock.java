package org.transhume.engine.simulation;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.Condition;
import org.transhume.engine.Clock;

/**
 * Time that passes only when somebody says so: the migration's thread, through whatever it does in the simulation. Waiting
 * moves it on to the end of the wait, or to what happens before.
 */
final class VirtualClock implements Clock {
    static final long NEVER = Long.MAX_VALUE;

    private static final int PATIENCE_SECONDS = 10;

    /** What will happen by itself. */
    interface Coming {
        /** When something nobody waits for happens next, or NEVER. */
        long aside();

        /** Lets that happen, and returns when whoever hears of it has done with it. */
        void happenAside();

        /** When what is waited for happens, or NEVER. */
        long awaited();

        /** Lets that happen: whoever hears of it signals the one that waits. */
        void happen();
    }

    private final Coming coming;
    private final AtomicLong now = new AtomicLong(1);

    VirtualClock(Coming coming) {
        this.coming = coming;
    }

    void advance(double nanos) {
        passTo(now.get() + Math.max(0, (long) nanos));
    }

    private void passTo(long time) {
        for (long at = coming.aside(); at <= time; at = coming.aside()) {
            now.accumulateAndGet(at, Math::max);
            coming.happenAside();
        }
        now.accumulateAndGet(time, Math::max);
    }

    @Override
    public long nanos() {
        return now.get();
    }

    @Override
    @SuppressWarnings("WaitNotInLoop") // the loop is the caller's
    public void await(Condition condition, long nanos) throws InterruptedException {
        long end = nanos > NEVER - now.get() ? NEVER : now.get() + nanos;
        long at = coming.awaited();
        passTo(Math.min(at, end));
        if (at > end) {
            return;
        }
        coming.happen();
        if (!condition.await(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
            throw new AssertionError("what the simulation let happen reached nobody");
        }
    }
}
