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

    /** What the destination may say. */
    enum Answer {
        RUNS(Event.RUNS),
        /** It runs, and no page of it is missing. */
        WHOLE(Event.RUNS),
        RENOUNCED(Event.RENOUNCED),
        SILENT(Event.SILENT);

        /** What that means for who owns the guest. */
        final Event event;

        Answer(Event event) {
            this.event = event;
        }
    }

    Inquiry(Dialer dialer, Duration limit, Clock clock) {
        this.dialer = dialer;
        this.limit = limit;
        this.clock = clock;
    }

    /** What it says; {@link Answer#SILENT} if it said nothing in all the time that there was. */
    Answer ask(UUID id) throws IOException {
        if (!dialer.multiChannel()) {
            return Answer.SILENT; // it cannot be called again
        }
        long deadline = clock.nanos() + limit.toNanos();
        Gate pause = new Gate(clock);
        while (true) {
            Duration left = Duration.ofNanos(deadline - clock.nanos());
            if (!left.isPositive()) {
                return Answer.SILENT;
            }
            Answer answer = askOnce(id, left);
            if (answer != Answer.SILENT) {
                return answer;
            }
            boolean _ = pause.await(PAUSE.compareTo(left) < 0 ? PAUSE : left);
        }
    }

    private Answer askOnce(UUID id, Duration left) {
        try (Connection connection = dialer.dial(left)) {
            new HandoverRecord(HandoverRecord.Code.ASK, id).send(connection);
            HandoverRecord answer = HandoverRecord.receive(connection, left, "answer", 0);
            if (answer == null || !answer.id().equals(id)) {
                return Answer.SILENT;
            }
            Answer heard = switch (answer.code()) {
                case RUNS -> Answer.RUNS;
                case RENOUNCED -> Answer.RENOUNCED;
                case WHOLE -> Answer.WHOLE;
                case READY, GRANT, HEARD, ASK -> Answer.SILENT;
            };
            if (heard != Answer.SILENT) {
                heard(id, connection);
            }
            return heard;
        } catch (IOException | CorruptStreamException e) {
            return Answer.SILENT; // nobody there, or somebody else: ask again
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
