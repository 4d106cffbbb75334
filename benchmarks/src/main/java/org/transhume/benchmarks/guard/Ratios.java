package org.transhume.benchmarks.guard;

import java.util.Arrays;

/**
 * Ratios of pairs that were measured side by side, each above 0: 1 is as fast as the other, less is slower. What shifts both of a
 * pair shifts no ratio, and the median minds no single one.
 */
final class Ratios {
    private final double[] values;

    /** @param values one at the least, in any order */
    Ratios(double... values) {
        if (values.length == 0) {
            throw new IllegalArgumentException("no ratios: expected one at the least");
        }
        this.values = values.clone();
        Arrays.sort(this.values);
    }

    double median() {
        int half = values.length / 2;
        return values.length % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
    }

    double least() {
        return values[0];
    }

    double most() {
        return values[values.length - 1];
    }

    /** How likely at least so many ratios are below 1 if each were so by the toss of a coin: a sign test, of one side. */
    double chanceOfSoManyBelowOne() {
        int n = values.length;
        int below = (int) Arrays.stream(values).filter(v -> v < 1).count();
        double chance = 0;
        double ways = Math.pow(0.5, n); // of choosing k of n, times that
        for (int k = 0; k <= n; k++) {
            if (k >= below) {
                chance += ways;
            }
            ways = ways * (n - k) / (k + 1);
        }
        return chance;
    }

    /** Whether the median is below {@code floor}, and below 1 by more than chance explains in one of {@code 1 / chance} runs. */
    boolean slower(double floor, double chance) {
        return median() < floor && chanceOfSoManyBelowOne() <= chance;
    }
}
