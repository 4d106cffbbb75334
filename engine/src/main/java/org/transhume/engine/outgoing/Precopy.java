package org.transhume.engine.outgoing;

import java.io.IOException;
import java.time.Duration;
import org.transhume.channels.qemu.SectionKind;
import org.transhume.engine.Clock;
import org.transhume.engine.forecast.Forecaster;
import org.transhume.memory.PageSize;

/**
 * Rounds of dirty pages while the guest runs, until what is left fits into the pause that the caller allows (spec: control.md
 * §6.2 to §6.5). The migration's thread.
 */
final class Precopy {
    private static final long QUEUE_LOOK_NANOS = 10_000_000;
    private static final long FORECAST_NANOS = 100_000_000;
    /** First look at the dirty source between two harvests; each further one after twice the time. */
    private static final long FIRST_LOOK_NANOS = 250_000_000;
    /** A look that takes more than this part of the time in front of it is not worth its price. */
    private static final int LOOK_COST = 20;

    /** How often to look whether the guest wrote while there is nothing left to do but to wait for the destination's consent. */
    private static final Duration CONSENT_LOOK = Duration.ofMillis(100);

    private final Passage passage;
    private final Figures figures;
    private final Scanner scanner;
    private final Forecaster forecaster;
    private final Clock clock;
    private long harvested;
    private long looked;
    private long nextLook = FIRST_LOOK_NANOS;
    private long lookCost;
    private long forecast;

    Precopy(Passage passage) {
        this.passage = passage;
        this.figures = passage.figures();
        this.scanner = passage.scanner();
        this.forecaster = passage.forecaster();
        this.clock = passage.config().clock();
    }

    /** How it ended. */
    sealed interface Decision {
        /** @param pause expected, in nanoseconds */
        record Complete(double pause) implements Decision {}

        /** The caller wants the guest to move before its pages have. */
        record Postcopy() implements Decision {}
    }

    Decision run() throws IOException {
        harvested = clock.nanos();
        looked = harvested;
        forecast = harvested;
        forecaster.begin(harvested);
        while (true) {
            passage.checkOrders();
            figures.remaining(scanner.remainingBytes());
            if (postcopyDue()) {
                return new Decision.Postcopy();
            }
            if (scanner.holesSent() && (fitsIntoPause() || passage.throttle().harvestDue(figures.passes()))) {
                awaitConsent();
                drainQueue();
                harvest();
                if (fitsIntoPause() && maySwitch()) {
                    return new Decision.Complete(forecaster.pause(pending(), figures.unsent()));
                }
            }
            sendSlice();
            figures.sliceSent();
            scanner.measure(forecaster.throughput());
            lookAhead();
        }
    }

    /** Ranges that were never written go first where they have a word of their own: as pages there may be too many. */
    private boolean postcopyDue() {
        return passage.config().postcopy() != null
                && passage.orders().postcopyWanted()
                && (scanner.holesSent() || !passage.config().holeRuns())
                && maySwitch();
    }

    /** Whether the guest may be stopped: the destination wants it, or it stands anyway. */
    private boolean maySwitch() {
        return !passage.config().switchoverAck()
                || passage.answers().switchoverAcknowledged()
                || !passage.guest().running();
    }

    /** Rounds go on without it, but not as fast as a round without pages can be. */
    private void awaitConsent() throws IOException {
        if (fitsIntoPause() && !maySwitch()) {
            passage.answers().awaitSwitchoverAck(CONSENT_LOOK);
            passage.checkOrders();
            figures.idled();
        }
    }

    /** What waits in the sockets has to go before the last pages: better while the guest runs. */
    private void drainQueue() throws IOException {
        long wait = untilQueueFits();
        if (wait <= 0) {
            return;
        }
        // What it reckons with may be learnt from a few bytes of a path that had just begun: the queue itself knows
        // better.
        long end = clock.nanos() + wait;
        for (long left = wait; left > 0; left = Math.min(end - clock.nanos(), untilQueueFits())) {
            scanner.rest(Math.min(left, QUEUE_LOOK_NANOS));
            passage.checkOrders();
        }
        figures.idled();
    }

    private long untilQueueFits() {
        return forecaster.untilQueueFits(passage.limits().terms(), figures.unsent());
    }

    private void sendSlice() throws IOException {
        passage.out().section(SectionKind.PART);
        scanner.scan(passage.sliceEnd());
        // Pages that threads still compress must be in this section too.
        if (!passage.dialect().perRoundSync() || passage.config().pageCompression() != null) {
            scanner.sync();
        }
        passage.out().endOfSection();
        passage.out().flush();
    }

    private void harvest() throws IOException {
        passage.endEpoch();
        passage.ask(); // behind the last pages of a round, which the destination waits for on all channels
        figures.endRound();
        rehearse();
        double left = pending();
        long before = clock.nanos();
        long found = passage.pending().harvest();
        long after = clock.nanos();
        forecaster.look(before - harvested, found, after - before);
        harvested = before;
        looked = before;
        nextLook = FIRST_LOOK_NANOS;
        lookCost = after - before;
        figures.harvested(found, scanner.remainingBytes());
        if (figures.passes() > 1) {
            forecaster.harvested(left, (double) found, pending() - left);
        }
        passage.throttle().harvested(found, figures.bytesWritten());
        figures.pass();
        scanner.beginRound(figures.passes(), false);
        figures.beginRound(found);
        tell(clock.nanos());
    }

    private void hear() {
        Echo.Answer answer = passage.echo().answer();
        if (answer != null && answer.number() > 1) { // the first waits for every channel
            forecaster.answered(answer.nanos(), answer.unsent());
        }
    }

    private void rehearse() {
        long before = clock.nanos();
        long bytes = passage.guest().rehearseDevices();
        if (bytes >= 0) {
            forecaster.rehearsed(
                    clock.nanos() - before, bytes + passage.forms().digest().bytes());
        }
    }

    /** Asks the dirty source now and then, so that the forecast knows more than one length of time, and makes it anew. */
    private void lookAhead() throws IOException {
        long now = clock.nanos();
        if (now - looked >= Math.max(nextLook, lookCost * LOOK_COST)) {
            long found = passage.pending().look();
            lookCost = clock.nanos() - now;
            forecaster.look(now - looked, found, lookCost);
            looked = now;
            nextLook *= 2;
            forecast = now - FORECAST_NANOS;
        }
        if (now - forecast >= FORECAST_NANOS) {
            tell(now);
        }
    }

    private void tell(long now) throws IOException {
        forecast = now;
        if (passage.echo().asked() == 1) {
            passage.ask(); // the first round may be the only one
        }
        hear();
        forecaster.update(
                now,
                pending(),
                now - harvested,
                figures.unsent(),
                passage.limits().terms(),
                figures.passes() == 1);
    }

    private double pending() {
        return (double) figures.remaining() / PageSize.BYTES;
    }

    private boolean fitsIntoPause() {
        return figures.remaining() == 0
                || pending() < forecaster.fittingPages(passage.limits().terms(), figures.unsent());
    }
}
