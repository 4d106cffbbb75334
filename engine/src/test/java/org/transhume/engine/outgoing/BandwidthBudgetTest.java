package org.transhume.engine.outgoing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import java.util.random.RandomGenerator;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.transhume.engine.Clock;
import org.transhume.engine.Threads;

@Timeout(20)
class BandwidthBudgetTest {
    private static final long KIB = 1 << 10;
    private static final long MIB = 1 << 20;
    private static final long SECOND = 1_000_000_000;
    private static final long BATCH = 512 * KIB;

    static LongStream seeds() {
        return LongStream.range(0, 100);
    }

    /**
     * Some want all they can get, others less than their part, others come and go; each with batches of its own size, of which
     * compression leaves what it leaves.
     */
    @ParameterizedTest(name = "seed {0}")
    @MethodSource("seeds")
    void isKeptUsedUpAndSharedFairlyWhateverEachWants(long seed) {
        RandomGenerator random = new Random(seed);
        long rate = (long) Math.pow(10, 7 + 3 * random.nextDouble());
        int hungry = 2 + random.nextInt(8);
        int modest = random.nextInt(8);
        long largest = BATCH;
        long time = (long) (200.0 * (hungry + modest) * largest / rate * SECOND);
        SharedLink link = new SharedLink(rate);
        List<SharedLink.Sender> all = new ArrayList<>();
        for (int i = 0; i < hungry; i++) {
            all.add(link.sender(batch(random), 0.2 + 0.8 * random.nextDouble(), 0, 0, Long.MAX_VALUE));
        }
        List<SharedLink.Sender> little = new ArrayList<>();
        double[] wanted = new double[modest];
        for (int i = 0; i < modest; i++) {
            wanted[i] = (0.05 + 0.8 * random.nextDouble()) * rate / (hungry + modest);
            little.add(link.sender(batch(random), 0.2 + 0.8 * random.nextDouble(), wanted[i], 0, Long.MAX_VALUE));
        }

        link.run(time);

        double seconds = (double) time / SECOND;
        assertTrue(link.overdrawn <= largest, () -> "%.0f bytes too many".formatted(link.overdrawn));
        assertTrue(link.burst <= largest + rate / 20.0, () -> "%.0f bytes at once".formatted(link.burst));
        long possible = (long) (rate * seconds);
        assertNear(possible, link.sum, possible / 100 + largest);
        long rest = link.sum;
        for (int i = 0; i < modest; i++) {
            long enough = (long) (wanted[i] * seconds);
            assertNear(enough, little.get(i).sent, enough / 20 + largest);
            rest -= little.get(i).sent;
        }
        for (SharedLink.Sender sender : all) {
            assertNear(rest / hungry, sender.sent, rest / hungry / 20);
        }
    }

    private static long batch(RandomGenerator random) {
        return Math.min(BATCH, (16L + random.nextInt(113)) * 4 * KIB);
    }

    @ParameterizedTest(name = "seed {0}")
    @MethodSource("seeds")
    void isKeptAndUsedUpWhileMigrationsComeAndGo(long seed) {
        RandomGenerator random = new Random(seed);
        long rate = (long) Math.pow(10, 7 + 2 * random.nextDouble());
        SharedLink link = new SharedLink(rate);
        link.hungry(BATCH);
        for (int i = random.nextInt(12); i >= 0; i--) {
            long from = random.nextLong(3 * SECOND);
            double demand = random.nextBoolean() ? 0 : rate * random.nextDouble();
            link.sender(batch(random), random.nextDouble(), demand, from, from + random.nextLong(3 * SECOND));
        }

        link.run(4 * SECOND);

        assertTrue(link.overdrawn <= BATCH, () -> "%.0f bytes too many".formatted(link.overdrawn));
        assertTrue(link.burst <= BATCH + rate / 20.0, () -> "%.0f bytes at once".formatted(link.burst));
        assertNear(4 * rate, link.sum, rate / 25 + BATCH);
    }

    @Test
    void whoComesLaterGetsAsMuchFromThenOnAndNothingOfWhatWasBefore() {
        SharedLink link = new SharedLink(100 * MIB);
        SharedLink.Sender first = link.hungry(BATCH);
        link.run(5 * SECOND);
        final long before = first.sent;

        SharedLink.Sender second = link.hungry(BATCH);
        link.run(5 * SECOND);

        assertNear(500 * MIB, before, BATCH);
        assertNear(250 * MIB, first.sent - before, 2 * BATCH);
        assertNear(250 * MIB, second.sent, 2 * BATCH);
    }

    @Test
    void whoWasAwayCatchesUpOnATenthOfASecondAndNoMore() {
        SharedLink link = new SharedLink(100 * MIB);
        SharedLink.Sender stays = link.hungry(BATCH);
        SharedLink.Sender away = link.sender(BATCH, 1, 0.001, 0, Long.MAX_VALUE); // one batch, then nothing for ages
        link.run(5 * SECOND);
        final long before = stays.sent;

        SharedLink.Sender other = link.hungry(BATCH);
        link.run(SECOND);

        assertEquals(BATCH, away.sent);
        assertNear(50 * MIB, other.sent, 2 * BATCH);
        assertNear(50 * MIB, stays.sent - before, 2 * BATCH);
    }

