package org.transhume.engine.outgoing;

import java.io.IOException;
import java.time.Duration;
import java.util.UUID;
import org.transhume.channels.Connection;
import org.transhume.channels.qemu.DeviceTail;
import org.transhume.channels.qemu.HandoverRecord;
import org.transhume.channels.qemu.MainStreamWriter;
import org.transhume.engine.MigrationException;
import org.transhume.engine.handover.SourceOwnership;
import org.transhume.engine.handover.SourceOwnership.Event;

/**
 * The last step of the pause: lets the destination start the guest, and learns whether it did (docs/decisions/0005 and 0012).
 * What it comes to know is in {@link Orders}. The migration's thread.
 */
final class HandOver {
    private static final Duration COMMAND_END_LIMIT = Duration.ofSeconds(10);

    private final Passage passage;
    private final Connection main;
    private final Inquiry inquiry;
    private final MainStreamWriter out;
    private final OutgoingConfig config;
    private final Orders orders;
    private UUID id;

    /** @param inquiry asks a destination that promised to remember */
    HandOver(Passage passage, Connection main, Inquiry inquiry) {
        this.passage = passage;
        this.main = main;
        this.inquiry = inquiry;
        this.out = passage.out();
        this.config = passage.config();
        this.orders = passage.orders();
    }

    /**
     * @param tail whose sections were sent already
     * @return when all of it was sent, in the nanoseconds of the clock
     */
    long run(DeviceTail tail) throws IOException {
        return config.handover() ? grant(tail) : byLastByte(tail);
    }

    /** As QEMU does: the end of the stream lets the destination start. */
    private long byLastByte(DeviceTail tail) throws IOException {
        orders.handOver();
        try {
            long sent = end(tail);
            if (passage.answers() == null) {
                main.finishWriting();
                main.awaitEnd(COMMAND_END_LIMIT);
                orders.after(Event.SENT);
            } else {
                awaitAnswer();
            }
            return sent;
        } catch (Throwable t) {
            orders.after(Event.LOST); // unless something better is known
            throw t;
        }
    }

    /** With x-handover: the destination asks for the guest once it has loaded everything, and starts it when told to. */
    private long grant(DeviceTail tail) throws IOException {
        orders.offer();
        long sent = end(tail);
        id = passage.answers().ready(config.answerLimit());
        orders.handOver();
        try {
            out.handover(new HandoverRecord(HandoverRecord.Code.GRANT, id));
            out.flush();
            awaitAnswer();
        } catch (Throwable t) {
            orders.after(Event.LOST); // unless something better is known
            if (orders.ownership().state() != SourceOwnership.State.ASKING) {
                throw t;
            }
            main.close(); // if the destination still listens there, it need not wait any longer
            ask(t);
        }
        return sent;
    }

    private long end(DeviceTail tail) throws IOException {
        out.end(tail);
        out.flush();
        return config.clock().nanos();
    }

    private void awaitAnswer() throws IOException {
        int status = passage.answers().status(config.answerLimit());
        if (config.handover()) {
            heard();
        }
        if (status != 0) {
            orders.after(Event.REFUSED);
            throw new IOException("the destination could not load the guest (status %d)".formatted(status));
        }
        orders.after(Event.LOADED);
    }

    /** @throws IOException unless the destination says that it runs the guest */
    private void ask(Throwable lost) throws IOException {
        Event answer = inquiry.ask(id).event;
        orders.after(answer);
        if (answer != Event.RUNS) {
            throw new IOException(
                    "%s; %s"
                            .formatted(
                                    MigrationException.reasonOf(lost),
                                    answer == Event.RENOUNCED
                                            ? "asked again, the destination does not run the guest and never will"
                                            : "asked again for %s s, the destination did not answer"
                                                    .formatted(config.inquiryLimit()
                                                                    .toMillis()
                                                            / 1000.0)),
                    lost);
        }
    }

    /** Nothing depends on it: the destination need not wait for a question then. */
    private void heard() {
        try {
            out.handover(new HandoverRecord(HandoverRecord.Code.HEARD, id));
            out.flush();
        } catch (IOException e) {
            // It waits, then.
        }
    }
}
