package org.transhume.engine.forecast;

/**
 * What the caller allows at the moment.
 *
 * @param limitNanos longest pause to aim for
 * @param cap bytes per second while the guest runs; 0: none
 * @param assumed bytes per second that the caller promises for the pause; 0: as measured
 */
public record Terms(long limitNanos, long cap, long assumed) {}
