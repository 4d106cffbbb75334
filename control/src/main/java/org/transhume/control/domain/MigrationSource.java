package org.transhume.control.domain;

import org.transhume.control.domain.error.DomainException;
import org.transhume.control.domain.error.MigrationAbortedException;
import org.transhume.control.domain.spec.MigrationSpec;

/** The phases that the host does which the guest leaves. */
public interface MigrationSource {
    /**
     * Checks, and begins the job.
     *
     * @throws DomainException if it may not be; nothing was touched then
     */
    BeginReply begin(String domain, MigrationSpec spec);

    /**
     * Sends the guest, and waits until it is all sent and stands.
     *
     * @param uri where to
     * @throws MigrationAbortedException if somebody cancelled it
     * @throws DomainException if it failed; as after a cancel the guest goes on here, and the job is over
     */
    PerformReply perform(JobId job, String uri, Cookie fromPrepare);

    /** Ends the job: the guest is gone, or goes on, or stays paused. */
    void confirm(JobId job, Cookie fromFinish, Verdict verdict);
}
