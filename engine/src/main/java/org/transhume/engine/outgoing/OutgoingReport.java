package org.transhume.engine.outgoing;

import java.util.List;
import org.transhume.engine.PostcopyReport;
import org.transhume.engine.digest.DigestReport;
import org.transhume.engine.forecast.Verdict;

/**
 * What a migration did, from the source's side.
 *
 * @param outcome "completed", "failed" or "cancelled"
 * @param reason of a failure, one line; else null
 * @param acknowledged whether the destination said that it loaded the guest; false without a return path
 * @param totalMillis from start to end
 * @param setupMillis from start to the first page
 * @param downtime what the pause was made of; null if the guest was never paused
 * @param verdict the last one before the end: whether it would end by itself; null if it ended before one could be given
 * @param ramBytes bytes of guest RAM, written or not
 * @param transferredBytes bytes written to all channels
 * @param multifdBytes of these, on page channels
 * @param normalPages pages sent in full
 * @param zeroPages pages found to be zero
 * @param holePages pages known to be untouched, never read
 * @param rounds harvests of the dirty source
 * @param channels page channels, 0 for the main channel alone
 * @param maxBandwidth cap in bytes per second at the end; 0: none
 * @param highestThrottle largest percentage by which the guest was slowed down; 0: it never was
 * @param delta what XBZRLE did; null if it was off
 * @param adaptive what {@link Compression.Adaptive} chose; null if it was off
 * @param pageCompression what the threads of {@code compress} did; null if it was off
 * @param digest what {@code x-ram-digest} took; null if it was off, or the last pages were not sent
 * @param dirtySource which one was used
 * @param roundHistory what each round sent
 * @param bandwidth how it went up and down until the pause
 * @param postcopy what came after the switch to postcopy; null: it never was
 */
public record OutgoingReport(
        String outcome,
        String reason,
        boolean acknowledged,
        double totalMillis,
        double setupMillis,
        Downtime downtime,
        Verdict verdict,
        long ramBytes,
        long transferredBytes,
        long multifdBytes,
        long normalPages,
        long zeroPages,
        long holePages,
        int rounds,
        int channels,
        long maxBandwidth,
        int highestThrottle,
        DeltaProgress delta,
        Adaptive adaptive,
        PageCompressionProgress pageCompression,
        DigestReport digest,
        String dirtySource,
        List<Round> roundHistory,
        Bandwidth bandwidth,
        PostcopyReport postcopy) {
    /**
     * Bandwidth over time, all channels together.
     *
     * @param windowMillis length of a window
     * @param bytesPerSecond of each window, 600 of them at the most
     */
    public record Bandwidth(long windowMillis, List<Long> bytesPerSecond) {}

    /**
     * The pause, in milliseconds. What was expected has no part for {@code held}, which is the caller's.
     *
     * @param total from asking the guest to stop to the end of the migration
     * @param predicted what was expected for all of it when the decision fell
     * @param stop until the guest stood
     * @param held until the caller let the stopped guest go on its way; 0 if it need not
     * @param lastHarvest asking the dirty source once more
     * @param lastPages sending them, with the barrier
     * @param devices saving and sending device state
     * @param wire until the destination had the last page; without a return path until the end, which is all that is known
     * @param start until its word: loading devices, starting the guest
     */
    public record Downtime(
            double total,
            double predicted,
            double stop,
            double held,
            double lastHarvest,
            double lastPages,
            double devices,
            double wire,
            double start) {}

    /**
     * Pages by the form in which they travelled; those that travelled as deltas are in {@link DeltaProgress}.
     *
     * @param rawPages as they were
     * @param lz4Pages in LZ4 blocks
     * @param zstdPages in zstd streams
     * @param triedPages compressed in vain: as samples, or in batches that did not pay
     */
    public record Adaptive(long rawPages, long lz4Pages, long zstdPages, long triedPages) {}

    /**
     * What one round sent.
     *
     * @param number 1 and up
     * @param dirtyPages pages the harvest in front of it found, or all that exist for the first
     * @param bytes sent during it
     * @param millis it took
     */
    public record Round(int number, long dirtyPages, long bytes, double millis) {}
}
