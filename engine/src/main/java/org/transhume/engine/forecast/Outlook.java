package org.transhume.engine.forecast;

/**
 * How a migration would go on if nothing changed: its rounds played in advance, slice by slice, as the engine itself would go
 * on (spec: control.md §6.4). Pure.
 *
 * @param converges whether what is left comes to fit into the pause
 * @param nanos until the pause begins; of a migration that does not converge, how far it was looked ahead
 * @param harvests until then, the last one included
 * @param left pages that remain for the pause
 */
public record Outlook(boolean converges, double nanos, int harvests, double left) {
    private static final double SLICE_NANOS = 50e6;
    private static final int MOST_HARVESTS = 400;

    /**
     * Where a migration stands.
     *
     * @param pages pending now
     * @param sinceHarvest nanoseconds since the dirty source was asked
     * @param pagesPerNano that go out while the guest runs
     * @param fitting pages that fit into the pause
     * @param harvestNanos what asking the dirty source takes
     * @param ramPages that exist: no more can be dirty
     * @param firstRound what is pending was never sent; later it is what the guest writes again and again
     * @param writtenAgain different pages that it writes again and again; 0 while only the curve tells
     */
    public record Position(
            double pages,
            double sinceHarvest,
            double pagesPerNano,
            double fitting,
            double harvestNanos,
            double ramPages,
            boolean firstRound,
            double writtenAgain) {
        Position faster(double factor) {
            return new Position(
                    pages,
                    sinceHarvest,
                    pagesPerNano * factor,
                    fitting * factor,
                    harvestNanos,
                    ramPages,
                    firstRound,
                    writtenAgain);
        }

        Position fitting(double more) {
            return new Position(
                    pages, sinceHarvest, pagesPerNano, more, harvestNanos, ramPages, firstRound, writtenAgain);
        }
    }

    /**
     * Plays on from {@code now}.
     *
     * @param speed of the guest: 1 as it is, 0.3 throttled by 70 %
     */
    public static Outlook play(Position now, DirtyCurve curve, double speed) {
        if (now.pagesPerNano <= 0) {
            return new Outlook(false, 0, 0, now.pages);
        }
        double time = 0;
        double interval = now.sinceHarvest;
        double left = now.pages;
        double again = now.writtenAgain > 0 ? now.writtenAgain : curve.largest();
        double slice = now.pagesPerNano * SLICE_NANOS;
        for (int harvests = 1; harvests <= MOST_HARVESTS; harvests++) {
            if (left > 0 && left >= now.fitting) {
                double slices = Math.floor((left - now.fitting) / slice) + 1;
                double sent = Math.min(left, slices * slice);
                time += sent / now.pagesPerNano;
                interval += sent / now.pagesPerNano;
                left -= sent;
            }
            // What is found may be pending already: only the others add to it.
            double found = Math.min(now.ramPages, curve.pagesWithin(interval * speed));
            double among = harvests == 1 && now.firstRound ? now.ramPages : Math.max(left, again);
            left += found * (1 - left / Math.max(1, among));
            time += now.harvestNanos;
            interval = now.harvestNanos;
            if (left == 0 || left < now.fitting) {
                return new Outlook(true, time, harvests, left);
            }
        }
        return new Outlook(false, time, MOST_HARVESTS, left);
    }
}
