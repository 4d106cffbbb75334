package org.transhume.engine.forecast;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

/** What is foretold while rounds go on. */
class ForecasterTest {
    private static final long MILLI = 1_000_000;
    private static final long RAM_PAGES = 16384;
    private static final long CAP = 30_000 * 4096L; // 30000 pages a second
    private static final Terms TERMS = new Terms(300 * MILLI, CAP, 0); // 6750 pages fit, less what a pause costs

    private final Forecaster forecaster = new Forecaster(RAM_PAGES);
    private long now;

    /** A round of {@code millis} that ends with {@code left} pages, and whose harvest finds {@code found}. */
    private void round(int millis, double left, int found, double added) {
        now += millis * MILLI;
        forecaster.throughput().sent(30L * millis, 30L * millis * 4096, 30L * millis * 4096, millis * MILLI);
        forecaster.look(millis * MILLI, found, MILLI);
        forecaster.harvested(left, (double) found, added);
        forecaster.update(now, left + added, MILLI, 0, TERMS, false);
    }

    private boolean converges() {
        Verdict verdict = forecaster.forecast().verdict();
        assertNotNull(verdict);
        return verdict.converges();
    }

    @Test
    void roundsThatComeToWhatTheyWereDoNotConverge() {
        forecaster.begin(0);
        for (int i = 0; i < 10; i++) {
            round(55, 5400, 2500, 2100); // 1650 pages went, 2100 came
        }

        assertFalse(converges());
    }

    @Test
    void roundsThatMostlyHitWhatIsPendingDo() {
        forecaster.begin(0);
        for (int i = 0; i < 10; i++) {
            round(55, 5400, 2500, 300);
        }

        assertTrue(converges());
    }

    @Test
    void whatWasHitIsForgottenWithTheGuestsHabits() {
        forecaster.begin(0);
        for (int i = 0; i < 10; i++) {
            round(55, 5400, 2500, 2100);
        }
        for (int i = 0; i < 10; i++) {
            round(55, 5400, 2500, 300);
        }

        assertTrue(converges());
    }
}
