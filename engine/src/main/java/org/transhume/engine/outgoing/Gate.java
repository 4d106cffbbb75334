package org.transhume.engine.outgoing;

import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.transhume.engine.Clock;

/** Where the migration's thread stands until somebody lets it go on. Shut at first; anyone may open it. */
final class Gate {
    /** Waits are renewed, so that a clock need not count to infinity. */
    private static final Duration LONG = Duration.ofHours(1);

    private final Clock clock;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition opened = lock.newCondition();
    private boolean open;

    Gate(Clock clock) {
        this.clock = clock;
    }

    /** Forgets that it was opened. */
    void shut() {
        lock.lock();
        try {
            open = false;
        } finally {
            lock.unlock();
        }
    }

    /** Lets through whoever waits, and whoever comes until it is {@link #shut}. */
    void open() {
        lock.lock();
        try {
            open = true;
            opened.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Waits until it is open. */
    void await() throws IOException {
        while (!await(LONG)) {
            // not yet
        }
    }

    /** @return whether it opened before {@code limit} was over */
    boolean await(Duration limit) throws IOException {
        long deadline = clock.nanos() + limit.toNanos();
        lock.lock();
        try {
            while (!open) {
                long left = deadline - clock.nanos();
                if (left <= 0) {
                    return false;
                }
                clock.await(opened, left);
            }
            return true;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted while waiting", e);
        } finally {
            lock.unlock();
        }
    }
}
