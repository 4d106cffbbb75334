package org.transhume.engine;

import java.util.concurrent.locks.Condition;

/**
 * Where an outgoing migration takes its time from. A simulation gives it a clock of its own, and the engine's code runs in
 * virtual time. Any thread.
 */
public interface Clock {
    /** The time of this machine. */
    Clock SYSTEM = new Clock() {
        @Override
        public long nanos() {
            return System.nanoTime();
        }

        @Override
        @SuppressWarnings("WaitNotInLoop") // the loop is the caller's
        public void await(Condition condition, long nanos) throws InterruptedException {
            condition.awaitNanos(nanos);
        }
    };

    /** Nanoseconds since some moment; only differences mean anything. Never falls. */
    long nanos();

    /**
     * Waits until {@code condition} is signalled or {@code nanos} have gone by, or for no reason at all. The caller holds the
     * condition's lock.
     */
    void await(Condition condition, long nanos) throws InterruptedException;
}
