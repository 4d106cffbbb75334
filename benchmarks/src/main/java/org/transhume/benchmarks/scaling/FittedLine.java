package org.transhume.benchmarks.scaling;

/**
 * {@code y = constant + slope x}, by least squares.
 *
 * @param r2 part of the variance of y that it explains; NaN if there is none
 */
public record FittedLine(double constant, double slope, double r2) {
    /** @throws IllegalArgumentException unless there are two different x */
    static FittedLine through(double[] x, double[] y) {
        double meanX = mean(x);
        double meanY = mean(y);
        double xx = 0;
        double xy = 0;
        double yy = 0;
        for (int i = 0; i < x.length; i++) {
            xx += (x[i] - meanX) * (x[i] - meanX);
            xy += (x[i] - meanX) * (y[i] - meanY);
            yy += (y[i] - meanY) * (y[i] - meanY);
        }
        if (xx == 0) {
            throw new IllegalArgumentException("%d points at one x: expected two different ones".formatted(x.length));
        }
        double slope = xy / xx;
        return new FittedLine(meanY - slope * meanX, slope, yy == 0 ? Double.NaN : xy * xy / (xx * yy));
    }

    private static double mean(double[] values) {
        double sum = 0;
        for (double value : values) {
            sum += value;
        }
        return sum / values.length;
    }

    double at(double x) {
        return constant + slope * x;
    }
}
