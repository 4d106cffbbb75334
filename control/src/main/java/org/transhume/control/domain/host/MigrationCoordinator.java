package org.transhume.control.domain.host;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import org.transhume.control.domain.BeginReply;
import org.transhume.control.domain.Cookie;
import org.transhume.control.domain.DomainId;
import org.transhume.control.domain.FinishReply;
import org.transhume.control.domain.HostConnection;
import org.transhume.control.domain.MigrationSource;
import org.transhume.control.domain.PerformReply;
import org.transhume.control.domain.PrepareReply;
import org.transhume.control.domain.Verdict;
import org.transhume.control.domain.error.DomainException;
import org.transhume.control.domain.error.HostLostException;
import org.transhume.control.domain.error.MigrationFailedException;
import org.transhume.control.domain.spec.MigrationFlag;
import org.transhume.control.domain.spec.MigrationParameter;
import org.transhume.control.domain.spec.MigrationSpec;

/**
 * Runs the phases of a migration after Begin, wherever its source and destination are: Prepare, Perform, Finish, Confirm. Where one
 * fails it leaves what §11 of the domain API says, and throws the first cause. One thread, once.
 */
public final class MigrationCoordinator {
    /** How long a destination that did not answer Finish is asked again. */
    private static final Duration ASK_AGAIN = Duration.ofSeconds(10);

    private static final Duration BETWEEN = Duration.ofMillis(200);

    private final MigrationSource source;
    private final Supplier<HostConnection> destination;
    private final Duration askAgain;

    /** @param destination connects to it; again, if the first connection is lost when it matters */
    public MigrationCoordinator(MigrationSource source, Supplier<HostConnection> destination) {
        this(source, destination, ASK_AGAIN);
    }

    MigrationCoordinator(MigrationSource source, Supplier<HostConnection> destination, Duration askAgain) {
        this.source = source;
        this.destination = destination;
        this.askAgain = askAgain;
    }

    /**
     * @param begun by the source
     * @return the domain at its destination; empty if somebody else ended it
     * @throws DomainException if it did not arrive
     */
    public Optional<DomainId> run(BeginReply begun, MigrationSpec spec) {
        try (HostConnection there = connected(begun)) {
            return run(begun, spec, there);
        }
    }

    private HostConnection connected(BeginReply begun) {
        try {
            return destination.get();
        } catch (RuntimeException e) {
            throw confirmedCancelled(begun, e);
        }
    }

    private Optional<DomainId> run(BeginReply begun, MigrationSpec spec, HostConnection there) {
        PrepareReply prepared;
        try {
            MigrationSpec told =
                    begun.paused() && !spec.has(MigrationFlag.OFFLINE) ? spec.with(MigrationFlag.PAUSED) : spec;
            prepared = there.prepare(begun.job(), begun.definition(), told.forDestination(), begun.cookie());
        } catch (RuntimeException e) {
            throw confirmedCancelled(begun, e);
        }
        Cookie performed = Cookie.EMPTY;
        if (!spec.has(MigrationFlag.OFFLINE)) {
            performed = perform(begun, spec, there, prepared).cookie();
        }
        return finish(begun, there, performed);
    }

    private PerformReply perform(BeginReply begun, MigrationSpec spec, HostConnection there, PrepareReply prepared) {
        Optional<String> uri = prepared.uri()
                .or(() -> spec.text(MigrationParameter.MIGRATE_URI)
                        .map(given -> MigrationUri.parse(given).uri()));
        if (uri.isEmpty()) {
            Optional<String> _ = finishCancelled(begun, there);
            throw confirmedCancelled(
                    begun,
                    MigrationFailedException.atDestination(
                            "Prepare gave no URI to migrate to, and the caller none", null));
        }
        try {
            return source.perform(begun.job(), uri.get(), prepared.cookie());
        } catch (MigrationFailedException e) {
            // The source has its guest back, and knows: it needs no Confirm.
            throw MigrationFailedException.joined(e.getMessage(), finishCancelled(begun, there));
        } catch (RuntimeException e) {
            Optional<String> _ = finishCancelled(begun, there);
            throw e;
        }
    }

    /** What the destination has to add; it gives the room free even if it cannot be told. */
    private static Optional<String> finishCancelled(BeginReply begun, HostConnection there) {
        try {
            return there.finish(begun.job(), Cookie.EMPTY, true).cause();
        } catch (DomainException e) {
            return Optional.empty();
        }
    }

    private Optional<DomainId> finish(BeginReply begun, HostConnection there, Cookie performed) {
        FinishReply finished;
        try {
            finished = finishHeard(begun, there, performed);
        } catch (HostLostException e) {
            source.confirm(begun.job(), Cookie.EMPTY, Verdict.UNKNOWN);
            throw MigrationFailedException.joined(
                    "the destination did not say whether the guest runs there, so it stays paused here: find out, then use cont on the side that shall own it",
                    Optional.of(e.getMessage()));
        } catch (RuntimeException e) {
            throw confirmedCancelled(begun, e);
        }
        if (finished.arrived().isEmpty()) {
            throw confirmedCancelled(
                    begun,
                    MigrationFailedException.atDestination(
                            finished.cause().orElse("the destination gave the guest up"), null));
        }
        try {
            source.confirm(begun.job(), finished.cookie(), Verdict.ARRIVED);
        } catch (HostLostException e) {
            // The guest runs there, so that is a success; the source finds it paused.
        }
        return finished.arrived();
    }

    /** Asks again over connections of their own, as the answer decides who runs the guest. */
    private FinishReply finishHeard(BeginReply begun, HostConnection there, Cookie performed) {
        long deadline = System.nanoTime() + askAgain.toNanos();
        HostLostException first;
        try {
            return there.finish(begun.job(), performed, false);
        } catch (HostLostException e) {
            first = e;
        }
        while (System.nanoTime() < deadline) {
            try (HostConnection again = destination.get()) {
                return again.finish(begun.job(), performed, false);
            } catch (HostLostException e) {
                LockSupport.parkNanos(BETWEEN.toNanos());
            }
        }
        throw first;
    }

    /** The guest stays; {@code cause} to throw. */
    private RuntimeException confirmedCancelled(BeginReply begun, RuntimeException cause) {
        try {
            source.confirm(begun.job(), Cookie.EMPTY, Verdict.CANCELLED);
        } catch (RuntimeException e) {
            cause.addSuppressed(e);
        }
        return cause;
    }
}
