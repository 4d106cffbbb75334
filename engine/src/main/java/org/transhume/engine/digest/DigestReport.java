package org.transhume.engine.digest;

/**
 * What holding RAM against its digest took.
 *
 * @param pages of RAM that the digest covers
 * @param hashed versions of pages that were hashed on the way; pages that travelled as zeroes are not
 * @param groups of pages whose sums travelled
 * @param millis of the pause: at the source sending the sums, at the destination comparing them
 */
public record DigestReport(long pages, long hashed, long groups, double millis) {}
