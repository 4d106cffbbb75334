package org.transhume.benchmarks.versus;

import java.util.Collection;
import java.util.function.ToDoubleFunction;

/** Some measured values in three numbers. */
record Spread(double median, double min, double max) {
    static <T> Spread of(Collection<T> from, ToDoubleFunction<T> value) {
        double[] sorted = from.stream().mapToDouble(value).sorted().toArray();
        int middle = sorted.length / 2;
        double median = sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
        return new Spread(median, sorted[0], sorted[sorted.length - 1]);
    }

    String text(String format) {
        return "%s (%s to %s)".formatted(format.formatted(median), format.formatted(min), format.formatted(max));
    }
}
