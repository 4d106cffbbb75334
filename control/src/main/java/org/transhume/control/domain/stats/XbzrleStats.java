package org.transhume.control.domain.stats;

/**
 * What XBZRLE did.
 *
 * @param cacheSize bytes
 * @param bytes compressed, sent
 * @param pages sent compressed
 * @param misses pages sent again that the cache did not have
 * @param overflows pages sent again whose difference was larger than the page
 */
public record XbzrleStats(long cacheSize, long bytes, long pages, long misses, long overflows) {}
