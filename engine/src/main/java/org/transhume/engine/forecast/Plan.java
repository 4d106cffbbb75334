package org.transhume.engine.forecast;

/**
 * What a migration that has not begun would come to: its rounds played in advance, from the first on. Pure.
 *
 * @param millis from the first page until the guest runs on the other side; infinite if it does not converge
 * @param downtime milliseconds of the pause, the end of {@code millis}; infinite if it does not converge
 * @param bytes on the wire; infinite if it does not converge
 * @param verdict whether it converges, and if not, what would let it
 */
public record Plan(double millis, double downtime, double bytes, Verdict verdict) {
    private static final double NANOS_PER_SECOND = 1e9;
    private static final double NANOS_PER_MILLI = 1e6;
    /** Its address, and that it is one. */
    private static final double ZERO_PAGE_BYTES = 9;

    /**
     * The guest as it was found.
     *
     * @param usedPages of RAM that were ever written; the others cost nothing
     * @param zeroShare 0..1 of these that hold nothing but zeroes
     * @param curve how it writes
     * @param costs what the pause takes beside pages
     */
    public record Load(double usedPages, double zeroShare, DirtyCurve curve, PauseCosts costs) {}

    /**
     * What the migration may take.
     *
     * @param bytesPerSecond also of the pause, more than 0
     * @param limitNanos longest pause to aim for
     */
    public record Way(double bytesPerSecond, long limitNanos) {}

    /**
     * How pages with content travel.
     *
     * @param bytesPerPage on the wire, its address included
     * @param pagesPerSecond that the processor can make ready; infinite if it holds nothing back
     */
    public record Strategy(double bytesPerPage, double pagesPerSecond) {}

    public static Plan of(Load load, Way way, Strategy strategy) {
        double rate = Math.min(way.bytesPerSecond / strategy.bytesPerPage, strategy.pagesPerSecond);
        double perNano = rate / NANOS_PER_SECOND;
        double zeroBytes = load.usedPages * load.zeroShare * ZERO_PAGE_BYTES;
        double zeroNanos = zeroBytes / way.bytesPerSecond * NANOS_PER_SECOND;
        double limit = (double) way.limitNanos;
        double room = limit * (1 - Forecaster.RESERVE) - load.costs.total();
        double fitting = perNano * Math.max(room, limit * Forecaster.LEAST_ROOM);
        // The guest writes while its zero pages go as well.
        Outlook.Position position = new Outlook.Position(
                load.usedPages * (1 - load.zeroShare),
                zeroNanos,
                perNano,
                fitting,
                load.costs.harvest(),
                load.usedPages,
                true,
                0);
        Outlook outlook = Outlook.play(position, load.curve, 1);
        double bytesPerSecond = rate * strategy.bytesPerPage;
        if (!outlook.converges()) {
            double never = Double.POSITIVE_INFINITY;
            Verdict needs = Forecaster.needs(position, load.curve, way.limitNanos, load.costs, bytesPerSecond);
            return new Plan(never, never, never, withinProcessor(needs, strategy));
        }
        double pause = load.costs.total() + outlook.left() / perNano;
        double busy = outlook.nanos() - outlook.harvests() * load.costs.harvest();
        double pages = busy * perNano + outlook.left();
        return new Plan(
                (zeroNanos + outlook.nanos() + pause) / NANOS_PER_MILLI,
                pause / NANOS_PER_MILLI,
                zeroBytes + pages * strategy.bytesPerPage,
                Verdict.good(bytesPerSecond));
    }

    /** More bandwidth is of no use to pages that the processor does not make ready. */
    private static Verdict withinProcessor(Verdict needs, Strategy strategy) {
        boolean useless = needs.neededBytesPerSecond() > strategy.pagesPerSecond * strategy.bytesPerPage;
        return useless
                ? new Verdict(false, needs.bytesPerSecond(), 0, needs.neededLimitMillis(), needs.neededThrottle())
                : needs;
    }
}
