package org.transhume.engine.outgoing;

import org.transhume.engine.MigrationException;

/**
 * Who decides about the guest: whether the caller gave the migration up before the guest was handed over, or too late. Any
 * thread.
 */
final class Orders {
    private boolean cancelled;
    private boolean handedOver;
    private boolean acknowledged;

    /** @return whether this call gave it up: neither was it before, nor is the guest handed over */
    synchronized boolean cancel() {
        if (cancelled || handedOver) {
            return false;
        }
        cancelled = true;
        return true;
    }

    synchronized boolean cancelled() {
        return cancelled;
    }

    /** @throws MigrationException if the caller gave it up */
    synchronized void check() {
        if (cancelled) {
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
        handedOver = true;
    }

    /** The destination said that it does not run the guest: it is ours again. */
    synchronized void handBack() {
        handedOver = false;
    }

    /** The destination said that it has the guest. */
    synchronized void acknowledge() {
        acknowledged = true;
    }

    synchronized boolean acknowledged() {
        return acknowledged;
    }

    /** Whether the destination may run the guest without having said so. */
    synchronized boolean unknown() {
        return handedOver && !acknowledged;
    }
}
