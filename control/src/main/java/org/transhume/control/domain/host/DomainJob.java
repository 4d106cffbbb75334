package org.transhume.control.domain.host;

import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import org.transhume.control.domain.JobEvent;
import org.transhume.control.domain.JobId;
import org.transhume.control.domain.JobPhase;
import org.transhume.control.domain.MigrationJob;
import org.transhume.control.domain.MigrationResult;
import org.transhume.control.domain.spec.Bandwidth;
import org.transhume.control.domain.spec.ByteCount;
import org.transhume.control.domain.spec.MigrationFlag;
import org.transhume.control.domain.spec.MigrationSpec;
import org.transhume.control.settings.Parameter;
import org.transhume.control.settings.SettingRefusedException;

/** What both ends of a migration have in common. */
abstract sealed class DomainJob implements MigrationJob permits SourceJob, DestinationJob {
    final GuestDomain domain;
    final MigrationSpec spec;

    private final JobId id;
    private final long begunNanos = System.nanoTime();
    private final CompletableFuture<MigrationResult> result = new CompletableFuture<>();
    private volatile JobPhase phase = JobPhase.NONE;

    DomainJob(GuestDomain domain, JobId id, MigrationSpec spec) {
        this.domain = domain;
        this.id = id;
        this.spec = spec;
    }

    @Override
    public final JobId id() {
        return id;
    }

    @Override
    public final JobPhase phase() {
        return phase;
    }

    final void enter(JobPhase next) {
        phase = next;
        domain.publish(origin -> new JobEvent.PhaseChanged(origin, id, next));
    }

    @Override
    public final CompletionStage<MigrationResult> result() {
        return result.minimalCompletionStage();
    }

    /** The first word counts. */
    final void settle(MigrationResult end) {
        result.complete(end);
    }

    /** Waits. */
    final MigrationResult await() {
        return result.join();
    }

    final long elapsedMillis() {
        return TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - begunNanos);
    }

    /** Whoever has spoken for it is gone. */
    abstract void abandoned();

    @Override
    public void maxDowntime(Duration limit) {
        requireSource();
        set(Parameter.DOWNTIME_LIMIT, limit.toMillis());
    }

    @Override
    public Duration maxDowntime() {
        requireSource();
        return Duration.ofMillis(domain.control().settings().size(Parameter.DOWNTIME_LIMIT));
    }

    @Override
    public void maxBandwidth(Bandwidth cap) {
        requireSource();
        set(Parameter.MAX_BANDWIDTH, cap.bytesPerSecond());
    }

    @Override
    public void maxPostCopyBandwidth(Bandwidth cap) {
        requireSource();
        set(Parameter.MAX_POSTCOPY_BANDWIDTH, cap.bytesPerSecond());
    }

    @Override
    public void compressionCache(ByteCount size) {
        requireSource();
        set(Parameter.XBZRLE_CACHE_SIZE, size.bytes());
    }

    private void set(Parameter parameter, long value) {
        try {
            domain.control().setParameters(Map.of(parameter, value));
        } catch (SettingRefusedException e) {
            throw new IllegalArgumentException(e.getMessage(), e);
        }
    }

    @Override
    public void startPostCopy() {
        requireSource();
        if (!spec.has(MigrationFlag.POSTCOPY)) {
            throw new IllegalStateException(
                    "post-copy was not permitted when this migration began: start it with flag POSTCOPY");
        }
        switchToPostCopy();
    }

    /** At its source, where that was permitted. */
    void switchToPostCopy() {
        throw new IllegalStateException("this is no outgoing migration: ask its source");
    }

    @Override
    public void pausePostCopy() {
        throw new IllegalStateException("this job is no outgoing migration in post-copy");
    }

    abstract void requireSource();
}
