package org.transhume.control.domain.host;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.transhume.control.domain.BeginReply;
import org.transhume.control.domain.Cookie;
import org.transhume.control.domain.Destination;
import org.transhume.control.domain.DomainDefinition;
import org.transhume.control.domain.FinishReply;
import org.transhume.control.domain.HostConnection;
import org.transhume.control.domain.JobId;
import org.transhume.control.domain.MigrationResult;
import org.transhume.control.domain.PerformReply;
import org.transhume.control.domain.PrepareReply;
import org.transhume.control.domain.Verdict;
import org.transhume.control.domain.error.NoSuchDomainException;
import org.transhume.control.domain.spec.Bandwidth;
import org.transhume.control.domain.spec.ByteCount;
import org.transhume.control.domain.spec.MigrationSpec;
import org.transhume.control.domain.stats.JobStats;
import org.transhume.control.settings.Parameter;

/** Somebody who speaks with this process's host; the jobs that are begun and prepared through it depend on it. */
final class LocalConnection implements HostConnection {
    private final LocalHost host;
    private final List<SourceJob> leaving = new ArrayList<>(); // guarded by itself
    private final List<DestinationJob> arriving = new ArrayList<>(); // guarded by leaving
    private boolean closed; // guarded by leaving

    private final boolean drivenElsewhere;

    /** @param drivenElsewhere whether who drives its migrations has no access to their jobs */
    LocalConnection(LocalHost host, boolean drivenElsewhere) {
        this.host = host;
        this.drivenElsewhere = drivenElsewhere;
    }

    @Override
    public BeginReply begin(String domain, MigrationSpec spec) {
        GuestDomain leaves = host.require(domain);
        SourceJob job = leaves.begin(spec);
        begun(job);
        return leaves.reply(job);
    }

    /** The job is this connection's. */
    void begun(SourceJob job) {
        synchronized (leaving) {
            if (!closed) {
                leaving.add(job);
                return;
            }
        }
        job.abandoned();
    }

    @Override
    public PerformReply perform(JobId job, String uri, Cookie fromPrepare) {
        SourceJob leaves = job(job);
        try {
            return leaves.perform(uri, fromPrepare);
        } finally {
            ended(leaves);
        }
    }

    private void ended(SourceJob job) {
        if (drivenElsewhere) {
            job.settle();
        }
    }

    @Override
    public void confirm(JobId job, Cookie fromFinish, Verdict verdict) {
        SourceJob ends = job(job);
        ends.confirm(fromFinish, verdict);
        ended(ends);
        synchronized (leaving) {
            leaving.remove(ends);
        }
    }

    private SourceJob job(JobId id) {
        synchronized (leaving) {
            return leaving.stream()
                    .filter(job -> job.id().equals(id))
                    .findFirst()
                    .orElseThrow(() -> new NoSuchDomainException("no such migration was begun here"));
        }
    }

    @Override
    public PrepareReply prepare(JobId job, DomainDefinition definition, MigrationSpec spec, Cookie fromBegin) {
        DestinationJob prepared = host.prepare(job, definition, spec, fromBegin);
        PrepareReply reply = host.prepared(prepared);
        synchronized (leaving) {
            if (!closed) {
                arriving.add(prepared);
                return reply;
            }
        }
        prepared.abandoned();
        return reply;
    }

    /** Also of one that was prepared over a connection that is gone: whoever knows the job may ask. */
    @Override
    public FinishReply finish(JobId job, Cookie fromPerform, boolean cancelled) {
        return host.arrival(job).finish(fromPerform, cancelled);
    }

    @Override
    public MigrationResult migrateToUri(String domain, String uri, MigrationSpec spec) {
        return ((DomainJob) host.require(domain).migrate(Destination.peer(uri), spec)).await();
    }

    @Override
    public Optional<JobStats> jobStats(String domain) {
        return host.require(domain).currentJob().map(DomainJob::stats);
    }

    @Override
    public Optional<JobStats> completedStats(String domain, boolean keep) {
        GuestDomain asked = host.require(domain);
        return keep ? asked.peekCompletedStats() : asked.takeCompletedStats();
    }

    @Override
    public void abort(String domain, boolean postCopy) {
        DomainJob job = current(domain);
        if (postCopy) {
            job.pausePostCopy();
        } else {
            job.cancel();
        }
    }

    @Override
    public void startPostCopy(String domain) {
        current(domain).startPostCopy();
    }

    private DomainJob current(String domain) {
        return host.require(domain)
                .currentJob()
                .orElseThrow(() -> new IllegalStateException("domain '%s' has no job".formatted(domain)));
    }

    @Override
    public Duration maxDowntime(String domain) {
        return Duration.ofMillis(active(domain).control().settings().size(Parameter.DOWNTIME_LIMIT));
    }

    @Override
    public void maxDowntime(String domain, Duration limit) {
        active(domain).set(Parameter.DOWNTIME_LIMIT, limit.toMillis());
    }

    @Override
    public Bandwidth maxSpeed(String domain, boolean postCopy) {
        return postCopy
                ? Bandwidth.ofBytes(active(domain).control().settings().size(Parameter.MAX_POSTCOPY_BANDWIDTH))
                : host.require(domain).maxBandwidth();
    }

    @Override
    public void maxSpeed(String domain, boolean postCopy, Bandwidth cap) {
        if (postCopy) {
            active(domain).set(Parameter.MAX_POSTCOPY_BANDWIDTH, cap.bytesPerSecond());
        } else {
            host.require(domain).maxBandwidth(cap);
        }
    }

    @Override
    public ByteCount compressionCache(String domain) {
        return new ByteCount(active(domain).control().settings().size(Parameter.XBZRLE_CACHE_SIZE));
    }

    @Override
    public void compressionCache(String domain, ByteCount size) {
        active(domain).set(Parameter.XBZRLE_CACHE_SIZE, size.bytes());
    }

    private GuestDomain active(String domain) {
        GuestDomain active = host.require(domain);
        if (active.state().kind() == org.transhume.control.domain.DomainState.Kind.SHUTOFF) {
            throw new IllegalStateException("domain '%s' is not running".formatted(domain));
        }
        return active;
    }

    @Override
    public void close() {
        List<SourceJob> left;
        List<DestinationJob> arrived;
        synchronized (leaving) {
            closed = true;
            left = List.copyOf(leaving);
            arrived = List.copyOf(arriving);
            leaving.clear();
            arriving.clear();
        }
        left.forEach(DomainJob::abandoned);
        arrived.forEach(DomainJob::abandoned);
    }
}
