package org.transhume.control.soak;

import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Used heap after collections, migration by migration. Flat means: the median of the slopes between all pairs of samples behind
 * the first quarter (which is classes and caches) is no more than {@link #BYTES_PER_MIGRATION}, or all of it no more than
 * {@link #NOISE}. One thread.
 */
final class HeapTrend {
    /** A migration that leaves one small object graph behind is above it. */
    static final long BYTES_PER_MIGRATION = 4096;
    /** What a heap after a collection goes up and down by, whatever ran. */
    static final long NOISE = 2 << 20;

    private static final int FEWEST = 8;

    private final List<long[]> samples = new ArrayList<>();

    /** Collects garbage and looks. */
    void sample(int migrations) {
        System.gc();
        add(migrations, ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed());
    }

    void add(int migrations, long bytes) {
        samples.add(new long[] {migrations, bytes});
    }

    long first() {
        return samples.isEmpty() ? 0 : samples.getFirst()[1];
    }

    long last() {
        return samples.isEmpty() ? 0 : samples.getLast()[1];
    }

    /** Bytes a migration, by the median of the slopes between pairs; 0 where there are too few to say. */
    double slope() {
        List<long[]> settled = settled();
        if (settled.size() < FEWEST) {
            return 0;
        }
        double[] slopes = new double[settled.size() * (settled.size() - 1) / 2];
        int n = 0;
        for (int i = 0; i < settled.size(); i++) {
            for (int j = i + 1; j < settled.size(); j++) {
                long[] a = settled.get(i);
                long[] b = settled.get(j);
                slopes[n++] = (double) (b[1] - a[1]) / Math.max(1, b[0] - a[0]);
            }
        }
        Arrays.sort(slopes);
        return slopes[n / 2];
    }

    boolean flat() {
        List<long[]> settled = settled();
        long grown = settled.isEmpty() ? 0 : settled.getLast()[1] - settled.getFirst()[1];
        return slope() <= BYTES_PER_MIGRATION || grown <= NOISE;
    }

    private List<long[]> settled() {
        return samples.subList(samples.size() / 4, samples.size());
    }
}
