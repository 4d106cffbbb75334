package org.transhume.control.display;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.transhume.engine.PostcopyReport;
import org.transhume.engine.forecast.Forecast;
import org.transhume.engine.forecast.Verdict;
import org.transhume.engine.incoming.IncomingReport;
import org.transhume.engine.outgoing.MigrationProgress;
import org.transhume.engine.outgoing.OutgoingReport;

/** What people and machines read of forecasts. */
class ForecastTextsTest {
    private static final Verdict GOOD = new Verdict(true, 64 << 20, 0, 0, 0);
    private static final Verdict BAD = new Verdict(false, 16 << 20, 40 << 20, 900, 35);
    private static final OutgoingReport.Downtime PAUSE = new OutgoingReport.Downtime(25, 21, 1, 0, 2, 10, 4, 3, 5);

    @Test
    void saysWhichOfThreeChangesWouldLetItConverge() {
        assertEquals("converges at 64.00 MiB/s", VerdictText.of(GOOD));
        assertEquals(
                "does not converge at 16.00 MiB/s;"
                        + " needs 40.00 MiB/s, or a downtime limit of 900 ms, or a throttle of 35 %",
                VerdictText.of(BAD));
        assertEquals(
                "does not converge at 16.00 MiB/s; needs a throttle of 99 %",
                VerdictText.of(new Verdict(false, 16 << 20, 0, Double.NaN, 99)));
        assertEquals(
                "does not converge at 16.00 MiB/s; neither bandwidth nor downtime limit nor throttle alone would let it",
                VerdictText.of(new Verdict(false, 16 << 20, 0, Double.NaN, 0)));
    }

    @Test
    void showsHowFarItIsAndWhenItEndsFromNowOn() {
        Forecast forecast = new Forecast(1000, 0.999, 20, 5500, 3500, 6500, GOOD);

        String text = ProgressText.of(progress(1600, forecast));

        assertTrue(text.startsWith(" 99 %  round 2  "), text);
        assertTrue(text.endsWith("  ends in 5000 ms (3000 ms to 6000 ms)"), text);
    }

    @Test
    void showsTheVerdictInsteadOfAnEndThatThereIsNot() {
        double never = Double.POSITIVE_INFINITY;

        String text = ProgressText.of(progress(1600, new Forecast(1000, 0.4, 20, never, never, never, BAD)));

        assertTrue(text.endsWith("  " + VerdictText.of(BAD)), text);
        assertFalse(text.contains("ends in"), text);
    }

    @Test
    void saysNothingOfWhatIsToComeBeforeItIsKnown() {
        String text = ProgressText.of(progress(3, Forecast.UNKNOWN));

        assertTrue(text.startsWith("  0 %  "), text);
        assertTrue(text.endsWith("dirty pages/s"), text);
    }

    @Test
    void reportsThePauseAsItWasAndAsItWasForetold() {
        String text = print(report("completed", PAUSE, BAD));

        assertTrue(
                text.contains("  downtime    25.0 ms, foretold 21.0 ms: stop 1.0 ms, last harvest 2.0 ms,"
                        + " last pages 10.0 ms, devices 4.0 ms, wire 3.0 ms, start 5.0 ms\n"),
                text);
        assertFalse(text.contains("does not converge"), "it did: " + text);
    }

    @Test
    void reportsWhyAMigrationThatWasGivenUpCouldNotEnd() {
        String text = print(report("cancelled", null, BAD));

        assertTrue(text.contains("  forecast    " + VerdictText.of(BAD) + "\n"), text);
    }

    @Test
    void reportsTheDestinationsHalfOfThePause() {
        StringWriter text = new StringWriter();
        IncomingReport report = new IncomingReport(
                "completed", null, "m", "10.0", 100, 3.5, 1.5, 4096, 1, 0, 1, 0, 0, 0, 0, null, 1, 7, false, null);

        ReportText.print(report, "none", new PrintWriter(text));

        assertTrue(
                text.toString().contains("  downtime    the half on this side: load 3.5 ms, start 1.5 ms\n"),
                text::toString);
    }

    @Test
    void reportsWhatFollowedAGuestThatMovedFirst() {
        StringWriter text = new StringWriter();
        PostcopyReport postcopy = new PostcopyReport(1500, 3 << 20, 12, 2, 700, null);
        IncomingReport report = new IncomingReport(
                "completed", null, "m", "10.0", 100, 3.5, 1.5, 4096, 1, 0, 1, 0, 0, 0, 0, null, 1, 7, false, postcopy);

        ReportText.print(report, "none", new PrintWriter(text));

        assertTrue(
                text.toString()
                        .contains("  postcopy    3.00 MiB after the switch in 1500 ms, 12 pages asked for;"
                                + " connections lost: 2, without one for 700 ms\n"),
                text::toString);
    }

    @Test
    void leavesOutOfJsonWhatIsNoNumber() {
        String json = JsonText.of(report("cancelled", null, new Verdict(false, 5, 0, Double.NaN, 99)), "none");

        assertFalse(json.contains("NaN"), json);
        assertFalse(json.contains("neededLimitMillis"), json);
        assertTrue(json.contains("\"neededThrottle\" : 99"), json);
    }

    private static String print(OutgoingReport report) {
        StringWriter text = new StringWriter();
        ReportText.print(report, "none", new PrintWriter(text));
        return text.toString();
    }

    private static MigrationProgress progress(long totalMillis, Forecast forecast) {
        return new MigrationProgress(
                totalMillis, 100, 0, 300, 8192, 4096, 0, 0, 0, 0, 2, 5, 4096, 1, 0, 0, 0, 0, 0, null, null, forecast);
    }

    private static OutgoingReport report(String outcome, OutgoingReport.Downtime pause, Verdict verdict) {
        return new OutgoingReport(
                outcome, null, true, 100, 1, pause, verdict, 4096, 1, 0, 1, 0, 0, 1, 0, 0, 0, null, null, null, null,
                "marks", List.of(), null, null);
    }
}
