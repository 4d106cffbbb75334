package org.transhume.benchmarks.guard;

import java.io.IOException;
import java.io.PrintStream;

/** Two builds in turn, each migration beside one of the other build. */
final class ReleaseComparison {
    /** Less than this part of the older build's speed is a regression, */
    static final double FLOOR = 0.85;
    /** unless chance does as much in more than one run of twenty. */
    static final double CHANCE = 0.05;

    private final Migrations then;
    private final Migrations now;
    private final int pairs;

    ReleaseComparison(Migrations then, Migrations now, int pairs) {
        this.then = then;
        this.now = now;
        this.pairs = pairs;
    }

    /** Runs all and says what came out. */
    boolean slower(String name, PrintStream out) throws IOException, InterruptedException {
        double[] ratios = new double[pairs];
        out.println("against %s        pages/s then      now    ratio".formatted(name));
        for (int i = 0; i < pairs; i++) {
            // Whoever comes second may find the machine as the first left it: they take turns at that, too.
            double before = i % 2 == 0 ? then.pagesPerSecond() : 0;
            double after = now.pagesPerSecond();
            if (i % 2 == 1) {
                before = then.pagesPerSecond();
            }
            ratios[i] = after / before;
            out.println("  pair %-3d %16.0f %12.0f    %.3f".formatted(i + 1, before, after, ratios[i]));
        }
        Ratios all = new Ratios(ratios);
        boolean slower = all.slower(FLOOR, CHANCE);
        out.println("median %.3f (%.3f..%.3f), floor %.2f; by chance so many slower pairs: %.3f%s"
                .formatted(
                        all.median(),
                        all.least(),
                        all.most(),
                        FLOOR,
                        all.chanceOfSoManyBelowOne(),
                        slower ? "  SLOWER" : ""));
        return slower;
    }
}
