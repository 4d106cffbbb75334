package org.transhume.engine.outgoing;

/**
 * What {@link PageCompression} did so far (spec: control.md §4.4).
 *
 * @param pages compressed and sent
 * @param busy times no thread was free
 * @param busyRate busy over pages in the last window of at least a second
 * @param compressedBytes sent
 * @param compressionRate plain over compressed bytes in that window; 0 if nothing was compressed
 */
public record PageCompressionProgress(
        long pages, long busy, double busyRate, long compressedBytes, double compressionRate) {}
