package org.transhume.control.interop;

import java.time.Duration;
import java.util.concurrent.Callable;

/** Waits for what another process does: polls a condition, and fails with what was awaited when its time is over. */
final class Await {
    private static final Duration PERIOD = Duration.ofMillis(20);

    private Await() {}

    static void until(String what, Duration limit, Callable<Boolean> condition) throws Exception {
        long deadline = System.nanoTime() + limit.toNanos();
        while (!condition.call()) {
            if (System.nanoTime() > deadline) {
                throw new AssertionError("after %d s still no %s".formatted(limit.toSeconds(), what));
            }
            Thread.sleep(PERIOD);
        }
    }
}
