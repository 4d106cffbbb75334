package org.transhume.control.domain.host;

import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import org.transhume.control.domain.Cookie;
import org.transhume.control.domain.stats.JobStats;
import org.transhume.control.domain.stats.JobType;
import org.transhume.control.domain.stats.Times;
import org.transhume.control.qmp.Json;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Figures on their way to the other host.
 *
 * @param stoppedMillis since the guest stopped, when they were sent
 * @param sentAt by the sender's clock
 */
record PassedFigures(JobStats stats, long stoppedMillis, Instant sentAt) {
    static final String SECTION = "statistics";

    /** Beyond this clocks have nothing to do with each other. */
    private static final long WILD_CLOCK_MILLIS = 86_400_000;

    Cookie.Section section() {
        ObjectNode data = Json.object();
        data.set("stats", JsonValues.json(stats.toTyped()));
        data.put("stopped", stoppedMillis);
        data.put("sent", sentAt.toEpochMilli());
        return new Cookie.Section(SECTION, false, Json.text(data));
    }

    /** Empty if the other host told none, or nothing that can be believed. */
    static Optional<PassedFigures> in(Cookie cookie) {
        return cookie.section(SECTION).flatMap(PassedFigures::parse);
    }

    private static Optional<PassedFigures> parse(String text) {
        try {
            JsonNode data = Json.parse(text.getBytes(java.nio.charset.StandardCharsets.UTF_8));
            Map<String, Object> typed = JsonValues.figures(data.path("stats"));
            Instant sent = Instant.ofEpochMilli(data.path("sent").asLong(0));
            JobStats stats = JobStats.fromTyped(JobType.UNBOUNDED, sent, typed);
            long stopped = data.path("stopped").asLong(0);
            return Optional.of(new PassedFigures(stats, Math.clamp(stopped, 0, WILD_CLOCK_MILLIS), sent));
        } catch (JacksonException | IllegalArgumentException e) {
            return Optional.empty(); // nobody's guest depends on figures
        }
    }

    /**
     * Times as they are once the guest runs.
     *
     * @param receivedAt by this host's clock
     * @param localMillis from then until it ran
     */
    Times measured(Instant receivedAt, long localMillis) {
        long passing = receivedAt.toEpochMilli() - sentAt.toEpochMilli();
        boolean known = passing > 0 && passing < WILD_CLOCK_MILLIS;
        long delta = known ? passing : 0;
        long elapsed = stats.times().elapsed() + localMillis;
        long downtime = stoppedMillis + localMillis;
        return new Times(
                elapsed + delta,
                known ? Optional.of(elapsed) : Optional.empty(),
                Optional.empty(),
                Optional.of(downtime + delta),
                known ? Optional.of(downtime) : Optional.empty(),
                stats.times().setup());
    }
}
