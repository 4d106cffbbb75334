package org.transhume.control.domain;

import java.time.Duration;
import java.util.concurrent.CompletionStage;
import org.transhume.control.domain.error.PointOfNoReturnException;
import org.transhume.control.domain.error.StatsUnavailableException;
import org.transhume.control.domain.spec.Bandwidth;
import org.transhume.control.domain.spec.ByteCount;
import org.transhume.control.domain.stats.JobStats;

/** One end of one migration. Any thread; what makes no sense at this end is an {@link IllegalStateException}. */
public interface MigrationJob {
    JobId id();

    JobRole role();

    JobPhase phase();

    /**
     * Completes once, after Confirm at the source and after Finish at the destination; never with an exception. Whoever cancels
     * a future made of it stops waiting, and nothing else.
     */
    CompletionStage<MigrationResult> result();

    /** @throws StatsUnavailableException at a destination, always */
    JobStats stats();

    /** @param limit 0 to 2000 seconds */
    void maxDowntime(Duration limit);

    Duration maxDowntime();

    void maxBandwidth(Bandwidth cap);

    void maxPostCopyBandwidth(Bandwidth cap);

    void compressionCache(ByteCount size);

    /**
     * Asks for the switch to post-copy.
     *
     * @throws IllegalStateException if it was not permitted when the job began, or this is not the source
     */
    void startPostCopy();

    /**
     * Gives up; the guest stays at the source. {@link #result} tells whether it came in time.
     *
     * @throws PointOfNoReturnException if all of the guest was sent already
     * @throws IllegalStateException at a destination, or if the job has ended
     */
    void cancel();

    /** @throws IllegalStateException unless it is an outgoing one in post-copy */
    void pausePostCopy();
}
