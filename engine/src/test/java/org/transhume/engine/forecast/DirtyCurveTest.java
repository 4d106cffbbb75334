package org.transhume.engine.forecast;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import org.junit.jupiter.api.Test;

class DirtyCurveTest {
    private static final long SECOND = 1_000_000_000;

    @Test
    void knowsNothingBeforeTheFirstLook() {
        DirtyCurve curve = new DirtyCurve();

        assertFalse(curve.known());
        assertEquals(0, curve.pagesWithin(SECOND));
    }

    @Test
    void oneLookIsAStraightLine() {
        DirtyCurve curve = new DirtyCurve();

        curve.look(SECOND, 1000);

        assertEquals(500, curve.pagesWithin(SECOND / 2.0), 1e-6);
        assertEquals(3000, curve.pagesWithin(3.0 * SECOND), 1e-6);
    }

    @Test
    void foretellsASetOfPagesThatAreAllWrittenAlike() {
        DirtyCurve curve = new DirtyCurve();
        double set = 10_000;
        double perSecond = 0.8; // of the set

        for (double t : new double[] {0.25, 0.5, 1}) {
            curve.look((long) (t * SECOND), Math.round(set * (1 - Math.exp(-perSecond * t))));
        }

        for (double t : new double[] {0.05, 0.1, 0.7, 2, 4}) {
            double really = set * (1 - Math.exp(-perSecond * t));
            assertEquals(really, curve.pagesWithin(t * SECOND), 0.3 * really, "within " + t + " s");
        }
    }

    @Test
    void neverFallsWithTimeAndNeverGrowsFasterThanIt() {
        long seed = 7;
        Random random = new Random(seed);
        for (int i = 0; i < 200; i++) {
            DirtyCurve curve = new DirtyCurve();
            for (int look = random.nextInt(1, 12); look > 0; look--) {
                curve.look(random.nextLong(1, 20 * SECOND), random.nextLong(0, 100_000));
            }

            double before = 0;
            for (double t = 0.01; t < 60; t *= 1.3) {
                double now = curve.pagesWithin(t * SECOND);
                assertTrue(now >= before * 0.999, "seed %d, case %d: falls at %.2f s".formatted(seed, i, t));
                assertTrue(Double.isFinite(now), "seed %d, case %d at %.2f s".formatted(seed, i, t));
                before = now;
            }
        }
    }

    @Test
    void forgetsAPhaseThatIsOver() {
        DirtyCurve curve = new DirtyCurve();
        for (int i = 0; i < 8; i++) {
            curve.look(SECOND, 50_000);
        }

        for (int i = 0; i < 8; i++) {
            curve.look(SECOND, 100);
        }

        assertEquals(100, curve.pagesWithin(SECOND), 1);
    }
}
