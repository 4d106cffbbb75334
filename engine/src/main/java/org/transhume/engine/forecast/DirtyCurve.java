package org.transhume.engine.forecast;

/**
 * How many different pages a guest writes within a time, learned from looks at its dirty source after times of different
 * lengths. A guest writes its hot pages again and again, so the curve is concave: twice the time is less than twice the pages,
 * and the rate of a long round says little about a short pause. One thread.
 */
public final class DirtyCurve {
    /** Looks that count: throttling and new phases of a guest must show soon. */
    private static final int KEPT = 8;
    /** Looks after times that differ by less are taken together. */
    private static final double ALIKE = 1.5;

    private final double[] nanos = new double[KEPT];
    private final double[] pages = new double[KEPT];
    private int looks;

    // The latest looks in order of time, those alike taken together.
    private final double[] times = new double[KEPT];
    private final double[] counts = new double[KEPT];
    private int points;
    // How often each page is written within the first time, and within the last but one, if all are written alike.
    private double firstPart;
    private double lastPart;

    /** {@code found} different pages were written within {@code nanos}. */
    public void look(long nanos, long found) {
        if (nanos <= 0) {
            return;
        }
        int at = looks++ % KEPT;
        this.nanos[at] = nanos;
        this.pages[at] = found;
        order();
        fit();
    }

    private void order() {
        int known = Math.min(looks, KEPT);
        points = 0;
        double after = 0;
        while (true) {
            int shortest = -1;
            for (int i = 0; i < known; i++) {
                if (nanos[i] > after && (shortest < 0 || nanos[i] < nanos[shortest])) {
                    shortest = i;
                }
            }
            if (shortest < 0) {
                return;
            }
            double longest = nanos[shortest] * ALIKE;
            double time = 0;
            double found = 0;
            double weights = 0;
            for (int i = 0; i < known; i++) {
                if (nanos[i] > after && nanos[i] <= longest) {
                    double weight = weight(i);
                    time += weight * nanos[i];
                    found += weight * pages[i];
                    weights += weight;
                }
            }
            times[points] = time / weights;
            double atLeast = points == 0 ? 0 : counts[points - 1];
            counts[points] = Math.max(atLeast, found / weights);
            points++;
            after = longest;
        }
    }

    private void fit() {
        int last = points - 1;
        firstPart = last > 0 && counts[0] > 0 ? part(0, last) : 0;
        lastPart = last > 0 && counts[last - 1] > 0 ? part(last - 1, last) : 0;
    }

    /** A newer look counts twice as much as the one before it. */
    private double weight(int at) {
        int age = Math.floorMod(looks - 1 - at, KEPT);
        return 1.0 / (1 << age);
    }

    /** Whether there was a look. */
    public boolean known() {
        return points > 0;
    }

    /** Most different pages that a look found. */
    double largest() {
        return points == 0 ? 0 : counts[points - 1];
    }

    /** Different pages expected to be written within {@code nanos}. */
    public double pagesWithin(double nanos) {
        if (points == 0 || nanos <= 0) {
            return 0;
        }
        if (nanos <= times[0]) {
            return below(nanos);
        }
        for (int i = 1; i < points; i++) {
            if (nanos <= times[i]) {
                return between(i - 1, i, nanos);
            }
        }
        return beyond(nanos);
    }

    private double below(double nanos) {
        double straight = counts[0] * nanos / times[0];
        if (points == 1 || counts[0] == 0) {
            return straight;
        }
        double seen = Math.expm1(-firstPart * nanos / times[0]) / Math.expm1(-firstPart);
        return Math.max(straight, counts[0] * seen);
    }

    private double between(int low, int high, double nanos) {
        if (counts[low] == 0) {
            return counts[high] * (nanos - times[low]) / (times[high] - times[low]);
        }
        return counts[low] * Math.pow(nanos / times[low], slope(low, high));
    }

    private double beyond(double nanos) {
        int last = points - 1;
        // One look knows no curve: a straight line is the worst it can be.
        if (points == 1 || counts[last - 1] == 0) {
            return counts[last] * nanos / times[last];
        }
        // Pages that get dirty ever more slowly, and a set of pages that is full some day: it mostly is in between.
        double growing = counts[last] * Math.pow(nanos / times[last], slope(last - 1, last));
        return Math.sqrt(growing * filling(last - 1, last, nanos));
    }

    /** Of a set of pages that are all written alike, of which {@code low} and {@code high} are two looks. */
    private double filling(int low, int high, double nanos) {
        double whole = counts[low] / -Math.expm1(-lastPart);
        return Math.max(counts[high], whole * -Math.expm1(-lastPart * nanos / times[low]));
    }

    /** How often each page of that set is written within the shorter time. */
    private double part(int low, int high) {
        double ratio = counts[high] / counts[low];
        double longer = times[high] / times[low];
        double least = 1e-9;
        double most = 50;
        while (most / least > 1.001) {
            double middle = Math.sqrt(least * most);
            if (Math.expm1(-longer * middle) / Math.expm1(-middle) > ratio) {
                least = middle;
            } else {
                most = middle;
            }
        }
        return least;
    }

    private double slope(int low, int high) {
        return Math.clamp(Math.log(counts[high] / counts[low]) / Math.log(times[high] / times[low]), 0, 1);
    }
}
