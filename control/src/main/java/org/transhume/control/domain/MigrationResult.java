package org.transhume.control.domain;

import org.transhume.control.domain.error.DomainException;
import org.transhume.control.domain.stats.JobStats;

/** How a migration ended. */
public sealed interface MigrationResult {
    JobStats stats();

    /** @param arrived the domain at its destination */
    record Completed(DomainId arrived, JobStats stats) implements MigrationResult {}

    record Cancelled(JobStats stats) implements MigrationResult {}

    record Failed(DomainException cause, JobStats stats) implements MigrationResult {}

    /** Each side has a half of it; the migration may be resumed. */
    record PostCopyBroken(DomainException cause, JobStats stats) implements MigrationResult {}
}
