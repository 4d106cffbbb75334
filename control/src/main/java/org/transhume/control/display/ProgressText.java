package org.transhume.control.display;

import java.util.Optional;
import org.transhume.engine.MigrationState;
import org.transhume.engine.forecast.Forecast;
import org.transhume.engine.outgoing.MigrationProgress;

/** One look at a running migration as people read it: how far it is, and what is to come. */
final class ProgressText {
    private ProgressText() {}

    /** Empty while nothing moves and somebody was told so. */
    static Optional<String> of(MigrationState state, MigrationProgress progress) {
        return switch (state) {
            case MigrationState.PostcopyActive _ -> Optional.of(postcopy("postcopy", progress));
            case MigrationState.PostcopyRecover _ -> Optional.of(postcopy("postcopy recovering", progress));
            case MigrationState.PostcopyPaused _, MigrationState.PostcopyRecoverSetup _ -> Optional.empty();
            default -> Optional.of(of(progress));
        };
    }

    private static String postcopy(String phase, MigrationProgress progress) {
        return "%s  %s left of %s  %s  %d pages asked for, pause %s"
                .formatted(
                        phase,
                        Units.bytes(progress.remainingBytes()),
                        Units.bytes(progress.ramBytes()),
                        Units.rate(progress.bytesPerSecond()),
                        progress.postcopyRequests(),
                        Units.millis((double) progress.downtimeMillis()));
    }

    /** For instance {@code 41 %  round 2  ...  5.1 s left (3.3 s to 5.9 s)}. */
    static String of(MigrationProgress progress) {
        return "%3d %%  round %d  %s left of %s  %s  %d dirty pages/s%s"
                .formatted(
                        (int) (progress.forecast().progress() * 100), // never rounded up to what it is not yet
                        progress.rounds(),
                        Units.bytes(progress.remainingBytes()),
                        Units.bytes(progress.ramBytes()),
                        Units.rate(progress.bytesPerSecond()),
                        progress.dirtyPagesPerSecond(),
                        outlook(progress));
    }

    private static String outlook(MigrationProgress progress) {
        Forecast forecast = progress.forecast();
        if (forecast.verdict() != null && !forecast.verdict().converges()) {
            return "  " + VerdictText.of(forecast.verdict());
        }
        if (!Double.isFinite(forecast.eta())) {
            return "";
        }
        double age = progress.forecastAgeMillis();
        return "  ends in %s (%s to %s)"
                .formatted(
                        remaining(forecast.eta(), age),
                        remaining(forecast.etaLow(), age),
                        remaining(forecast.etaHigh(), age));
    }

    private static String remaining(double eta, double age) {
        return Units.millis(Math.max(0, eta - age));
    }
}
