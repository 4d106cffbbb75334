package org.transhume.engine.forecast;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Migrations planned without being begun. */
class PlanTest {
    private static final double SECOND = 1e9;
    private static final Plan.Strategy PLAIN = new Plan.Strategy(4104, Double.POSITIVE_INFINITY);
    private static final double PLAIN_RATE = 10_000 * 4104; // 10000 pages a second
    private static final long LIMIT = 300_000_000;

    @ParameterizedTest
    @CsvSource({
        // pages, zeroes, bytes a page, pages a second of the processor, total ms within 60, MB
        "100000, 0.0, 4104, 1e12, 10000, 410.4",
        "100000, 0.5, 4104, 1e12, 5011, 205.6",
        "100000, 1.0, 4104, 1e12, 22, 0.9",
        "100000, 0.0, 1026, 1e12, 2500, 102.6",
        "100000, 0.0, 1026, 20000, 5000, 102.6",
        "0, 0.0, 4104, 1e12, 0, 0.0",
    })
    void aGuestThatWritesNothingTakesAsLongAsItsPages(
            double pages, double zeroes, double perPage, double processor, double millis, double megabytes) {
        Plan.Load load = new Plan.Load(pages, zeroes, constant(0), PauseCosts.USUAL);

        Plan plan = Plan.of(load, new Plan.Way(PLAIN_RATE, LIMIT), new Plan.Strategy(perPage, processor));

        assertTrue(plan.verdict().converges());
        assertEquals(millis, plan.millis(), 60);
        assertEquals(megabytes, plan.bytes() / 1e6, 0.1);
        assertTrue(plan.downtime() <= 300 && plan.downtime() >= 7, plan.toString());
    }

    @Test
    void whatIsWrittenMeanwhileTravelsAgain() {
        Plan.Load load = new Plan.Load(100_000, 0, constant(2_000), PauseCosts.USUAL);

        Plan plan = Plan.of(load, new Plan.Way(PLAIN_RATE, LIMIT), PLAIN);

        // 10 s, then the 2 s of 20000 pages, then 0.4 s and so on: a geometric row, whose end fits into the pause.
        assertEquals(12_500, plan.millis(), 400);
        assertEquals(plan.millis() / 1000 * PLAIN_RATE, plan.bytes(), 0.05 * plan.bytes());
    }

    @Test
    void whatDoesNotConvergeSaysWhatWouldLetItAndThatDoes() {
        Plan.Load load = new Plan.Load(100_000, 0, constant(20_000), PauseCosts.USUAL);
        Plan.Way way = new Plan.Way(PLAIN_RATE, LIMIT);

        Plan plan = Plan.of(load, way, PLAIN);

        assertFalse(plan.verdict().converges());
        assertEquals(Double.POSITIVE_INFINITY, plan.millis());
        double needed = plan.verdict().neededBytesPerSecond();
        assertTrue(needed > PLAIN_RATE, plan.toString());
        assertTrue(Plan.of(load, new Plan.Way(needed * 1.02, LIMIT), PLAIN)
                .verdict()
                .converges());
        long limit = (long) (plan.verdict().neededLimitMillis() * 1.02e6);
        assertTrue(
                Plan.of(load, new Plan.Way(PLAIN_RATE, limit), PLAIN).verdict().converges());
        assertTrue(plan.verdict().neededThrottle() > 0);
    }

    @Test
    void bandwidthIsNotAskedForWhereTheProcessorIsTooSlow() {
        Plan.Load load = new Plan.Load(100_000, 0, constant(20_000), PauseCosts.USUAL);

        Plan plan = Plan.of(load, new Plan.Way(PLAIN_RATE, LIMIT), new Plan.Strategy(500, 5_000));

        assertFalse(plan.verdict().converges());
        assertEquals(5_000 * 500.0, plan.verdict().bytesPerSecond(), 1);
        assertEquals(0, plan.verdict().neededBytesPerSecond());
        assertTrue(plan.verdict().neededThrottle() > 0);
    }

    @Test
    void moreBandwidthNeverMakesItSlower() {
        long seed = new SplittableRandom().nextLong();
        SplittableRandom random = new SplittableRandom(seed);
        int converging = 0;
        for (int i = 0; i < 2_000; i++) {
            double pages = random.nextDouble(1_000, 1_000_000);
            DirtyCurve curve = filling(random.nextDouble(100, pages), random.nextDouble(10, 100_000));
            Plan.Load load = new Plan.Load(pages, random.nextDouble(), curve, PauseCosts.USUAL);
            double slow = random.nextDouble(1e6, 1e9);
            double fast = slow * random.nextDouble(1.1, 10);

            Plan slower = Plan.of(load, new Plan.Way(slow, LIMIT), PLAIN);
            Plan faster = Plan.of(load, new Plan.Way(fast, LIMIT), PLAIN);

            converging += slower.verdict().converges() ? 1 : 0;
            assertTrue(
                    faster.millis() <= slower.millis(),
                    "seed %d, case %d: %s at %.0f, %s at %.0f".formatted(seed, i, slower, slow, faster, fast));
        }
        assertTrue(converging > 100, "seed " + seed);
    }

    /** So many pages a second, never one twice. */
    private static DirtyCurve constant(double pagesPerSecond) {
        DirtyCurve curve = new DirtyCurve();
        for (double seconds : new double[] {0.25, 0.5, 1, 2}) {
            curve.look((long) (seconds * SECOND), (long) (seconds * pagesPerSecond));
        }
        return curve;
    }

    /** Pages of a set, all written alike. */
    private static DirtyCurve filling(double set, double writesPerSecond) {
        DirtyCurve curve = new DirtyCurve();
        for (double seconds : new double[] {0.25, 0.5, 1, 2}) {
            curve.look((long) (seconds * SECOND), (long) (set * -Math.expm1(-writesPerSecond * seconds / set)));
        }
        return curve;
    }
}
