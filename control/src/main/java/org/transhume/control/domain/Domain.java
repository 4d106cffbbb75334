package org.transhume.control.domain;

import java.util.Optional;
import org.transhume.control.domain.error.IllegalMigrationException;
import org.transhume.control.domain.error.JobConflictException;
import org.transhume.control.domain.error.NotRecoverableException;
import org.transhume.control.domain.error.UnsafeMigrationException;
import org.transhume.control.domain.error.UnsupportedCapabilityException;
import org.transhume.control.domain.spec.Bandwidth;
import org.transhume.control.domain.spec.MigrationSpec;
import org.transhume.control.domain.stats.JobStats;

/** A guest with a name on a host. Any thread. */
public interface Domain {
    DomainId id();

    DomainState state();

    /** The one job it may have at a time. */
    Optional<MigrationJob> job();

    /**
     * Runs phase Begin and returns once the job exists; does not wait for its end.
     *
     * @throws IllegalMigrationException if the specification contradicts the domain or the destination
     * @throws UnsupportedCapabilityException if something of it is not built here
     * @throws UnsafeMigrationException if data may be lost, and the flag UNSAFE is not given
     * @throws JobConflictException if there is a job already
     */
    MigrationJob migrate(Destination to, MigrationSpec spec);

    /**
     * Goes on with a migration that broke in post-copy.
     *
     * @throws NotRecoverableException if there is none
     */
    MigrationJob resumePostCopy(Destination to, MigrationSpec spec);

    /**
     * The figures of the last job that completed: once, a second call is empty. Empty too while another job is there. Where the
     * guest arrived they are the source's, with the times that were measured here.
     */
    Optional<JobStats> takeCompletedStats();

    /** The same, and they stay. */
    Optional<JobStats> peekCompletedStats();

    /** The cap of migrations from here on, and of the one that runs. */
    void maxBandwidth(Bandwidth cap);

    Bandwidth maxBandwidth();

    /** What happens to it and its jobs on this host, in order. */
    EventStream events();
}
