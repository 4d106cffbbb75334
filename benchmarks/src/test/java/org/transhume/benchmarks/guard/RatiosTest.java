package org.transhume.benchmarks.guard;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What the guard makes of noise, and of builds that are slower. Noise is seeded: each of these figures is always the same. */
class RatiosTest {
    private static final int PAIRS = 11;
    private static final int RUNS = 20_000;
    private static final long SEED = 20;

    @Test
    void theMedianMindsNoSingleRatio() {
        assertEquals(1.0, new Ratios(1.0, 0.9, 100, 0.001, 1.1).median());
        assertEquals(1.05, new Ratios(1.0, 1.1, 100, 0.001).median(), 1e-9);
    }

    @Test
    void chanceIsThatOfACoin() {
        Ratios nineOfEleven = new Ratios(.9, .9, .9, .9, .9, .9, .9, .9, .9, 1.1, 1.1);

        assertEquals((55 + 11 + 1) / 2048.0, nineOfEleven.chanceOfSoManyBelowOne(), 1e-12);
        assertEquals(1, new Ratios(1.1, 2, 3).chanceOfSoManyBelowOne(), 1e-12);
    }

    @Test
    void aSteadySlowdownCountsAndASmallOneDoesNot() {
        assertAll(
                () -> assertTrue(verdict(.8, .8, .8, .8, .8, .8, .8, .8, .8, .8, .8)),
                () -> assertFalse(verdict(.9, .9, .9, .9, .9, .9, .9, .9, .9, .9, .9)),
                () -> assertFalse(verdict(.8, .8, .8)), // three runs prove nothing
                () -> assertFalse(verdict(.7, .7, .7, .7, .7, .7, 1.2, 1.2, 1.2, 1.2, 1.2)));
    }

    /** Each run takes its time times e to the power of a normal deviate of that spread, as the two of a pair do on a busy machine. */
    @ParameterizedTest
    @ValueSource(doubles = {0.05, 0.15, 0.3, 0.6})
    void noiseAloneRarelyFails(double spread) {
        double failed = failures(1, spread, 0);

        assertTrue(failed <= ReleaseComparison.CHANCE, "part of the runs that failed: " + failed);
    }

    /** One run in five is disturbed, and takes twice to three times as long. */
    @Test
    void neighboursThatComeAndGoRarelyFailIt() {
        double failed = failures(1, 0.1, 0.2);

        assertTrue(failed < 0.02, "part of the runs that failed: " + failed);
    }

    @Test
    void aSlowdownOfThirtyPercentIsFound() {
        assertAll(
                () -> assertTrue(failures(0.7, 0.05, 0) > 0.99, "quiet: " + failures(0.7, 0.05, 0)),
                () -> assertTrue(failures(0.7, 0.15, 0) > 0.85, "busy: " + failures(0.7, 0.15, 0)),
                () -> assertTrue(failures(0.7, 0.1, 0.2) > 0.7, "disturbed: " + failures(0.7, 0.1, 0.2)));
    }

    /**
     * @param speed of the new build, as a part of the old one's
     * @param disturbed part of the runs that take twice to three times as long
     */
    private static double failures(double speed, double spread, double disturbed) {
        Random random = new Random(SEED);
        int failed = 0;
        for (int run = 0; run < RUNS; run++) {
            double[] ratios = new double[PAIRS];
            for (int i = 0; i < PAIRS; i++) {
                ratios[i] = speed * time(random, spread, disturbed) / time(random, spread, disturbed);
            }
            failed += verdict(ratios) ? 1 : 0;
        }
        return (double) failed / RUNS;
    }

    private static double time(Random random, double spread, double disturbed) {
        double time = Math.exp(spread * random.nextGaussian());
        return random.nextDouble() < disturbed ? time * (2 + random.nextDouble()) : time;
    }

    private static boolean verdict(double... ratios) {
        return new Ratios(ratios).slower(ReleaseComparison.FLOOR, ReleaseComparison.CHANCE);
    }
}
