package org.transhume.engine.forecast;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class OutlookTest {
    private static final double PER_NANO = 25_000 / 1e9;
    private static final double FITTING = 5000;

    private static DirtyCurve curve(long pagesPerSecond) {
        DirtyCurve curve = new DirtyCurve();
        curve.look(1_000_000_000, pagesPerSecond);
        return curve;
    }

    private static Outlook.Position at(double pages) {
        return new Outlook.Position(pages, 0, PER_NANO, FITTING, 1e6, 1e6, true, 0);
    }

    @Test
    void aGuestThatWritesNothingLeavesAfterOneRound() {
        Outlook outlook = Outlook.play(at(100_000), curve(0), 1);

        assertTrue(outlook.converges());
        assertEquals((100_000 - FITTING) / PER_NANO, outlook.nanos(), 60e6); // a slice more, and a harvest
        assertEquals(1, outlook.harvests());
    }

    @Test
    void aGuestThatWritesFasterThanItIsSentNeverLeaves() {
        assertFalse(Outlook.play(at(100_000), curve(60_000), 1).converges());
    }

    @Test
    void slowedDownEnoughItDoes() {
        assertFalse(Outlook.play(at(100_000), curve(60_000), 0.9).converges());
        assertTrue(Outlook.play(at(100_000), curve(60_000), 0.1).converges());
    }

    @Test
    void whatFitsNeedsNoMoreThanAHarvest() {
        Outlook outlook = Outlook.play(at(FITTING / 2), curve(1000), 1);

        assertTrue(outlook.converges());
        assertEquals(1e6, outlook.nanos(), 1);
    }

    @Test
    void withoutBandwidthNothingConverges() {
        assertFalse(Outlook.play(new Outlook.Position(1, 0, 0, 10, 0, 1e6, true, 0), curve(0), 1)
                .converges());
    }
}