    @Test
    void whatGoesOutOfTurnIsMadeUpForByTheOneThatSentIt() {
        SharedLink link = new SharedLink(100 * MIB);
        SharedLink.Sender pauses = link.hungry(BATCH);
        SharedLink.Sender other = link.hungry(BATCH);
        link.run(SECOND);

        pauses.share.takeAtOnce(20 * MIB); // the pages of its pause
        link.run(SECOND);

        assertNear(180 * MIB, link.sum, 2 * BATCH);
        assertNear(100 * MIB, other.sent, 2 * BATCH);
        assertNear(80 * MIB, pauses.sent, 2 * BATCH);
    }

    @Test
    void anotherBudgetHoldsAtOnce() {
        SharedLink link = new SharedLink(100 * MIB);
        link.hungry(BATCH);
        link.hungry(BATCH);
        link.run(SECOND);
        final long before = link.sum;

        link.budget.bytesPerSecond(10 * MIB);
        link.run(SECOND);

        assertNear(10 * MIB, link.sum - before, 2 * BATCH);
        assertEquals(10 * MIB, link.budget.bytesPerSecond());
    }

    @Test
    void countsThoseThatShareAndPromisesEachItsPart() {
        BandwidthBudget budget = new BandwidthBudget(900);
        BandwidthBudget.Share first = budget.share();
        BandwidthBudget.Share second = budget.share();
        BandwidthBudget.Share never = budget.share();
        first.enter();
        second.enter();

        assertEquals(2, budget.guests());
        assertEquals(450, first.bytesPerSecond());

        second.leave();
        second.leave();
        never.leave();

        assertEquals(1, budget.guests());
        assertEquals(900, first.bytesPerSecond());
    }

    @Test
    void aMigrationKeepsItsOwnCapBelowTheBudget() {
        BandwidthBudget budget = new BandwidthBudget(100 * MIB);
        RateLimit capped = new RateLimit(10 * MIB, budget, Clock.SYSTEM);
        RateLimit free = new RateLimit(0, budget, Clock.SYSTEM);
        capped.enter();
        free.enter();

        assertEquals(10 * MIB, capped.bytesPerSecond());
        assertEquals(50 * MIB, free.bytesPerSecond());
        assertEquals(50 * MIB, free.lesser(70 * MIB));
        free.lift();
        assertEquals(0, free.bytesPerSecond());
    }

    @Test
    void threadsShareItInRealTimeAndGetTheSame() {
        long rate = 64 * MIB;
        BandwidthBudget budget = new BandwidthBudget(rate);
        AtomicLong[] sent = new AtomicLong[4];
        List<Thread> threads = new ArrayList<>();
        long begin = System.nanoTime();
        for (int i = 0; i < sent.length; i++) {
            AtomicLong mine = new AtomicLong();
            sent[i] = mine;
            RateLimit limit = new RateLimit(0, budget, Clock.SYSTEM);
            limit.enter();
            threads.add(Thread.ofPlatform().daemon().start(() -> {
                while (System.nanoTime() - begin < SECOND) {
                    limit.reserve(64 * KIB);
                    limit.settle(64 * KIB, 64 * KIB);
                    mine.addAndGet(64 * KIB);
                }
                limit.leave();
            }));
        }
        threads.forEach(Threads::join);
        double seconds = (double) (System.nanoTime() - begin) / SECOND;

        long all = 0;
        for (AtomicLong one : sent) {
            all += one.get();
        }
        assertTrue(all <= (long) (rate * seconds) + 64 * KIB * sent.length, all + " bytes in " + seconds + " s");
        assertTrue(all >= (long) (rate * seconds / 2), all + " bytes in " + seconds + " s");
        for (AtomicLong one : sent) {
            assertNear(all / sent.length, one.get(), all / sent.length / 20);
        }
        assertEquals(0, budget.guests());
    }

    @Test
    void whoeverWaitsForItHearsOfAHurryOfTheEndAndOfAnotherBudget() {
        BandwidthBudget budget = new BandwidthBudget(1);
        RateLimit hurried = new RateLimit(0, budget, Clock.SYSTEM);
        RateLimit stopped = new RateLimit(0, budget, Clock.SYSTEM);
        RateLimit waiting = new RateLimit(0, budget, Clock.SYSTEM);
        hurried.reserve(BATCH); // spent for days
        List<Thread> threads = List.of(waitsFor(hurried), waitsFor(stopped), waitsFor(waiting));

        hurried.hurry();
        stopped.stop();
        Threads.join(threads.get(0));
        Threads.join(threads.get(1));
        assertTrue(threads.get(2).isAlive());
        budget.bytesPerSecond(0);
        Threads.join(threads.get(2));

        stopped.beginAgain();
        budget.bytesPerSecond(1);
        stopped.reserve(BATCH);
        Thread again = waitsFor(stopped);
        stopped.stop();
        Threads.join(again);
    }

    @Test
    void thePagesOfAPauseDoNotWaitForIt() {
        BandwidthBudget budget = new BandwidthBudget(1);
        RateLimit pauses = new RateLimit(0, budget, Clock.SYSTEM);
        pauses.reserve(BATCH);

        pauses.lift();
        pauses.reserve(BATCH); // the test's time is limited

        pauses.set(0); // the guest runs again
        Thread waits = waitsFor(pauses);
        pauses.stop();
        Threads.join(waits);
    }

    @Test
    void refusesLessThanNothing() {
        assertThrows(IllegalArgumentException.class, () -> new BandwidthBudget(-1));
        assertThrows(IllegalArgumentException.class, () -> new BandwidthBudget(0).bytesPerSecond(-1));
    }

    private static void assertNear(long expected, long actual, long by) {
        assertTrue(
                Math.abs(actual - expected) <= by, () -> "%d bytes, expected %d ± %d".formatted(actual, expected, by));
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
