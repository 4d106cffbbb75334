package org.transhume.control.domain.host;

import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.transhume.control.domain.Cookie;
import org.transhume.control.domain.DomainId;
import org.transhume.control.domain.DomainState;
import org.transhume.control.domain.JobEvent;
import org.transhume.control.domain.JobId;
import org.transhume.control.domain.JobPhase;
import org.transhume.control.domain.JobRole;
import org.transhume.control.domain.LifecycleEvent;
import org.transhume.control.domain.MigrationResult;
import org.transhume.control.domain.PerformReply;
import org.transhume.control.domain.ResumedDetail;
import org.transhume.control.domain.StoppedDetail;
import org.transhume.control.domain.SuspendedDetail;
import org.transhume.control.domain.Verdict;
import org.transhume.control.domain.error.DomainException;
import org.transhume.control.domain.error.MigrationAbortedException;
import org.transhume.control.domain.error.MigrationFailedException;
import org.transhume.control.domain.error.PointOfNoReturnException;
import org.transhume.control.domain.spec.MigrationFlag;
import org.transhume.control.domain.spec.MigrationSpec;
import org.transhume.control.domain.stats.JobOperation;
import org.transhume.control.domain.stats.JobStats;
import org.transhume.control.domain.stats.JobType;
import org.transhume.control.domain.stats.Outcome;
import org.transhume.control.domain.stats.Times;
import org.transhume.control.guest.GuestRuntime;
import org.transhume.control.guest.MigrationControl;
import org.transhume.control.guest.RunState;
import org.transhume.engine.MigrationException;
import org.transhume.engine.MigrationObserver;
import org.transhume.engine.MigrationState;
import org.transhume.engine.outgoing.OutgoingMigration;
import org.transhume.engine.outgoing.OutgoingReport;

/** The job of a domain that leaves, from Begin to Confirm. */
final class SourceJob extends DomainJob {
    private static final Set<String> KNOWN = Set.of(PassedFigures.SECTION);

    private final DomainState before;
    private final BorrowedSettings borrowed; // null if nothing but the definition moves
    private final boolean ran;

    private boolean cancelled; // guarded by this, as are the others
    private boolean abandoned;
    private boolean over;
    private boolean touched; // the guest, or how fast it runs
    private OutgoingMigration migration;
    private long stoppedNanos;
    private boolean postCopyWanted;
    private boolean untold; // it stands, and why will be known soon
    private boolean arriving; // as a whole, after it ran there
    private JobStats last;

    /** Completes when the guest is at the destination before its pages. */
    private final CompletableFuture<Void> moved = new CompletableFuture<>();
    /** Completes when post-copy breaks; the latest. */
    private volatile CompletableFuture<String> broken = new CompletableFuture<>();

    /** The domain has no other job. */
    SourceJob(GuestDomain domain, MigrationSpec spec) {
        super(domain, JobId.random(), spec);
        this.before = domain.state();
        this.ran = before.kind() == DomainState.Kind.RUNNING;
        this.borrowed = spec.has(MigrationFlag.OFFLINE)
                ? null
                : BorrowedSettings.take(
                        domain.control(),
                        SpecSettings.of(spec, domain.control().settings().profile(), domain.storedBandwidth()));
    }

    @Override
    public JobRole role() {
        return JobRole.SOURCE;
    }

    /** Whether the guest stands, and is to arrive so. */
    boolean stands() {
        return before.kind() == DomainState.Kind.PAUSED;
    }

    void begun() {
        enter(JobPhase.BEGIN);
    }

    PerformReply perform(String uri, Cookie fromPrepare) {
        fromPrepare.require(KNOWN);
        OutgoingMigration started;
        synchronized (this) {
            require(JobPhase.BEGIN, "perform");
            enter(JobPhase.PERFORM);
            touched = true;
        }
        try {
            started = start(uri);
        } catch (MigrationException | IllegalStateException e) {
            throw failed(MigrationFailedException.atSource(MigrationException.reasonOf(e), e));
        }
        if (started == null) {
            throw failed(new MigrationAbortedException("the migration was cancelled"));
        }
        Object _ = CompletableFuture.anyOf(started.completion(), moved).join();
        if (split(started)) {
            return performed(started);
        }
        OutgoingReport report = started.completion().join();
        switch (report.outcome()) {
            case "completed" -> {
                return performed(started);
            }
            case "cancelled" -> throw failed(new MigrationAbortedException("the migration was cancelled"));
            default -> throw failed(cause(started, report));
        }
    }

    /** Whether the guest belongs to the destination, and not as a whole at first. */
    private boolean split(OutgoingMigration migration) {
        return moved.isDone()
                && !(migration.state() instanceof MigrationState.Failed failed && !failed.ownershipUnknown());
    }

