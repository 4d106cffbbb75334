package org.transhume.engine.forecast;

/**
 * Where the end was, in parts of the time that the rounds played in advance take: the tenth, the middle and the ninetieth of a
 * hundred, in 1500 simulated migrations of other seeds than those it is tested with (docs/forecast.md). Below 1, as a guest does
 * not write ever more pages.
 */
record Spread(double low, double middle, double high) {
    /** Nothing travelled twice yet. */
    static final Spread FIRST_ROUND = new Spread(0.51, 0.84, 0.97);

    static final Spread LATER = new Spread(0.48, 0.96, 1.09);
}
