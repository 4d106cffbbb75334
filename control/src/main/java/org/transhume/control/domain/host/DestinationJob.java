package org.transhume.control.domain.host;

import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import org.transhume.channels.Address;
import org.transhume.control.domain.Cookie;
import org.transhume.control.domain.DefinedDetail;
import org.transhume.control.domain.DomainDefinition;
import org.transhume.control.domain.DomainState;
import org.transhume.control.domain.FinishReply;
import org.transhume.control.domain.JobEvent;
import org.transhume.control.domain.JobId;
import org.transhume.control.domain.JobPhase;
import org.transhume.control.domain.JobRole;
import org.transhume.control.domain.LifecycleEvent;
import org.transhume.control.domain.MigrationResult;
import org.transhume.control.domain.ResumedDetail;
import org.transhume.control.domain.StartedDetail;
import org.transhume.control.domain.StoppedDetail;
import org.transhume.control.domain.SuspendedDetail;
import org.transhume.control.domain.error.DomainException;
import org.transhume.control.domain.error.MigrationAbortedException;
import org.transhume.control.domain.error.MigrationFailedException;
import org.transhume.control.domain.error.StatsUnavailableException;
import org.transhume.control.domain.spec.MigrationFlag;
import org.transhume.control.domain.spec.MigrationParameter;
import org.transhume.control.domain.spec.MigrationSpec;
import org.transhume.control.domain.stats.JobOperation;
import org.transhume.control.domain.stats.JobStats;
import org.transhume.control.domain.stats.JobType;
import org.transhume.control.domain.stats.Outcome;
import org.transhume.control.domain.stats.Times;
import org.transhume.control.guest.RunState;
import org.transhume.engine.MigrationException;
import org.transhume.engine.MigrationObserver;
import org.transhume.engine.MigrationState;
import org.transhume.engine.incoming.IncomingReport;

/** The job of a domain that arrives, from Prepare to Finish. */
final class DestinationJob extends DomainJob {
    /** The definition to store, which need not be the one to run with. */
    static final String PERSISTENT = "persistent";

    private static final Set<String> KNOWN = Set.of(PERSISTENT, PassedFigures.SECTION);

    private final DomainDefinition definition;
    private final Place place; // null if nothing but the definition moves
    private final String stored;
    private final CompletableFuture<FinishReply> outcome = new CompletableFuture<>();
    private BorrowedSettings borrowed;
    private boolean finishing; // guarded by this, as are the others
    private boolean started;
    private boolean whole;

    /** Completes when the guest may run here before its pages have come. */
    private final CompletableFuture<Void> moved = new CompletableFuture<>();
    /** Completes when post-copy breaks; the latest. */
    private volatile CompletableFuture<String> broken = new CompletableFuture<>();

    DestinationJob(
            GuestDomain domain,
            JobId id,
            DomainDefinition definition,
            MigrationSpec spec,
            Place place,
            Cookie fromBegin) {
        super(domain, id, spec);
        this.definition = definition;
        this.place = place;
        this.stored = spec.text(MigrationParameter.PERSISTENT_XML)
                .or(() -> fromBegin.section(PERSISTENT))
                .orElse(definition.text());
    }

    static void check(Cookie fromBegin) {
        fromBegin.require(KNOWN);
    }

    @Override
    public JobRole role() {
        return JobRole.DESTINATION;
    }

    /** Listens; where. */
    Optional<String> prepare() {
        enter(JobPhase.PREPARE);
        if (place == null) {
            return Optional.empty();
        }
        borrowed = BorrowedSettings.take(
                place.control(),
                SpecSettings.of(spec, place.control().settings().profile(), Optional.empty()));
        try {
            place.runtime().stayPaused();
            place.control().watchArrival(new Watcher());
            Address address = place.control().listen(domain.host().listenUri(spec), false);
            domain.becomes(
                    DomainState.PAUSED_MIGRATION, origin -> new LifecycleEvent.Started(origin, StartedDetail.MIGRATED));
            CompletableFuture<Void> _ = place.control().incomingNow().thenAccept(this::endedAlone);
            return Optional.of(domain.host().reachable(address, spec));
        } catch (RuntimeException e) {
            borrowed.giveBack();
            throw e instanceof MigrationException ? MigrationFailedException.atDestination(e.getMessage(), e) : e;
        }
    }

    /** As the first call did, whoever makes the others. */
    FinishReply finish(Cookie fromPerform, boolean cancelled) {
        boolean first;
        synchronized (this) {
            first = !finishing;
            finishing = true;
        }
        if (first) {
            try {
                outcome.complete(cancelled ? cancel(false) : accept(fromPerform));
            } catch (DomainException e) {
                outcome.completeExceptionally(e);
            } catch (RuntimeException e) {
                outcome.completeExceptionally(
                        MigrationFailedException.atDestination(MigrationException.reasonOf(e), e));
            }
        }
        try {
            return outcome.join();
        } catch (CompletionException e) {
            throw (DomainException) e.getCause();
        }
    }

