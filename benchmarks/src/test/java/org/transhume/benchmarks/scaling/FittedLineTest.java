package org.transhume.benchmarks.scaling;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;

class FittedLineTest {
    @Test
    void goesThroughPointsThatLieOnALine() {
        FittedLine line = FittedLine.through(new double[] {1, 2, 4, 8}, new double[] {2.5, 3, 4, 6});

        assertEquals(2, line.constant(), 1e-9);
        assertEquals(0.5, line.slope(), 1e-9);
        assertEquals(1, line.r2(), 1e-9);
        assertEquals(7, line.at(10), 1e-9);
    }

    @Test
    void isTheLeastSquaresOfOthers() {
        FittedLine line = FittedLine.through(new double[] {0, 1, 2}, new double[] {0, 2, 1});

        assertEquals(0.5, line.constant(), 1e-9);
        assertEquals(0.5, line.slope(), 1e-9);
        assertEquals(0.25, line.r2(), 1e-9);
    }

    @Test
    void refusesPointsAtOnePlace() {
        assertThrows(
                IllegalArgumentException.class, () -> FittedLine.through(new double[] {3, 3}, new double[] {1, 2}));
    }
}
