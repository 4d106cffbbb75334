package org.transhume.engine.forecast;

/**
 * What a migration says of its own future.
 *
 * @param at milliseconds since its first page: when this was said; the other times are milliseconds from then
 * @param progress 0..1 of the whole time; never falls
 * @param downtime of a pause that began now
 * @param eta until the end, as far as can be told; NaN while nothing is known, infinite if it does not converge
 * @param etaLow in one of ten cases it takes less
 * @param etaHigh in one of ten cases it takes more
 * @param verdict null while nothing is known
 */
public record Forecast(
        double at, double progress, double downtime, double eta, double etaLow, double etaHigh, Verdict verdict) {
    /** Before anything is known. */
    public static final Forecast UNKNOWN = new Forecast(0, 0, Double.NaN, Double.NaN, Double.NaN, Double.NaN, null);
}
