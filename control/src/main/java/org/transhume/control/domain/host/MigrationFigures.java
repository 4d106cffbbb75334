package org.transhume.control.domain.host;

import java.time.Instant;
import java.util.Optional;
import org.transhume.control.domain.stats.JobOperation;
import org.transhume.control.domain.stats.JobStats;
import org.transhume.control.domain.stats.JobType;
import org.transhume.control.domain.stats.Pages;
import org.transhume.control.domain.stats.Times;
import org.transhume.control.domain.stats.Transfer;
import org.transhume.control.domain.stats.XbzrleStats;
import org.transhume.engine.outgoing.MigrationProgress;
import org.transhume.memory.PageSize;

/** A migration's progress as the figures of a job. */
final class MigrationFigures {
    private MigrationFigures() {}

    /** Of a job that has nothing to show yet. */
    static JobStats none(long elapsedMillis, Instant at) {
        return new JobStats(
                JobType.UNBOUNDED,
                JobOperation.MIGRATION_OUT,
                at,
                Times.elapsed(elapsedMillis),
                Transfer.NOTHING,
                Transfer.NOTHING,
                Pages.NONE,
                Optional.empty(),
                Optional.empty(),
                Optional.empty());
    }

    /** @param elapsedMillis of the job, which is older than its migration */
    static JobStats of(MigrationProgress progress, long elapsedMillis, Instant at) {
        long downtime = progress.downtimeMillis() > 0 ? progress.downtimeMillis() : progress.expectedDowntimeMillis();
        return new JobStats(
                JobType.UNBOUNDED,
                JobOperation.MIGRATION_OUT,
                at,
                new Times(
                        elapsedMillis,
                        Optional.empty(),
                        Optional.empty(),
                        Optional.of(downtime),
                        Optional.empty(),
                        Optional.of(progress.setupMillis())),
                new Transfer(
                        progress.ramBytes(), progress.transferredBytes(), progress.remainingBytes(), positive((long)
                                progress.bytesPerSecond())),
                Transfer.NOTHING,
                new Pages(
                        Optional.of(progress.zeroPages()),
                        Optional.of(progress.normalPages()),
                        Optional.of(progress.normalPages() * PageSize.BYTES),
                        progress.dirtyPagesPerSecond(),
                        Optional.of((long) PageSize.BYTES),
                        Math.max(0, progress.rounds() - 1),
                        progress.postcopyRequests()),
                Optional.ofNullable(progress.delta())
                        .map(delta -> new XbzrleStats(
                                delta.cacheBytes(), delta.bytes(), delta.pages(), delta.misses(), delta.overflows())),
                positive(progress.throttlePercent()).map(Long::intValue),
                Optional.empty());
    }

    private static Optional<Long> positive(long value) {
        return value > 0 ? Optional.of(value) : Optional.empty();
    }
}
