package org.transhume.engine.outgoing;

import org.transhume.memory.PageSize;

/**
 * How well deltas and page compression did lately, over windows of at least a second (spec: control.md §4.3, §4.4). Updated by
 * the migration's thread, read by anyone.
 */
final class CodecRates {
    private static final long WINDOW_NANOS = 1_000_000_000;

    private final DeltaCounters delta;
    private final PageCompressionCounters compression;
    private long windowStart;
    private long processed;
    private long deltaPages;
    private long deltaBytes;
    private long misses;
    private long compressed;
    private long compressedBytes;
    private long busy;

    private volatile double missRate;
    private volatile double encodingRate;
    private volatile double busyRate;
    private volatile double compressionRate;

    CodecRates(DeltaCounters delta, PageCompressionCounters compression, long now) {
        this.windowStart = now;
        this.delta = delta;
        this.compression = compression;
    }

    /** @param processedPages pages dealt with so far, in whatever form */
    void update(long now, long processedPages) {
        if (now - windowStart < WINDOW_NANOS || processedPages == processed) {
            return;
        }
        missRate = (double) (delta.misses.sum() - misses) / (processedPages - processed);
        encodingRate = ratio(delta.pages.sum() - deltaPages, delta.bytes.sum() - deltaBytes);
        long newlyCompressed = compression.pages.sum() - compressed;
        busyRate = newlyCompressed == 0 ? 0 : (double) (compression.busy.sum() - busy) / newlyCompressed;
        compressionRate = ratio(newlyCompressed, compression.compressedBytes.sum() - compressedBytes);
        windowStart = now;
        processed = processedPages;
        deltaPages = delta.pages.sum();
        deltaBytes = delta.bytes.sum();
        misses = delta.misses.sum();
        compressed = compression.pages.sum();
        compressedBytes = compression.compressedBytes.sum();
        busy = compression.busy.sum();
    }

    private static double ratio(long pages, long bytes) {
        return bytes == 0 ? 0 : (double) pages * PageSize.BYTES / bytes;
    }

    /** @param cacheBytes size of the cache now */
    DeltaProgress delta(long cacheBytes) {
        return new DeltaProgress(
                cacheBytes,
                delta.bytes.sum(),
                delta.pages.sum(),
                delta.misses.sum(),
                missRate,
                encodingRate,
                delta.overflows.sum(),
                delta.unchanged.sum());
    }

    PageCompressionProgress pageCompression() {
        return new PageCompressionProgress(
                compression.pages.sum(),
                compression.busy.sum(),
                busyRate,
                compression.compressedBytes.sum(),
                compressionRate);
    }
}
