package org.transhume.benchmarks.pauses;

import java.io.IOException;
import java.util.Map;
import org.transhume.benchmarks.peer.TranshumePair;
import tools.jackson.databind.JsonNode;

/**
 * One migration of a guest that writes all of its RAM at some rate.
 *
 * @param gigabits cap per second; 0: none
 * @param workingSet bytes, all of its RAM
 * @param rate pages that it writes in a second
 * @param completed whether it ended by itself; if not, the engine's verdict was that it never would
 * @param actual pause in ms; 0 if it did not end
 * @param predicted what was foretold of it when it began, ms
 * @param rounds harvests
 * @param seconds it took, or was given
 * @param neededBytesPerSecond with which it would have ended; 0: unknown, or it did
 * @param neededLimitMillis the same of the limit
 */
public record PauseCell(
        double gigabits,
        long workingSet,
        int rate,
        boolean completed,
        double actual,
        double predicted,
        long rounds,
        double seconds,
        double neededBytesPerSecond,
        double neededLimitMillis) {
    private static final double BITS = 8;
    private static final double GIGA = 1e9;
    private static final long LOOK_MILLIS = 250;
    private static final int MOST_PATIENCE = 5; // whatever the verdict is

    /**
     * Migrates between two fresh processes.
     *
     * @param patience seconds for which, all in all, the engine's verdict has to be that it does not converge, before that is believed
     */
    static PauseCell measure(double gigabits, long workingSet, int rate, long limit, int channels, double patience)
            throws IOException {
        try (TranshumePair pair = new TranshumePair(workingSet, "uniform:rate=%d,ws=%d".formatted(rate, workingSet))) {
            pair.touch(workingSet);
            long begin = System.nanoTime();
            pair.migrate(channels, Map.of("max-bandwidth", (long) (gigabits * GIGA / BITS), "downtime-limit", limit));
            long last = begin;
            double against = 0;
            while (true) {
                JsonNode look = pair.look();
                JsonNode ours = look.path("x-transhume");
                JsonNode verdict = ours.path("verdict");
                long now = System.nanoTime();
                if (pair.completed(look)) {
                    pair.checkEqual();
                    return of(
                            gigabits,
                            workingSet,
                            rate,
                            true,
                            look,
                            look.required("total-time").asDouble() / 1000);
                }
                if (!verdict.path("converges").asBoolean(true)) {
                    against += (now - last) / GIGA;
                }
                last = now;
                if (against > patience || (now - begin) / GIGA > MOST_PATIENCE * patience) {
                    pair.cancel();
                    return of(gigabits, workingSet, rate, false, look, (now - begin) / GIGA);
                }
                pair.pause(LOOK_MILLIS);
            }
        }
    }

    private static PauseCell of(
            double gigabits, long workingSet, int rate, boolean completed, JsonNode look, double seconds) {
        JsonNode ours = look.path("x-transhume");
        JsonNode verdict = ours.path("verdict");
        return new PauseCell(
                gigabits,
                workingSet,
                rate,
                completed,
                completed ? ours.required("downtime").required("total").asDouble() : 0,
                completed ? ours.required("downtime").required("predicted").asDouble() : 0,
                look.required("ram").required("dirty-sync-count").asLong(),
                seconds,
                completed ? 0 : verdict.path("needed-bandwidth").asDouble(0),
                completed ? 0 : verdict.path("needed-downtime-limit").asDouble(0));
    }
}
