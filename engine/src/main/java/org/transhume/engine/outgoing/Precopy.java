package org.transhume.engine.outgoing;

import java.io.IOException;
import java.time.Duration;
import org.transhume.channels.qemu.SectionKind;

/**
 * Rounds of dirty pages while the guest runs, until what is left fits into the pause that the caller allows (spec: control.md
 * §6.2 to §6.5). The migration's thread.
 */
final class Precopy {
    private static final double NANOS_PER_SECOND = 1e9;
    /** Part of the downtime limit that is not planned with. */
    private static final double RESERVE = 0.25;

    /** How often to look whether the guest wrote while there is nothing left to do but to wait for the destination's consent. */
    private static final Duration CONSENT_LOOK = Duration.ofMillis(100);

    private final Passage passage;
    private final Figures figures;
    private final Scanner scanner;

    Precopy(Passage passage) {
        this.passage = passage;
        this.figures = passage.figures();
        this.scanner = passage.scanner();
    }

    /** @return the pause expected for what is left, in milliseconds */
    double run() throws IOException {
        while (true) {
            passage.checkOrders();
            figures.remaining(scanner.remainingBytes());
            if (scanner.holesSent() && (fitsIntoPause() || passage.throttle().harvestDue(figures.passes()))) {
                awaitConsent();
                harvest();
                if (fitsIntoPause() && maySwitch()) {
                    double bandwidth = bandwidth();
                    return bandwidth > 0 ? figures.remaining() * 1000 / bandwidth : 0;
                }
            }
            sendSlice();
            figures.sliceSent();
        }
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
        figures.endRound();
        long before = passage.config().clock().nanos();
        long found = passage.pending().harvest();
        figures.harvested(found, passage.config().clock().nanos() - before, scanner.remainingBytes());
        passage.throttle().harvested(found, figures.bytesWritten());
        figures.pass();
        scanner.beginRound(figures.passes(), false);
        figures.beginRound(found);
    }

    private boolean fitsIntoPause() {
        return figures.remaining() == 0 || figures.remaining() < threshold();
    }

    /**
     * Bytes that can follow while the guest stands, without exceeding the limit: what the pause costs beside them comes off
     * first, and a part for whatever goes slower than it did.
     */
    private long threshold() {
        double limit = passage.limits().downtime().toNanos();
        double room = limit * (1 - RESERVE) - 2.0 * figures.harvestNanos();
        // A limit that the fixed costs fill must not keep a guest for ever: a little is always allowed, as asked for.
        return (long) (bandwidth() * Math.max(room, limit / 10) / NANOS_PER_SECOND);
    }

    private double bandwidth() {
        long assumed = passage.limits().switchoverBandwidth();
        return assumed > 0 ? assumed : figures.bytesPerSecond();
    }
}
