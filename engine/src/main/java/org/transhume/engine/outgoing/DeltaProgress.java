package org.transhume.engine.outgoing;

/**
 * What XBZRLE did so far (spec: control.md §4.3).
 *
 * @param cacheBytes size of the cache
 * @param bytes of deltas as sent, with what goes before each but the page's address; an overflow counts a whole page
 * @param pages found in the cache: encoded, unchanged or overflowed
 * @param misses pages not found
 * @param missRate misses over pages sent, 0..1, in the last window of at least a second
 * @param encodingRate plain bytes over encoded bytes in that window; 0 if nothing was encoded
 * @param overflows deltas that were no gain, so that their page travelled in full
 * @param unchanged pages that held what was sent before, and did not travel
 */
public record DeltaProgress(
        long cacheBytes,
        long bytes,
        long pages,
        long misses,
        double missRate,
        double encodingRate,
        long overflows,
        long unchanged) {}
