package org.transhume.engine;

import org.transhume.engine.stalls.StallFigures;

/** Keeps account of a postcopy from its states. Times are those of any one clock that never falls, in nanoseconds. Any thread. */
public final class PostcopyTimes {
    private static final double NANOS_PER_MILLI = 1e6;

    private boolean begun;
    private long beginNanos;
    private long beginBytes;
    private boolean paused;
    private long pauseNanos;
    private int pauses;
    private long pausedNanos;

    /**
     * The migration is in {@code state}.
     *
     * @param bytes that travelled so far
     */
    public synchronized void entered(MigrationState state, long now, long bytes) {
        switch (state) {
            case MigrationState.PostcopyActive _ -> {
                if (!begun) {
                    begun = true;
                    beginNanos = now;
                    beginBytes = bytes;
                }
                goOn(now);
            }
            case MigrationState.PostcopyPaused _ -> {
                if (!paused) { // not again after a vain attempt to go on
                    paused = true;
                    pauses++;
                    pauseNanos = now;
                }
            }
            case MigrationState.Completed _, MigrationState.Failed _ -> goOn(now);
            default -> {
                // A pause lasts until the postcopy is active again.
            }
        }
    }

    private void goOn(long now) {
        if (paused) {
            paused = false;
            pausedNanos += now - pauseNanos;
        }
    }

    /**
     * What came of it, as of {@code now}.
     *
     * @param bytes that travelled in all
     * @param stalls null: not known here
     * @return null if it was none
     */
    public synchronized PostcopyReport report(long now, long bytes, long requests, StallFigures stalls) {
        if (!begun) {
            return null;
        }
        long open = paused ? now - pauseNanos : 0;
        return new PostcopyReport(
                (now - beginNanos) / NANOS_PER_MILLI,
                bytes - beginBytes,
                requests,
                pauses,
                (pausedNanos + open) / NANOS_PER_MILLI,
                stalls);
    }
}
