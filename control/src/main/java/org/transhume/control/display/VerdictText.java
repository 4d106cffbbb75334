package org.transhume.control.display;

import java.util.ArrayList;
import java.util.List;
import org.transhume.engine.forecast.Verdict;

/** A verdict as people read it. */
public final class VerdictText {
    private VerdictText() {}

    /**
     * For instance {@code does not converge at 16.00 MiB/s; needs 40.00 MiB/s, or a downtime limit of 900 ms, or a throttle of 35
     * %}.
     */
    public static String of(Verdict verdict) {
        if (verdict.converges()) {
            return "converges at " + Units.rate(verdict.bytesPerSecond());
        }
        List<String> needs = new ArrayList<>();
        if (verdict.neededBytesPerSecond() > 0) {
            needs.add(Units.rate(verdict.neededBytesPerSecond()));
        }
        if (verdict.neededLimitMillis() > 0) {
            needs.add("a downtime limit of " + Units.millis(verdict.neededLimitMillis()));
        }
        if (verdict.neededThrottle() > 0) {
            needs.add("a throttle of %d %%".formatted(verdict.neededThrottle()));
        }
        return "does not converge at %s; %s"
                .formatted(
                        Units.rate(verdict.bytesPerSecond()),
                        needs.isEmpty()
                                ? "neither bandwidth nor downtime limit nor throttle alone would let it"
                                : "needs " + String.join(", or ", needs));
    }
}
