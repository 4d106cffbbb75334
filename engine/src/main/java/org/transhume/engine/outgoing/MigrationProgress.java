package org.transhume.engine.outgoing;

import org.transhume.engine.forecast.Forecast;

/**
 * One look at a running outgoing migration.
 *
 * @param totalMillis since its start
 * @param setupMillis until the first page; 0 before
 * @param downtimeMillis of the pause; 0 until it is over
 * @param expectedDowntimeMillis QEMU's figure: dirty bytes at the last harvest over the bandwidth
 * @param ramBytes bytes of guest RAM
 * @param remainingBytes known to be dirty and not yet sent
 * @param transferredBytes on all channels
 * @param multifdBytes of these on page channels
 * @param normalPages sent in full
 * @param zeroPages sent as zero, holes included
 * @param rounds harvests
 * @param dirtyPagesPerSecond found by the last harvests
 * @param bytesPerSecond of the last window; on completion the mean
 * @param pagesPerSecond of the last window
 * @param precopyBytes RAM bytes on the main channel while the guest ran
 * @param downtimeBytes RAM bytes on the main channel while it stood
 * @param postcopyBytes RAM bytes sent since the guest runs at the destination
 * @param postcopyRequests pages that the destination asked for
 * @param throttlePercent by which the guest is slowed down now; 0 is not at all
 * @param delta what XBZRLE did; null if it is off
 * @param pageCompression what the threads of {@code compress} did; null if it is off
 * @param forecast what will come of it
 */
public record MigrationProgress(
        long totalMillis,
        long setupMillis,
        long downtimeMillis,
        long expectedDowntimeMillis,
        long ramBytes,
        long remainingBytes,
        long transferredBytes,
        long multifdBytes,
        long normalPages,
        long zeroPages,
        int rounds,
        long dirtyPagesPerSecond,
        double bytesPerSecond,
        long pagesPerSecond,
        long precopyBytes,
        long downtimeBytes,
        long postcopyBytes,
        long postcopyRequests,
        int throttlePercent,
        DeltaProgress delta,
        PageCompressionProgress pageCompression,
        Forecast forecast) {
    /** Milliseconds since {@link #forecast} was made; 0 while nothing was said. */
    public double forecastAgeMillis() {
        return forecast.equals(Forecast.UNKNOWN)
                ? 0
                : Math.max(0, (double) (totalMillis - setupMillis) - forecast.at());
    }
}