    private FinishReply cancel(boolean alone) {
        enter(JobPhase.FINISH);
        Optional<String> cause = destroy(
                alone ? "whoever drove the migration is gone" : "the migration was cancelled", Optional.empty());
        return new FinishReply(
                Optional.empty(), cause, Cookie.EMPTY, domain.host().now());
    }

    private FinishReply accept(Cookie fromPerform) {
        Instant receivedAt = domain.host().now();
        long receivedNanos = System.nanoTime();
        enter(JobPhase.FINISH);
        boolean persisted = false;
        Optional<DomainDefinition> replaced = Optional.empty();
        try {
            fromPerform.require(KNOWN);
            awaitLoaded();
            if (spec.has(MigrationFlag.PERSIST_DEST)) {
                replaced = domain.host().definitions().define(persistent());
                persisted = true;
                boolean updated = replaced.isPresent();
                domain.publish(origin ->
                        new LifecycleEvent.Defined(origin, updated ? DefinedDetail.UPDATED : DefinedDetail.ADDED));
            }
            start();
            awaitWhole();
        } catch (RuntimeException e) {
            DomainException cause = e instanceof DomainException known
                    ? known
                    : MigrationFailedException.atDestination(MigrationException.reasonOf(e), e);
            if (split()) {
                throw broke(cause);
            }
            if (persisted) {
                unpersist(replaced);
            }
            Optional<String> _ = destroy(cause.getMessage(), Optional.of(cause));
            throw cause;
        }
        long local = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - receivedNanos);
        return arrived(fromPerform, receivedAt, local);
    }

    private void awaitLoaded() {
        if (place == null) {
            return;
        }
        CompletableFuture<IncomingReport> incoming = place.control().incomingNow();
        Object _ = CompletableFuture.anyOf(incoming, moved).join();
        if (!moved.isDone()) {
            checkCompleted(incoming);
        }
    }

    private static void checkCompleted(CompletableFuture<IncomingReport> incoming) {
        IncomingReport report = incoming.join();
        if (!report.outcome().equals("completed")) {
            throw MigrationFailedException.atDestination(report.reason(), null);
        }
    }

    /** In post-copy, until the last page is there. */
    private void awaitWhole() {
        if (!moved.isDone()) {
            return;
        }
        CompletableFuture<IncomingReport> incoming = place.control().incomingNow();
        CompletableFuture<String> cut = broken;
        Object _ = CompletableFuture.anyOf(incoming, cut).join();
        if (!incoming.isDone()) {
            throw MigrationFailedException.atDestination("post-copy broke: " + cut.join(), null);
        }
        checkCompleted(incoming);
        becomesWhole();
    }

    /** Whether the guest has run here before all of it was there, which it is not now. */
    private synchronized boolean split() {
        return started && moved.isDone() && !whole && place.runtime().state() != RunState.INMIGRATE;
    }

    /** Each side has a half, and the job stays. */
    private DomainException broke(DomainException cause) {
        synchronized (this) {
            if (phase() != JobPhase.POSTCOPY_FAILED) {
                enter(JobPhase.POSTCOPY_FAILED);
            }
            DomainState before = domain.state();
            if (place.runtime().state() == RunState.RUNNING) {
                if (before != DomainState.RUNNING_POSTCOPY_FAILED) {
                    domain.becomes(
                            DomainState.RUNNING_POSTCOPY_FAILED,
                            origin -> new LifecycleEvent.Resumed(origin, ResumedDetail.POSTCOPY_FAILED));
                }
            } else if (before != DomainState.PAUSED_POSTCOPY_FAILED) {
                domain.becomes(
                        DomainState.PAUSED_POSTCOPY_FAILED,
                        origin -> new LifecycleEvent.Suspended(origin, SuspendedDetail.POSTCOPY_FAILED));
            }
        }
        return cause;
    }

    private void becomesWhole() {
        synchronized (this) {
            whole = true;
        }
        domain.becomes(
                DomainState.RUNNING_MIGRATED, origin -> new LifecycleEvent.Resumed(origin, ResumedDetail.MIGRATED));
    }

    /** Nobody waits for a migration that was broken, and somebody mended it. */
    private void endedAlone(IncomingReport report) {
        if (phase() == JobPhase.POSTCOPY_FAILED && report.outcome().equals("completed")) {
            enter(JobPhase.FINISH_RESUME);
            becomesWhole();
            ended(Optional.empty());
        }
    }

    private void start() {
        if (place == null) {
            return;
        }
        if (spec.has(MigrationFlag.PAUSED)) {
            domain.becomes(
                    DomainState.PAUSED_USER, origin -> new LifecycleEvent.Suspended(origin, SuspendedDetail.PAUSED));
        } else {
            place.runtime().cont();
            becomesRunning();
        }
    }

    private void becomesRunning() {
        synchronized (this) {
            started = true;
        }
        if (moved.isDone()) {
            domain.becomes(
                    DomainState.RUNNING_POSTCOPY, origin -> new LifecycleEvent.Resumed(origin, ResumedDetail.POSTCOPY));
        } else {
            domain.becomes(
                    DomainState.RUNNING_MIGRATED, origin -> new LifecycleEvent.Resumed(origin, ResumedDetail.MIGRATED));
        }
    }

    private DomainDefinition persistent() {
        return new DomainDefinition(definition.name(), definition.uuid(), stored);
    }

    private void unpersist(Optional<DomainDefinition> replaced) {
        if (replaced.isPresent()) {
            domain.host().definitions().define(replaced.get());
        } else {
            domain.host().definitions().undefine(definition.name());
            domain.publish(LifecycleEvent.Undefined::new);
        }
    }

    private FinishReply arrived(Cookie fromPerform, Instant receivedAt, long localMillis) {
        Optional<PassedFigures> passed = PassedFigures.in(fromPerform);
        Optional<JobStats> completed = passed.map(figures -> {
            Times times = spec.has(MigrationFlag.PAUSED)
                    ? figures.stats().times() // nobody has seen it run yet
                    : figures.measured(receivedAt, localMillis);
            return figures.stats().as(JobOperation.MIGRATION_IN, times).ended(JobType.COMPLETED, Outcome.SUCCESS);
        });
        // The figures of pages that came after the guest are the source's alone.
        JobStats stats = ended(moved.isDone() ? Optional.empty() : completed);
        Instant now = domain.host().now();
        Cookie cookie = new Cookie(List.of(new PassedFigures(stats, 0, now).section()));
        return new FinishReply(Optional.of(domain.id()), Optional.empty(), cookie, now);
    }

    private JobStats ended(Optional<JobStats> completed) {
        unwatch();
        domain.jobEnded(this, completed);
        JobStats stats = completed.orElseGet(
                () -> MigrationFigures.none(elapsedMillis(), domain.host().now())
                        .as(JobOperation.MIGRATION_IN, Times.elapsed(elapsedMillis()))
                        .ended(JobType.COMPLETED, Outcome.SUCCESS));
        settle(new MigrationResult.Completed(domain.id(), stats));
        return stats;
    }

    private void unwatch() {
        if (borrowed != null) {
            place.control().watchArrival(new MigrationObserver() {});
            borrowed.giveBack();
        }
    }

    /** Leaves nothing of the guest. */
    private Optional<String> destroy(String why, Optional<DomainException> failure) {
        Optional<String> cause = place == null ? Optional.empty() : place.vacate(why);
        unwatch();
        DomainException end = failure.orElseGet(() -> new MigrationAbortedException(why));
        JobStats stats = MigrationFigures.none(elapsedMillis(), domain.host().now())
                .as(JobOperation.MIGRATION_IN, Times.elapsed(elapsedMillis()))
                .ended(
                        end instanceof MigrationAbortedException ? JobType.CANCELLED : JobType.FAILED,
                        Outcome.failure(why));
        domain.jobEnded(this, Optional.empty());
        if (place != null) {
            domain.becomes(
                    DomainState.SHUTOFF_FAILED, origin -> new LifecycleEvent.Stopped(origin, StoppedDetail.FAILED));
        }
        domain.publish(origin -> new JobEvent.JobFailed(origin, end, stats));
        domain.destroyed(place);
        settle(
                end instanceof MigrationAbortedException
                        ? new MigrationResult.Cancelled(stats)
                        : new MigrationResult.Failed(end, stats));
        return cause;
    }

    @Override
    void abandoned() {
        boolean first;
        synchronized (this) {
            first = !finishing;
            finishing = true;
        }
        if (first && moved.isDone()) {
            // The source has let go of it for good, so it runs here, whoever is gone.
            Thread.ofPlatform().daemon().name("finish " + domain.id().name()).start(this::finishAlone);
        } else if (first) {
            outcome.complete(cancel(true));
        }
    }

    private void finishAlone() {
        try {
            outcome.complete(accept(Cookie.EMPTY));
        } catch (DomainException e) {
            outcome.completeExceptionally(e);
        }
    }

    boolean ended() {
        return outcome.isDone();
    }

    /** Called from the migration's threads. */
    private final class Watcher implements MigrationObserver {
        @Override
        public void state(MigrationState state) {
            switch (state) {
                case MigrationState.PostcopyActive _ -> {
                    if (moved.isDone()) {
                        broken = new CompletableFuture<>();
                        becomesRunning();
                    }
                    moved.complete(null);
                }
                case MigrationState.PostcopyPaused(String reason) -> {
                    if (split()) {
                        DomainException _ = broke(MigrationFailedException.atDestination(reason, null));
                    }
                    broken.complete(reason);
                }
                default -> {
                    // nothing that a domain's watchers hear of
                }
            }
        }
    }

    /** What was prepared and failed at once leaves no job. */
    void neverBegan() {
        synchronized (this) {
            finishing = true;
        }
        domain.jobEnded(this, Optional.empty());
        domain.destroyed(place);
    }

    @Override
    public JobStats stats() {
        throw new StatsUnavailableException("figures of a running migration are its source's: ask there");
    }

    @Override
    public void cancel() {
        throw new IllegalStateException("an incoming migration is aborted at its source");
    }

    @Override
    void requireSource() {
        throw new IllegalStateException("this is no outgoing migration: ask its source");
    }
}
