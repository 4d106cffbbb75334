package org.transhume.engine.outgoing;

import java.io.IOException;
import java.time.Duration;
import org.transhume.channels.qemu.Dialect;
import org.transhume.channels.qemu.MainStreamWriter;
import org.transhume.channels.qemu.SectionKind;
import org.transhume.engine.Guest;
import org.transhume.engine.forecast.Forecaster;

/**
 * A migration whose connections are up: what its phases, {@link Precopy} and {@link Switchover}, work with, and what both do
 * to the stream. The migration's thread.
 *
 * @param held opened when the caller lets a guest that was stopped go on its way
 * @param answers null without a return path
 * @param echo how long the destination takes to answer; silent without a return path
 */
record Passage(
        Guest guest,
        OutgoingConfig config,
        Dialect dialect,
        Orders orders,
        Gate held,
        Limits limits,
        Figures figures,
        Throttle throttle,
        Forecaster forecaster,
        Stage stage,
        PageForms forms,
        PendingPages pending,
        Scanner scanner,
        MainStreamWriter out,
        AnswerReader answers,
        Echo echo) {
    static final long SLICE_NANOS = 50_000_000;

    /** When a slice of pages that begins now has to end. */
    long sliceEnd() {
        return config.clock().nanos() + SLICE_NANOS;
    }

    /** Asks the destination how far it is, if it can answer. */
    void ask() throws IOException {
        if (answers != null) {
            echo.ask(out, figures.unsent());
        }
    }

    /** Looks whether somebody wants this to end: the caller, or the destination. */
    void checkOrders() throws IOException {
        orders.check();
        if (answers != null && answers.ended()) {
            throw new IOException("the destination ended the migration before it was complete (status %d)"
                    .formatted(answers.status(Duration.ZERO)));
        }
    }

    /** Tells a destination with page channels, in the dialects that have a word for it, that they reached a sync point. */
    void mark() throws IOException {
        if (dialect.perRoundSync() && config.channels() > 0) {
            out.multifdFlush();
        }
    }

    /** Ends an epoch in the dialects that do it once a round, so that no page travels twice within one. */
    void endEpoch() throws IOException {
        if (dialect.perRoundSync() && config.channels() > 0) {
            out.section(SectionKind.PART);
            scanner.sync();
            mark();
            out.endOfSection();
            out.flush();
        }
        forms.epochEnded();
    }
}
