package org.transhume.engine.outgoing;

import java.io.IOException;
import java.time.Duration;
import java.util.UUID;
import org.transhume.channels.Connection;
import org.transhume.channels.qemu.CorruptStreamException;
import org.transhume.channels.qemu.HandoverRecord;
import org.transhume.engine.Clock;
import org.transhume.engine.handover.SourceOwnership.Event;

/**
 * Asks a destination on a connection of its own what became of a guest that was granted to it, until it answers or time is over
 * (docs/wire.md). The migration's thread.
 */
final class Inquiry {
    private static final Duration PAUSE = Duration.ofMillis(100);

    private final Dialer dialer;
    private final Duration limit;
    private final Clock clock;

    Inquiry(Dialer dialer, Duration limit, Clock clock) {
        this.dialer = dialer;
        this.limit = limit;
        this.clock = clock;
    }

    /** @return {@link Event#RUNS}, {@link Event#RENOUNCED} or {@link Event#SILENT} */
    Event ask(UUID id) throws IOException {
        if (!dialer.multiChannel()) {
            return Event.SILENT; // it cannot be called again
        }
        long deadline = clock.nanos() + limit.toNanos();
        Gate pause = new Gate(clock);
        while (true) {
            Duration left = Duration.ofNanos(deadline - clock.nanos());
            if (!left.isPositive()) {
                return Event.SILENT;
            }
            Event answer = askOnce(id, left);
            if (answer != Event.SILENT) {
                return answer;
            }
            boolean _ = pause.await(PAUSE.compareTo(left) < 0 ? PAUSE : left);
        }
    }

    private Event askOnce(UUID id, Duration left) {
        try (Connection connection = dialer.dial(left)) {
            new HandoverRecord(HandoverRecord.Code.ASK, id).send(connection);
            HandoverRecord answer = HandoverRecord.receive(connection, left, "answer", 0);
            if (answer == null || !answer.id().equals(id)) {
                return Event.SILENT;
            }
            Event event = switch (answer.code()) {
                case RUNS -> Event.RUNS;
                case RENOUNCED -> Event.RENOUNCED;
                case READY, GRANT, HEARD, ASK -> Event.SILENT;
            };
            if (event != Event.SILENT) {
                heard(id, connection);
            }
            return event;
        } catch (IOException | CorruptStreamException e) {
            return Event.SILENT; // nobody there, or somebody else: ask again
        }
    }

    private static void heard(UUID id, Connection connection) {
        try {
            new HandoverRecord(HandoverRecord.Code.HEARD, id).send(connection);
        } catch (IOException e) {
            // It waits for another question, then; the answer stays what it is.
        }
    }
}
