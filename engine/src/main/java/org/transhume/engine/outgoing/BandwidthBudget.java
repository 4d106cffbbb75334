package org.transhume.engine.outgoing;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.transhume.engine.Clock;

/**
 * Bytes per second that any number of outgoing migrations of this process share, given to them by
 * {@link OutgoingConfig.Builder#budget}. Those that wait for it get the same, whatever each asks for at a time; what one leaves
 * is there for the others, so that the budget is used up while anybody has pages to send. Each keeps its own
 * {@code maxBandwidth} below it. In any time no more goes out than that time's worth, 50 ms' worth and a batch, but for what
 * waits for no cap either: the pages of a pause, and those that a guest in postcopy stands for. These are made up for afterwards.
 *
 * <p>Any thread. Belongs to whoever made it and holds nothing; what a migration took goes back as time goes by, whatever
 * becomes of it.
 */
public final class BandwidthBudget {
    /** What nobody took may be taken later, but no longer: threads wake late, and a link's queues are not to fill at once. */
    private static final long CATCH_UP_NANOS = 50_000_000;

    /** A share that was not there in its turn may catch up on this part of a second of the whole budget. */
    private static final int CREDITS_PER_SECOND = 10;

    private static final double NANOS_PER_SECOND = 1e9;

    private final Clock clock;
    final ReentrantLock lock = new ReentrantLock(); // a test holds it that steps through reserve
    private final List<Share> line = new ArrayList<>(); // those that wait
    private volatile long bytesPerSecond;
    private final AtomicInteger guests = new AtomicInteger();
    private long spentUntil; // by the clock
    private long served; // bytes that a share had taken when it was last its turn, of the share that had most

    /**
     * @param bytesPerSecond 0 is no limit
     * @throws IllegalArgumentException if it is less
     */
    public BandwidthBudget(long bytesPerSecond) {
        this(bytesPerSecond, Clock.SYSTEM);
    }

    /** @param clock where time comes from */
    public BandwidthBudget(long bytesPerSecond, Clock clock) {
        this.bytesPerSecond = checked(bytesPerSecond);
        this.clock = clock;
        this.spentUntil = clock.nanos();
    }

    /** What all of them have together; 0 is no limit. */
    public long bytesPerSecond() {
        return bytesPerSecond;
    }

    /**
     * Changes it at once; 0 lifts it.
     *
     * @throws IllegalArgumentException if it is less
     */
    public void bytesPerSecond(long value) {
        checked(value);
        lock.lock();
        try {
            long now = clock.nanos();
            if (value > 0 && bytesPerSecond > 0 && spentUntil > now) {
                spentUntil = now + (long) ((double) (spentUntil - now) * bytesPerSecond / value);
            } else if (bytesPerSecond == 0) {
                spentUntil = now;
            }
            bytesPerSecond = value;
            line.forEach(share -> share.turn.signalAll());
        } finally {
            lock.unlock();
        }
    }

    /** Migrations under way that share it. */
    public int guests() {
        return guests.get();
    }

    private static long checked(long bytesPerSecond) {
        if (bytesPerSecond < 0) {
            throw new IllegalArgumentException("bytesPerSecond=%d: expected 0 or more".formatted(bytesPerSecond));
        }
        return bytesPerSecond;
    }

    /** Of one migration, which is to enter and leave. */
    Share share() {
        return new Share();
    }

    /** Rounded up, or small batches would add up to more than the budget. */
    private long nanosOf(long bytes) {
        return (long) Math.ceil(bytes * NANOS_PER_SECOND / bytesPerSecond);
    }

    /** Who took least goes first; of those that took the same, who waits longest. */
    private Share first() {
        Share first = null;
        for (int i = 0; i < line.size(); i++) {
            Share share = line.get(i);
            if (first == null || share.taken < first.taken) {
                first = share;
            }
        }
        return first;
    }

    private void callFirst() {
        Share first = first();
        if (first != null) {
            first.turn.signalAll();
        }
    }

