package org.transhume.engine.outgoing;

import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.transhume.engine.Clock;

/**
 * Keeps all channels together under a cap, in windows of 100 ms, and smooth within a window: a tenth of it opens every 10 ms, so
 * that a slow link's queues do not fill with a window's burst. The scanner reserves before it hands out a batch and a lane
 * settles what the batch really took, so that the ring never holds more than a window's worth. Once a batch, not once a page.
 */
final class RateLimit {
    private static final long WINDOW_NANOS = 100_000_000;
    private static final int WINDOWS_PER_SECOND = 10;
    private static final int SLICES = 10;
    private static final long SLICE_NANOS = WINDOW_NANOS / SLICES;

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private long bytesPerSecond;
    private final Clock clock;
    private long windowStart;
    private long used;
    private long inFlight;
    private boolean stopped;

    /** @param bytesPerSecond 0 is no cap */
    RateLimit(long bytesPerSecond, Clock clock) {
        this.bytesPerSecond = bytesPerSecond;
        this.clock = clock;
        this.windowStart = clock.nanos();
    }

    /** Changes the cap at once. Any thread. */
    void set(long bytesPerSecond) {
        lock.lock();
        try {
            this.bytesPerSecond = bytesPerSecond;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    long bytesPerSecond() {
        lock.lock();
        try {
            return bytesPerSecond;
        } finally {
            lock.unlock();
        }
    }

    /** Waits until there is room in a window, then takes {@code bytes} of it. Returns at once after {@link #stop}. */
    void reserve(long bytes) {
        lock.lock();
        try {
            while (!stopped && bytesPerSecond > 0) {
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
            inFlight += bytes;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            stopped = true;
        } finally {
            lock.unlock();
        }
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
    }
}
