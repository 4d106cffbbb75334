package org.transhume.engine.forecast;

/**
 * What a pause costs beside its last pages, in nanoseconds: measured before it where it can be, and what was usual on the
 * machines this was written on where not (docs/forecast.md).
 *
 * @param stop until the guest stands
 * @param harvest asking the dirty source once more: as long as the last time
 * @param devices saving device state and sending it: rehearsed while the guest runs
 * @param wire until the destination has come to the last byte, and its word has come back: as long as it answered last
 * @param start of the guest at the destination, with loading its devices
 */
public record PauseCosts(double stop, double harvest, double devices, double wire, double start) {
    /** Before anything was measured. */
    public static final PauseCosts USUAL = new PauseCosts(1e6, 1e6, 1e6, 1e6, 5e6);

    /** In front of the last pages. */
    public double before() {
        return stop + harvest;
    }

    /** Behind them. */
    public double after() {
        return devices + wire + start;
    }

    public double total() {
        return before() + after();
    }

    public PauseCosts harvest(double nanos) {
        return new PauseCosts(stop, nanos, devices, wire, start);
    }

    public PauseCosts devices(double nanos) {
        return new PauseCosts(stop, harvest, nanos, wire, start);
    }

    public PauseCosts wire(double nanos) {
        return new PauseCosts(stop, harvest, devices, nanos, start);
    }
}
