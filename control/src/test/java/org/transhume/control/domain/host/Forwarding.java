package org.transhume.control.domain.host;

import java.time.Duration;
import java.util.Optional;
import org.transhume.control.domain.BeginReply;
import org.transhume.control.domain.Cookie;
import org.transhume.control.domain.DomainDefinition;
import org.transhume.control.domain.FinishReply;
import org.transhume.control.domain.HostConnection;
import org.transhume.control.domain.JobId;
import org.transhume.control.domain.MigrationResult;
import org.transhume.control.domain.PerformReply;
import org.transhume.control.domain.PrepareReply;
import org.transhume.control.domain.Verdict;
import org.transhume.control.domain.spec.Bandwidth;
import org.transhume.control.domain.spec.ByteCount;
import org.transhume.control.domain.spec.MigrationSpec;
import org.transhume.control.domain.stats.JobStats;

/** A connection that passes everything on. */
class Forwarding implements HostConnection {
    private final HostConnection to;

    Forwarding(HostConnection to) {
        this.to = to;
    }

    @Override
    public BeginReply begin(String domain, MigrationSpec spec) {
        return to.begin(domain, spec);
    }

    @Override
    public PerformReply perform(JobId job, String uri, Cookie fromPrepare) {
        return to.perform(job, uri, fromPrepare);
    }

    @Override
    public void confirm(JobId job, Cookie fromFinish, Verdict verdict) {
        to.confirm(job, fromFinish, verdict);
    }

    @Override
    public PrepareReply prepare(JobId job, DomainDefinition definition, MigrationSpec spec, Cookie fromBegin) {
        return to.prepare(job, definition, spec, fromBegin);
    }

    @Override
    public FinishReply finish(JobId job, Cookie fromPerform, boolean cancelled) {
        return to.finish(job, fromPerform, cancelled);
    }

    @Override
    public MigrationResult migrateToUri(String domain, String uri, MigrationSpec spec) {
        return to.migrateToUri(domain, uri, spec);
    }

    @Override
    public Optional<JobStats> jobStats(String domain) {
        return to.jobStats(domain);
    }

    @Override
    public Optional<JobStats> completedStats(String domain, boolean keep) {
        return to.completedStats(domain, keep);
    }

    @Override
    public void abort(String domain, boolean postCopy) {
        to.abort(domain, postCopy);
    }

    @Override
    public void startPostCopy(String domain) {
        to.startPostCopy(domain);
    }

    @Override
    public Duration maxDowntime(String domain) {
        return to.maxDowntime(domain);
    }

    @Override
    public void maxDowntime(String domain, Duration limit) {
        to.maxDowntime(domain, limit);
    }

    @Override
    public Bandwidth maxSpeed(String domain, boolean postCopy) {
        return to.maxSpeed(domain, postCopy);
    }

    @Override
    public void maxSpeed(String domain, boolean postCopy, Bandwidth cap) {
        to.maxSpeed(domain, postCopy, cap);
    }

    @Override
    public ByteCount compressionCache(String domain) {
        return to.compressionCache(domain);
    }

    @Override
    public void compressionCache(String domain, ByteCount size) {
        to.compressionCache(domain, size);
    }

    @Override
    public void close() {
        to.close();
    }
}
