package org.transhume.control.display;

import java.util.Locale;
import org.transhume.engine.forecast.Verdict;
import tools.jackson.databind.JsonNode;

/** The answer of {@code query-x-plan} as people read it. */
public final class PlanText {
    private static final String ROW = "%-9s %12s %11s %12s %11s  %s%n";

    private PlanText() {}

    /** Some lines; the last one ends as well. */
    public static String of(JsonNode plan) {
        StringBuilder text = new StringBuilder();
        text.append(String.format(
                Locale.ROOT,
                "%s of RAM in use, %.0f %% of it zero pages; %.0f pages written within a second (looked at for %d s)%n",
                Units.bytes(plan.get("used-bytes").asLong()),
                100 * plan.get("zero-share").asDouble(),
                plan.get("dirty-pages-per-second").asDouble(),
                plan.get("seconds").asLong()));
        text.append(String.format(
                "at %s with a downtime limit of %d ms:%n%n",
                Units.rate(plan.get("bandwidth").asDouble()),
                plan.get("downtime-limit").asLong()));
        text.append(String.format(ROW, "strategy", "bytes/page", "total time", "downtime", "bytes", "verdict"));
        for (JsonNode row : plan.get("strategies")) {
            boolean known = row.has("total-time");
            text.append(String.format(
                    ROW,
                    row.get("strategy").stringValue(),
                    String.format(Locale.ROOT, "%.0f", row.get("bytes-per-page").asDouble()),
                    known ? Units.millis(row.get("total-time").asDouble()) : "-",
                    known ? Units.millis(row.get("downtime").asDouble()) : "-",
                    known ? Units.bytes(row.get("bytes").asLong()) : "-",
                    VerdictText.of(verdict(row.get("verdict")))));
        }
        return text.toString();
    }

    private static Verdict verdict(JsonNode node) {
        return new Verdict(
                node.get("converges").booleanValue(),
                node.path("bandwidth").asDouble(0),
                node.path("needed-bandwidth").asDouble(0),
                node.path("needed-downtime-limit").asDouble(0),
                node.path("needed-throttle").asInt(0));
    }
}
