package org.transhume.engine.outgoing;

import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.transhume.engine.Clock;

/**
 * Keeps all channels together under a cap, in windows of 100 ms, and smooth within a window: a tenth of it opens every 10 ms, so
 * that a slow link's queues do not fill with a window's burst. The scanner reserves before it hands out a batch and a lane
 * settles what the batch really took, so that the ring never holds more than a window's worth. Once a batch, not once a page.
 * Below the cap the same batches are taken from a share of what several migrations have together.
 */
final class RateLimit {
    private static final long WINDOW_NANOS = 100_000_000;
    private static final int WINDOWS_PER_SECOND = 10;
    private static final int SLICES = 10;
    private static final long SLICE_NANOS = WINDOW_NANOS / SLICES;

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private long bytesPerSecond;
    private final BandwidthBudget.Share share;
    private final Clock clock;
    private long windowStart;
    private long used;
    private long inFlight;
    private boolean stopped;
    private boolean hurried;
    private volatile boolean lifted;

    /** @param bytesPerSecond 0 is no cap */
    RateLimit(long bytesPerSecond, Clock clock) {
        this(bytesPerSecond, new BandwidthBudget(0, clock), clock);
    }

    /** @param budget what it shares with others */
    RateLimit(long bytesPerSecond, BandwidthBudget budget, Clock clock) {
        this.bytesPerSecond = bytesPerSecond;
        this.share = budget.share();
        this.clock = clock;
        this.windowStart = clock.nanos();
    }

    /** Takes part in the budget, until {@link #leave}. */
    void enter() {
        share.enter();
    }

    void leave() {
        share.leave();
    }

    /** Nothing makes it wait, until a cap is {@link #set}; what goes out is taken from the budget all the same. Any thread. */
    void lift() {
        set(0);
        lifted = true;
    }

    /** Changes the cap at once. Any thread. */
    void set(long bytesPerSecond) {
        lock.lock();
        try {
            this.bytesPerSecond = bytesPerSecond;
            lifted = false;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** What it may send, or count on where it shares; 0 is no cap. Any thread. */
    long bytesPerSecond() {
        lock.lock();
        try {
            return lifted ? 0 : lesser(bytesPerSecond);
        } finally {
            lock.unlock();
        }
    }

    /** The lower of {@code cap} and what it can count on of the budget, where 0 is none. Any thread. */
    long lesser(long cap) {
        long shared = share.bytesPerSecond();
        return cap == 0 || shared == 0 ? Math.max(cap, shared) : Math.min(cap, shared);
    }

    /** What a window has room for; without a cap more than anybody has. */
    long windowBytes() {
        long cap = bytesPerSecond();
        return cap == 0 ? Long.MAX_VALUE : cap / WINDOWS_PER_SECOND;
    }

    /** Waits until there is room in a window, then takes {@code bytes} of it. Returns at once after {@link #stop}. */
    void reserve(long bytes) {
        lock.lock();
        try {
            while (!stopped && !hurried && bytesPerSecond > 0) {
                long now = clock.nanos();
                long budget = bytesPerSecond / WINDOWS_PER_SECOND;
                long windows = (now - windowStart) / WINDOW_NANOS;
                windowStart += windows * WINDOW_NANOS;
                // What a window sent over its budget counts in the next: a batch may be larger than a window.
                used = windows > used / Math.max(1, budget) ? 0 : used - windows * budget;
                long slices = (now - windowStart) / SLICE_NANOS + 1;
                // The last batch of a window may reach into the next: waiting for one that fits would waste the rest.
                if (used + inFlight == 0 || used + inFlight < budget / SLICES * slices) {
                    break;
                }
                clock.await(changed, windowStart + slices * SLICE_NANOS - now);
            }
            hurried = false;
            inFlight += bytes;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            stopped = true;
        } finally {
            lock.unlock();
        }
        takeShare(bytes);
    }

    private void takeShare(long bytes) {
        if (lifted) {
            share.takeAtOnce(bytes);
            return;
        }
        try {
            share.reserve(bytes);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            stop();
        }
    }

    /** Whoever waits for room, or is the next to ask for it, need not. Any thread. */
    void hurry() {
        lock.lock();
        try {
            hurried = true;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
        share.hurry();
    }

    /** Waits for {@code nanos}, or until {@link #stop}; with a cap or without. */
    void rest(long nanos) {
        long end = clock.nanos() + nanos;
        lock.lock();
        try {
            for (long left = nanos; left > 0 && !stopped; left = end - clock.nanos()) {
                clock.await(changed, left);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            stopped = true;
        } finally {
            lock.unlock();
        }
    }

    /** A batch for which {@code reserved} was taken has put {@code actual} bytes on its channel. Any thread. */
    void settle(long reserved, long actual) {
        lock.lock();
        try {
            inFlight -= reserved;
            used += actual;
            if (reserved > actual) {
                changed.signalAll();
            }
        } finally {
            lock.unlock();
        }
        share.settle(reserved, actual);
    }

    /** After {@link #stop}, or with batches that never arrived: from here on as at first. Nobody sends. */
    void beginAgain() {
        lock.lock();
        try {
            stopped = false;
            inFlight = 0;
            used = 0;
            windowStart = clock.nanos();
        } finally {
            lock.unlock();
        }
        share.beginAgain();
    }

    /** Nobody waits any more. Any thread. */
    void stop() {
        lock.lock();
        try {
            stopped = true;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
        share.stop();
    }
}