    /** What one migration has of it. Taken before a batch is sent and settled behind it. Any thread. */
    final class Share {
        private final Condition turn = lock.newCondition();
        private long taken;
        private int waiting;
        private boolean entered;
        private boolean hurried;
        private boolean stopped;

        private Share() {}

        /** From here on it counts as one of those that share. */
        void enter() {
            lock.lock();
            try {
                taken = served;
                entered = true;
                guests.incrementAndGet();
            } finally {
                lock.unlock();
            }
        }

        /** It wants no more; without effect unless it has entered. */
        void leave() {
            lock.lock();
            try {
                if (entered) {
                    entered = false;
                    guests.decrementAndGet();
                }
            } finally {
                lock.unlock();
            }
        }

        /** Bytes per second to count on while all others want theirs; 0 is no limit. */
        long bytesPerSecond() {
            long all = bytesPerSecond;
            return all == 0 ? 0 : Math.max(1, all / Math.max(1, guests.get()));
        }

        /** Waits for its turn, then takes {@code bytes}. Returns at once after {@link #stop}. */
        void reserve(long bytes) throws InterruptedException {
            if (bytesPerSecond == 0 || bytes == 0) {
                return;
            }
            lock.lock();
            try {
                queue();
                try {
                    for (long nanos = untilTurn(); nanos > 0; nanos = untilTurn()) {
                        clock.await(turn, nanos);
                    }
                    if (bytesPerSecond > 0) {
                        take(bytes);
                    }
                } finally {
                    unqueue();
                }
            } finally {
                lock.unlock();
            }
        }

        /** Takes {@code bytes} without waiting; others wait the longer for it, and this share longest. */
        void takeAtOnce(long bytes) {
            if (bytesPerSecond == 0) {
                return;
            }
            lock.lock();
            try {
                charge(bytes);
            } finally {
                lock.unlock();
            }
        }

        /** A batch for which {@code reserved} was taken has put {@code actual} bytes on its channel. */
        void settle(long reserved, long actual) {
            if (bytesPerSecond == 0 || reserved == actual) {
                return;
            }
            lock.lock();
            try {
                if (bytesPerSecond > 0) {
                    spentUntil += nanosOf(actual - reserved);
                    taken += actual - reserved;
                    callFirst(); // there is room again, or this share waits and is first no more
                }
            } finally {
                lock.unlock();
            }
        }

        /** It need not wait this time, or the next if it does not. */
        void hurry() {
            lock.lock();
            try {
                hurried = true;
                turn.signalAll();
            } finally {
                lock.unlock();
            }
        }

        /** It waits no more, until {@link #beginAgain}. */
        void stop() {
            lock.lock();
            try {
                stopped = true;
                turn.signalAll();
            } finally {
                lock.unlock();
            }
        }

        void beginAgain() {
            lock.lock();
            try {
                stopped = false;
            } finally {
                lock.unlock();
            }
        }

        // What follows are the steps of reserve, apart so that a test can take them in its own time. The lock is held.

        void queue() {
            if (waiting++ == 0) {
                // Who was away does not get what it did not want, or it would have the budget to itself for as long.
                taken = Math.max(taken, served - bytesPerSecond / CREDITS_PER_SECOND);
                line.add(this);
            }
        }

        /** 0: it is its turn. */
        long untilTurn() {
            if (stopped || hurried || bytesPerSecond == 0) {
                return 0;
            }
            return first() == this ? Math.max(0, spentUntil - clock.nanos()) : Long.MAX_VALUE;
        }

        void take(long bytes) {
            if (!hurried && !stopped) {
                served = Math.max(served, taken); // what is taken out of turn must not make those who come seem late
            }
            hurried = false;
            charge(bytes);
        }

        void unqueue() {
            if (--waiting == 0) {
                line.remove(this);
            }
            callFirst();
        }

        private void charge(long bytes) {
            spentUntil = Math.max(spentUntil, clock.nanos() - CATCH_UP_NANOS) + nanosOf(bytes);
            taken += bytes;
        }
    }
}
