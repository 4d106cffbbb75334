package org.transhume.control.domain;

import java.time.Duration;
import java.util.Optional;
import org.transhume.control.domain.error.DomainException;
import org.transhume.control.domain.error.StatsUnavailableException;
import org.transhume.control.domain.spec.Bandwidth;
import org.transhume.control.domain.spec.ByteCount;
import org.transhume.control.domain.spec.MigrationSpec;
import org.transhume.control.domain.stats.JobStats;

/**
 * What may be asked of a host. Closing it, or losing it, ends the jobs that were begun or prepared over it as §11 has it: what
 * was not performed leaves the guest at its source, what was leaves it paused there, as nobody knows. One call at a time.
 *
 * <p>Refusals are {@link DomainException}s, {@link IllegalArgumentException} for a value that is none, and
 * {@link IllegalStateException} for what is not possible now.
 */
public interface HostConnection extends MigrationSource, MigrationDestination, AutoCloseable {
    /**
     * Has the host itself move a domain, and waits for the end.
     *
     * @param uri of the other host's domain service
     */
    MigrationResult migrateToUri(String domain, String uri, MigrationSpec spec);

    /**
     * Figures of the job that runs; empty if none does.
     *
     * @throws StatsUnavailableException for one that arrives
     */
    Optional<JobStats> jobStats(String domain);

    /** Figures of the last job that completed; gone afterwards unless {@code keep}. */
    Optional<JobStats> completedStats(String domain, boolean keep);

    /** Cancels the job, or with {@code postCopy} pauses it in post-copy. */
    void abort(String domain, boolean postCopy);

    void startPostCopy(String domain);

    /** Longest pause of the switchover. */
    Duration maxDowntime(String domain);

    void maxDowntime(String domain, Duration limit);

    /** The cap of the migration, or with {@code postCopy} of its second half. */
    Bandwidth maxSpeed(String domain, boolean postCopy);

    void maxSpeed(String domain, boolean postCopy, Bandwidth cap);

    /** Size of the XBZRLE cache. */
    ByteCount compressionCache(String domain);

    void compressionCache(String domain, ByteCount size);

    @Override
    void close();
}
