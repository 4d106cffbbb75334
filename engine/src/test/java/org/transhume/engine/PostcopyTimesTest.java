package org.transhume.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import org.junit.jupiter.api.Test;

/** What a postcopy's report says of its states. */
class PostcopyTimesTest {
    private static final long MILLI = 1_000_000;

    private final PostcopyTimes times = new PostcopyTimes();

    @Test
    void countsFromTheSwitchOnAndAPauseUntilItIsActiveAgain() {
        times.entered(new MigrationState.Active(), 0, 10);
        times.entered(new MigrationState.PostcopyActive(), 5 * MILLI, 100);
        times.entered(new MigrationState.PostcopyPaused("cut"), 6 * MILLI, 150);
        times.entered(new MigrationState.PostcopyRecoverSetup(), 7 * MILLI, 150);
        times.entered(new MigrationState.PostcopyPaused("nobody there"), 8 * MILLI, 150);
        times.entered(new MigrationState.PostcopyRecover(), 9 * MILLI, 150);
        times.entered(new MigrationState.PostcopyActive(), 10 * MILLI, 160);
        times.entered(new MigrationState.Completed(), 20 * MILLI, 400);

        assertEquals(new PostcopyReport(15, 300, 7, 1, 4, null), times.report(20 * MILLI, 400, 7, null));
    }

    @Test
    void countsAPauseThatNeverEnded() {
        times.entered(new MigrationState.PostcopyActive(), 0, 0);
        times.entered(new MigrationState.PostcopyPaused("cut"), MILLI, 5);

        assertEquals(new PostcopyReport(4, 5, 0, 1, 3, null), times.report(4 * MILLI, 5, 0, null));
    }

    @Test
    void saysNothingOfAPrecopy() {
        times.entered(new MigrationState.Active(), 0, 0);
        times.entered(new MigrationState.Completed(), MILLI, 9);

        assertNull(times.report(MILLI, 9, 0, null));
    }
}
