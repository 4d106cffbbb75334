package org.transhume.engine.forecast;

/**
 * What a pause costs beside its last pages, in nanoseconds: measured before it where it can be, and what was usual on the
 * machines this was written on where not (docs/forecast.md).
 *
 * @param stop until the guest stands
 * @param harvest asking the dirty source once more: as long as the last time
 * @param devices saving device state and sending it: rehearsed while the guest runs
 * @param answer from the last byte until the destination's word: the wire, loading, starting
 */
public record PauseCosts(double stop, double harvest, double devices, double answer) {
    /** Before anything was measured. */
    public static final PauseCosts USUAL = new PauseCosts(1e6, 1e6, 1e6, 4e6);

    public double total() {
        return stop + harvest + devices + answer;
    }

    public PauseCosts harvest(double nanos) {
        return new PauseCosts(stop, nanos, devices, answer);
    }

    public PauseCosts answer(double nanos) {
        return new PauseCosts(stop, harvest, devices, nanos);
    }

    public PauseCosts devices(double nanos) {
        return new PauseCosts(stop, harvest, nanos, answer);
    }
}
