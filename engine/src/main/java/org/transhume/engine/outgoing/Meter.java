package org.transhume.engine.outgoing;

/** Measures rates over windows of at least 100 ms (spec: control.md §6.3). Updated by the migration's thread, read by anyone. */
final class Meter {
    private static final long WINDOW_NANOS = 100_000_000;
    private static final long DIRTY_WINDOW_NANOS = 1_000_000_000;
    private static final double NANOS_PER_SECOND = 1e9;
    /** QEMU leaves its forecast alone while less than this was sent. */
    private static final long MIN_SENT = 10_000;

    private final BandwidthHistory history = new BandwidthHistory(WINDOW_NANOS);
    private long windowStart;
    private long windowBytes;
    private long windowUnsent;
    private long windowPages;
    private long dirtyStart;
    private long dirtyPages;
    private volatile double bytesPerSecond;
    private volatile long pagesPerSecond;
    private volatile long dirtyPagesPerSecond;
    private volatile double expectedDowntimeMillis;
    private volatile boolean expected;

    void start(long now, long bytes, long pages) {
        windowStart = now;
        windowBytes = bytes;
        windowPages = pages;
        dirtyStart = now;
    }

    /** Begins a new window, and leaves the one so far out of all rates. */
    void skip(long now, long bytes, long unsent, long pages) {
        windowStart = now;
        windowBytes = bytes;
        windowUnsent = unsent;
        windowPages = pages;
    }

    /**
     * @param bytes written so far
     * @param unsent of them, what still waits in the sockets: the history is of the path, the rates are of what was written
     * @param dirtyBytesAtHarvest what was pending right after the last harvest
     */
    void update(long now, long bytes, long unsent, long pages, long dirtyBytesAtHarvest) {
        long nanos = now - windowStart;
        // The first figure may come early: a short migration would otherwise decide without any.
        if (nanos < WINDOW_NANOS && (bytesPerSecond > 0 || bytes == windowBytes || nanos <= 0)) {
            return;
        }
        long sent = bytes - windowBytes;
        history.sent(Math.max(0, sent - (unsent - windowUnsent)), nanos);
        bytesPerSecond = sent * NANOS_PER_SECOND / nanos;
        pagesPerSecond = (long) ((pages - windowPages) * NANOS_PER_SECOND / nanos);
        if (dirtyPagesPerSecond > 0 && sent > MIN_SENT) {
            expectedDowntimeMillis = dirtyBytesAtHarvest * 1000 / bytesPerSecond;
            expected = true;
        }
        windowStart = now;
        windowBytes = bytes;
        windowUnsent = unsent;
        windowPages = pages;
    }

    /** The dirty source reported {@code pages} more. */
    void harvested(long now, long pages) {
        dirtyPages += pages;
        long nanos = now - dirtyStart;
        if (nanos > DIRTY_WINDOW_NANOS) {
            dirtyPagesPerSecond = (long) (dirtyPages * NANOS_PER_SECOND / nanos);
            dirtyStart = now;
            dirtyPages = 0;
        }
    }

    /** The migration's thread. */
    OutgoingReport.Bandwidth history() {
        return history.report();
    }

    double bytesPerSecond() {
        return bytesPerSecond;
    }

    long pagesPerSecond() {
        return pagesPerSecond;
    }

    long dirtyPagesPerSecond() {
        return dirtyPagesPerSecond;
    }

    /** @param limitMillis what is told until there is a figure: the downtime limit */
    long expectedDowntimeMillis(long limitMillis) {
        return expected ? (long) expectedDowntimeMillis : limitMillis;
    }
}
