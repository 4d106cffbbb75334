package org.transhume.engine.outgoing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.transhume.engine.Clock;
import org.transhume.engine.Threads;

@Timeout(20)
class RateLimitTest {
    private static final double NANOS_PER_SECOND = 1e9;
    private static final long BATCH = 16 << 10;

    @Test
    void severalThreadsTogetherKeepTheCapWithinATenth() {
        long cap = 32 << 20;

        double rate = rateOf(new RateLimit(cap, Clock.SYSTEM), cap * 6 / 5, BATCH);

        assertEquals((double) cap, rate, cap * 0.1, "bytes per second");
    }

    @Test
    void batchesLargerThanAWindowKeepItOverSeveral() {
        long cap = 4 << 20;

        double rate = rateOf(new RateLimit(cap, Clock.SYSTEM), cap * 6 / 5, 512 << 10);

        assertTrue(rate < cap * 1.35, "%.0f bytes per second, cap %d".formatted(rate, cap)); // one batch ahead
        assertTrue(rate > cap * 0.65, "%.0f bytes per second, cap %d".formatted(rate, cap));
    }

    /** Sends {@code bytes} in batches from three threads. */
    private static double rateOf(RateLimit rate, long bytes, long batch) {
        AtomicLong left = new AtomicLong(bytes);
        long begin = System.nanoTime();
        List<Thread> lanes = new ArrayList<>();
        for (int lane = 0; lane < 3; lane++) {
            lanes.add(Thread.ofPlatform().daemon().start(() -> {
                while (left.getAndAdd(-batch) > 0) {
                    rate.reserve(batch);
                    rate.settle(batch, batch);
                }
            }));
        }
        lanes.forEach(Threads::join);
        return bytes / ((System.nanoTime() - begin) / NANOS_PER_SECOND);
    }

    @Test
    void whatWasUnderWayWhenAConnectionWasLostKeepsNobodyWaiting() {
        RateLimit rate = new RateLimit(BATCH, Clock.SYSTEM); // a batch is ten windows
        rate.reserve(BATCH); // and never settled
        rate.stop();

        rate.beginAgain();

        long begin = System.nanoTime();
        rate.reserve(BATCH);
        assertTrue(System.nanoTime() - begin < NANOS_PER_SECOND / 2);
        rate.settle(BATCH, BATCH);
        rate.reserve(BATCH);
        assertTrue(System.nanoTime() - begin > NANOS_PER_SECOND / 2, "the cap is gone");
    }

    @Test
    void whoeverIsInAHurryIsWaitedForNoLonger() throws InterruptedException {
        RateLimit rate = new RateLimit(BATCH, Clock.SYSTEM);
        rate.reserve(BATCH);
        rate.settle(BATCH, 10 * BATCH); // full for ten seconds
        Thread waits = Thread.ofPlatform().daemon().start(() -> rate.reserve(BATCH));

        rate.hurry();

        waits.join(5000);
        assertFalse(waits.isAlive());
    }

    @Test
    void withoutACapNobodyWaits() {
        RateLimit rate = new RateLimit(0, Clock.SYSTEM);
        long begin = System.nanoTime();

        for (int i = 0; i < 10_000; i++) {
            rate.reserve(1L << 30);
            rate.settle(1L << 30, 1L << 30);
        }

        assertTrue(System.nanoTime() - begin < NANOS_PER_SECOND);
    }

    @Test
    void whatWasReservedAndNotSentIsThereForOthers() {
        RateLimit rate = new RateLimit(10 * BATCH, Clock.SYSTEM); // a batch a window
        long begin = System.nanoTime();

        for (int i = 0; i < 1000; i++) {
            rate.reserve(BATCH);
            rate.settle(BATCH, 0); // every page was zero
        }

        assertTrue(System.nanoTime() - begin < NANOS_PER_SECOND, "waited for bytes that nobody sent");
    }

    @Test
    void whoeverWaitsHearsOfAHigherCapOfNoneAndOfTheEnd() {
        RateLimit higher = new RateLimit(1, Clock.SYSTEM);
        RateLimit lifted = new RateLimit(1, Clock.SYSTEM);
        RateLimit stopped = new RateLimit(1, Clock.SYSTEM);
        List<RateLimit> all = List.of(higher, lifted, stopped);
        all.forEach(rate -> rate.reserve(BATCH));
        List<Thread> waiting = all.stream().map(RateLimitTest::waitsFor).toList();

        higher.set(1L << 40);
        lifted.set(0);
        stopped.stop();

        waiting.forEach(Threads::join); // the test's time is limited
        assertEquals(1L << 40, higher.bytesPerSecond());
        assertEquals(0, lifted.bytesPerSecond());
    }

    @Test
    void aLowerCapActsAtOnce() {
        RateLimit rate = new RateLimit(1L << 40, Clock.SYSTEM);
        rate.reserve(BATCH);
        rate.settle(BATCH, BATCH);

        rate.set(1);

        Thread waiting = waitsFor(rate);
        rate.stop();
        Threads.join(waiting);
    }

    /** A thread that stands in {@code reserve}. */
    private static Thread waitsFor(RateLimit rate) {
        Thread thread = Thread.ofPlatform().daemon().start(() -> rate.reserve(BATCH));
        while (thread.getState() != Thread.State.TIMED_WAITING) {
            assertFalse(thread.getState() == Thread.State.TERMINATED, "it did not wait");
            Thread.onSpinWait();
        }
        return thread;
    }
}
