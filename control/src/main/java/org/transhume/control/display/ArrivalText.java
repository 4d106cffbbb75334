package org.transhume.control.display;

import java.util.Optional;
import org.transhume.engine.MigrationState;
import org.transhume.engine.counters.Counter;
import org.transhume.engine.counters.CounterValues;

/** Looks at a migration that arrives, as people read them, one after the other. */
final class ArrivalText {
    private static final double MILLIS_PER_SECOND = 1000;

    private long lastBytes;
    private long lastMillis;

    /** For instance {@code active  81.20 MiB of stream for 512.00 MiB of RAM  40.00 MiB/s}; empty while nothing comes. */
    Optional<String> of(MigrationState state, CounterValues counters) {
        long bytes = counters.get(Counter.MAIN_READ_BYTES) + counters.get(Counter.MULTIFD_READ_BYTES);
        long millis = counters.get(Counter.ELAPSED_MILLIS);
        double rate = millis > lastMillis ? (bytes - lastBytes) * MILLIS_PER_SECOND / (millis - lastMillis) : 0;
        lastBytes = bytes;
        lastMillis = millis;
        String phase = switch (state) {
            case MigrationState.Active _ -> "arriving";
            case MigrationState.PostcopyActive _ -> "postcopy";
            case MigrationState.PostcopyPaused _ -> "postcopy paused, listening";
            case MigrationState.PostcopyRecover _ -> "postcopy recovering";
            default -> null;
        };
        if (phase == null) {
            return Optional.empty();
        }
        String asked =
                state.postcopy() ? "  %d pages asked for".formatted(counters.get(Counter.POSTCOPY_REQUESTS)) : "";
        return Optional.of("%s  %s received for %s of RAM  %s%s"
                .formatted(
                        phase,
                        Units.bytes(bytes),
                        Units.bytes(counters.get(Counter.RAM_BYTES)),
                        Units.rate(rate),
                        asked));
    }
}
