package org.transhume.engine.outgoing;

import org.transhume.engine.MigrationException;
import org.transhume.engine.handover.Agreement;
import org.transhume.engine.handover.SourceOwnership;
import org.transhume.engine.handover.SourceOwnership.Event;

/** Who may run the guest, and whether the caller gave the migration up in time: each event decides before the next. Any thread. */
final class Orders {
    private SourceOwnership ownership;
    private boolean postcopy;

    Orders(Agreement agreement) {
        ownership = new SourceOwnership(agreement);
    }

    synchronized SourceOwnership ownership() {
        return ownership;
    }

    /** @return whether this call gave it up: neither was it before, nor is the guest handed over */
    synchronized boolean cancel() {
        if (cancelled()) {
            return false;
        }
        ownership = ownership.after(Event.CANCEL);
        return cancelled();
    }

    synchronized void startPostcopy() {
        postcopy = true;
    }

    /** Whether the caller wants the guest to move before its pages. */
    synchronized boolean postcopyWanted() {
        return postcopy;
    }

    synchronized boolean cancelled() {
        return ownership.state() == SourceOwnership.State.CANCELLED;
    }

    /** @throws MigrationException if the caller gave it up */
    synchronized void check() {
        if (cancelled()) {
            throw new MigrationException("the migration was cancelled");
        }
    }

    /**
     * From here on the destination may run the guest, and nobody can cancel any more.
     *
     * @throws MigrationException if the caller gave it up
     */
    synchronized void handOver() {
        check();
        after(Event.HAND_OVER);
    }

    /**
     * All is about to be sent but the word.
     *
     * @throws MigrationException if the caller gave it up
     */
    synchronized void offer() {
        check();
        after(Event.OFFER);
    }

    /** Something else happened. */
    synchronized void after(Event event) {
        ownership = ownership.after(event);
    }
}