    /** Whoever asked to abort, too late for the source to end it by itself, and has the guest there has what was asked for. */
    private DomainException cause(OutgoingMigration migration, OutgoingReport report) {
        boolean here = migration.state() instanceof MigrationState.Failed failed && !failed.ownershipUnknown();
        return here && cancelledEarly()
                ? new MigrationAbortedException(report.reason())
                : MigrationFailedException.atSource(report.reason(), null);
    }

    /** Null if it was cancelled before. */
    private OutgoingMigration start(String uri) {
        synchronized (this) {
            if (cancelled) {
                return null;
            }
        }
        if (ran && !spec.has(MigrationFlag.LIVE)) {
            domain.runtime().stop();
            stopped();
        }
        MigrationControl control = domain.control();
        control.watch(new Watcher());
        OutgoingMigration started = control.migrate(uri);
        synchronized (this) {
            migration = started;
            if (cancelled) {
                started.cancel(); // it came while nobody could have been told
            } else if (postCopyWanted) {
                control.startPostcopy(); // the same
            }
        }
        CompletableFuture<Void> _ = started.completion().thenAccept(this::endedAlone);
        return started;
    }

    private PerformReply performed(OutgoingMigration done) {
        Instant now = domain.host().now();
        JobStats stats = MigrationFigures.of(done.progress(), elapsedMillis(), now);
        long stood;
        boolean unheard;
        synchronized (this) {
            last = stats;
            stood = stoppedNanos == 0 ? 0 : TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - stoppedNanos);
            unheard = abandoned;
            if (!unheard && phase() == JobPhase.PERFORM) { // post-copy may be broken already
                enter(JobPhase.PERFORM_DONE);
            }
        }
        if (unheard && split(done)) {
            throw broke(gone());
        }
        if (unheard) {
            // Nobody will hear that it is done, so nobody can have the guest started there.
            throw failed(gone());
        }
        return new PerformReply(new Cookie(List.of(new PassedFigures(stats, stood, now).section())), now);
    }

    /** Gives the guest back, and ends the job. */
    private DomainException failed(DomainException cause) {
        synchronized (this) {
            if (last == null) {
                last = figures();
            }
        }
        restore();
        end(cause);
        return cause;
    }

    private void restore() {
        boolean untouched;
        synchronized (this) {
            untouched = !touched;
        }
        if (untouched) {
            return;
        }
        if (ran) {
            try {
                GuestRuntime runtime = domain.runtime();
                runtime.stayed();
                if (runtime.state() != RunState.RUNNING) {
                    runtime.cont();
                }
                domain.becomes(
                        DomainState.RUNNING_MIGRATION_CANCELED,
                        origin -> new LifecycleEvent.Resumed(origin, ResumedDetail.MIGRATED));
            } catch (RuntimeException e) {
                domain.becomes(
                        DomainState.PAUSED_API_ERROR,
                        origin -> new LifecycleEvent.Suspended(origin, SuspendedDetail.API_ERROR));
            }
        } else {
            domain.runtime().stayed();
            domain.state(before);
        }
    }

    private void end(DomainException cause) {
        JobStats stats;
        boolean aborted = cause instanceof MigrationAbortedException;
        synchronized (this) {
            stats = last.ended(aborted ? JobType.CANCELLED : JobType.FAILED, Outcome.failure(cause.getMessage()));
            last = stats;
        }
        over(Optional.empty());
        domain.publish(origin -> new JobEvent.JobFailed(origin, cause, stats));
    }

    private void over(Optional<JobStats> completed) {
        synchronized (this) {
            over = true;
        }
        if (borrowed != null) {
            domain.control().watch(new MigrationObserver() {});
            borrowed.giveBack();
        }
        domain.jobEnded(this, completed);
    }

    /** How it ended without having arrived; of a job that has. */
    synchronized MigrationResult result(DomainException cause) {
        if (phase() == JobPhase.POSTCOPY_FAILED && !over) {
            return new MigrationResult.PostCopyBroken(cause, stats());
        }
        if (over && last.type() == JobType.COMPLETED) {
            return completed(new DomainId(
                    spec.destinationName().orElse(domain.id().name()),
                    domain.id().uuid(),
                    0));
        }
        return cause instanceof MigrationAbortedException
                ? new MigrationResult.Cancelled(stats())
                : new MigrationResult.Failed(cause, stats());
    }

    void confirm(Cookie fromFinish, Verdict verdict) {
        OutgoingMigration performed;
        synchronized (this) {
            performed = migration;
        }
        if (performed != null && split(performed)) {
            confirmPostCopy(performed, verdict);
            return;
        }
        synchronized (this) {
            if (over) {
                return; // a phase that failed has confirmed itself
            }
            boolean due = phase() == JobPhase.PERFORM_DONE
                    || (phase() == JobPhase.BEGIN && (verdict != Verdict.ARRIVED || spec.has(MigrationFlag.OFFLINE)));
            if (!due) {
                throw new IllegalStateException("confirm came in phase " + phase());
            }
            enter(verdict == Verdict.ARRIVED ? JobPhase.CONFIRM : JobPhase.CONFIRM_CANCELLED);
            if (last == null) {
                last = figures();
            }
        }
        switch (verdict) {
            case ARRIVED -> arrived(fromFinish);
            case CANCELLED -> {
                DomainException _ = failed(
                        cancelledEarly()
                                ? new MigrationAbortedException("the migration was cancelled")
                                : MigrationFailedException.atDestination("the guest did not arrive", null));
            }
            case UNKNOWN -> {
                DomainException _ = lost("the destination did not say whether the guest runs there");
            }
        }
    }

    /** Whatever the destination said: a guest that has moved stays there, and is whole there once its pages are. */
    private void confirmPostCopy(OutgoingMigration migration, Verdict verdict) {
        if (verdict == Verdict.ARRIVED) {
            Object _ = CompletableFuture.anyOf(migration.completion(), broken).join();
            migration.abandon("the destination has all of the guest"); // which only this side did not hear
            OutgoingReport _ = migration.completion().join();
        }
        if (verdict == Verdict.ARRIVED || migration.state() instanceof MigrationState.Completed) {
            arrivedInPostCopy(migration);
        } else {
            DomainException _ = broke(gone());
        }
    }

    private void arrivedInPostCopy(OutgoingMigration migration) {
        synchronized (this) {
            if (over || arriving) {
                return;
            }
            arriving = true;
            enter(phase() == JobPhase.POSTCOPY_FAILED ? JobPhase.CONFIRM_RESUME : JobPhase.CONFIRM);
            last = MigrationFigures.of(
                    migration.progress(), elapsedMillis(), domain.host().now());
        }
        arrived(Cookie.EMPTY);
    }

    /** Nobody waits for a migration that was broken, and somebody mended it. */
    private void endedAlone(OutgoingReport report) {
        OutgoingMigration ended;
        synchronized (this) {
            ended = migration;
        }
        if (phase() == JobPhase.POSTCOPY_FAILED && report.outcome().equals("completed")) {
            arrivedInPostCopy(ended);
        }
    }

    /** Each side has a half, and the job stays. */
    private DomainException broke(DomainException cause) {
        synchronized (this) {
            if (over || arriving || domain.state() == DomainState.PAUSED_POSTCOPY_FAILED) {
                return cause;
            }
            if (phase() != JobPhase.POSTCOPY_FAILED) {
                enter(JobPhase.POSTCOPY_FAILED);
            }
            domain.becomes(
                    DomainState.PAUSED_POSTCOPY_FAILED,
                    origin -> new LifecycleEvent.Suspended(origin, SuspendedDetail.POSTCOPY_FAILED));
        }
        return cause;
    }

    private synchronized boolean cancelledEarly() {
        return cancelled;
    }

    private void arrived(Cookie fromFinish) {
        JobStats stats;
        synchronized (this) {
            Times times = PassedFigures.in(fromFinish)
                    .map(figures -> figures.stats().times())
                    .orElse(last.times());
            stats = last.as(JobOperation.MIGRATION_OUT, times).ended(JobType.COMPLETED, Outcome.SUCCESS);
            last = stats;
        }
        over(Optional.of(stats));
        if (!spec.has(MigrationFlag.OFFLINE)) {
            domain.becomes(
                    DomainState.SHUTOFF_MIGRATED, origin -> new LifecycleEvent.Stopped(origin, StoppedDetail.MIGRATED));
        }
        domain.publish(origin -> new JobEvent.JobCompleted(origin, stats));
        domain.left(spec.has(MigrationFlag.UNDEFINE_SOURCE));
    }

    /** The guest stays paused, as it may run elsewhere. */
    private DomainException lost(String why) {
        DomainException cause = MigrationFailedException.atSource(
                why + ", so it stays paused here: find out, then use cont on the side that shall own it", null);
        end(cause);
        return cause;
    }

    @Override
    void abandoned() {
        OutgoingMigration running;
        JobPhase reached;
        synchronized (this) {
            if (over || abandoned) {
                return;
            }
            abandoned = true;
            cancelled = true;
            running = migration;
            reached = phase();
        }
        if (running != null && split(running)) {
            settle(result(broke(gone())));
            return;
        }
        switch (reached) {
            case BEGIN -> settle(result(failed(gone())));
            case PERFORM -> {
                if (running != null) {
                    running.cancel(); // whoever performs gives the guest back
                }
            }
            case PERFORM_DONE ->
                settle(result(
                        lost("whoever drove the migration is gone, and may have had the guest started elsewhere")));
            default -> {
                // Confirm is at it.
            }
        }
    }

    private static MigrationAbortedException gone() {
        return new MigrationAbortedException("whoever drove the migration is gone");
    }

    /** What came of a guest that arrived. */
    MigrationResult completed(DomainId arrived) {
        return new MigrationResult.Completed(arrived, stats());
    }

    /** As far as can be told here of a job that somebody else drove, once it is over. */
    synchronized void settle() {
        if (!over) {
            return;
        }
        switch (last.type()) {
            case COMPLETED -> {
                String name = spec.destinationName().orElse(domain.id().name());
                settle(completed(new DomainId(name, domain.id().uuid(), 0)));
            }
            case CANCELLED -> settle(new MigrationResult.Cancelled(last));
            default ->
                settle(new MigrationResult.Failed(
                        MigrationFailedException.atSource(
                                last.outcome().flatMap(Outcome::message).orElse("it failed"), null),
                        last));
        }
    }

    @Override
    public JobStats stats() {
        synchronized (this) {
            return last != null ? last : figures();
        }
    }

    private JobStats figures() {
        Instant now = domain.host().now();
        return migration == null
                ? MigrationFigures.none(elapsedMillis(), now)
                : MigrationFigures.of(migration.progress(), elapsedMillis(), now);
    }

    @Override
    public void cancel() {
        OutgoingMigration running;
        synchronized (this) {
            if (over) {
                throw new IllegalStateException("there is no job to abort");
            }
            if (phase() != JobPhase.BEGIN && phase() != JobPhase.PERFORM) {
                throw new PointOfNoReturnException(
                        "the guest was sent, and its destination has been told to start it: too late to cancel");
            }
            if (postCopyWanted) {
                throw new PointOfNoReturnException(
                        "the guest moves to its destination before its pages, and neither side"
                                + " alone has all of it: pause it instead");
            }
            cancelled = true;
            running = migration;
        }
        if (running != null) {
            running.cancel();
        }
    }

    @Override
    void switchToPostCopy() {
        synchronized (this) {
            if (over || cancelled) {
                throw new IllegalStateException("the migration was cancelled");
            }
            postCopyWanted = true;
            if (migration != null) {
                domain.control().startPostcopy();
            }
        }
    }

    @Override
    public void pausePostCopy() {
        try {
            domain.control().pausePostcopy();
        } catch (MigrationException e) {
            throw new IllegalStateException("this job is no outgoing migration in post-copy", e);
        }
    }

    private void require(JobPhase expected, String what) {
        if (over || phase() != expected) {
            throw new IllegalStateException("%s came in phase %s, expected %s".formatted(what, phase(), expected));
        }
    }

    @Override
    void requireSource() {
        synchronized (this) {
            if (over) {
                throw new IllegalStateException("the job has ended");
            }
        }
    }

    private void stopped() {
        synchronized (this) {
            if (stoppedNanos != 0) {
                return; // it stood already
            }
            stoppedNanos = System.nanoTime();
            untold = postCopyWanted;
            if (untold) {
                return;
            }
        }
        tellStopped();
    }

    private void tellStopped() {
        domain.becomes(
                DomainState.PAUSED_MIGRATION, origin -> new LifecycleEvent.Suspended(origin, SuspendedDetail.MIGRATED));
    }

    /** Called from the migration's thread alone. */
    private final class Watcher implements MigrationObserver {
        private boolean switching;

        @Override
        public void state(MigrationState state) {
            boolean stands = state instanceof MigrationState.Device || state instanceof MigrationState.PreSwitchover;
            switching |= stands;
            if (stands && ran) {
                stopped();
            }
            if (!stands && told() && !state.postcopy()) {
                tellStopped();
            }
            switch (state) {
                case MigrationState.PostcopyActive _ -> postCopy();
                case MigrationState.PostcopyPaused(String reason) -> {
                    DomainException _ = broke(MigrationFailedException.atSource(reason, null));
                    broken.complete(reason);
                }
                default -> {
                    // nothing that a domain's watchers hear of
                }
            }
        }

        /** Whether its stop is to be told now, which it is once. */
        private boolean told() {
            synchronized (SourceJob.this) {
                boolean due = untold;
                untold = false;
                return due;
            }
        }

        private void postCopy() {
            boolean again = broken.isDone();
            if (again) {
                broken = new CompletableFuture<>();
            }
            domain.becomes(
                    DomainState.PAUSED_POSTCOPY,
                    origin -> new LifecycleEvent.Suspended(origin, SuspendedDetail.POSTCOPY));
            moved.complete(null);
        }

        @Override
        public void pass(int number) {
            if (!switching) { // the last pages are no pass of their own
                domain.publish(origin -> new JobEvent.MigrationIteration(origin, number));
            }
        }
    }
}
