package org.transhume.engine.forecast;

/**
 * Where the end was, in parts of the time that the rounds played in advance take: the tenth, the middle and the ninetieth of a
 * hundred, in a few hundred simulated migrations over links that vary by some percent. Below 1, as a guest does not write ever
 * more pages.
 */
record Spread(double low, double middle, double high) {
    /** Nothing travelled twice yet. */
    static final Spread FIRST_ROUND = new Spread(0.49, 0.88, 0.99);

    static final Spread LATER = new Spread(0.52, 0.89, 1.02);
}
