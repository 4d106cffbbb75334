package org.transhume.engine.simulation;

import java.util.List;
import java.util.Random;
import java.util.random.RandomGenerator;

/**
 * What one simulated migration meets, all of it from its seed.
 *
 * @param linkBytesPerSecond of the path, on average
 * @param queueBytes that the sockets hold
 * @param latencyNanos one way
 * @param cap bytes per second, 0: none
 * @param limitMillis longest pause allowed
 * @param channels page channels
 * @param guest how it writes
 * @param trace whose bandwidth and pause are replayed
 * @param others whose harvests and devices are replayed before the pause
 */
record World(
        long seed,
        double linkBytesPerSecond,
        long queueBytes,
        double latencyNanos,
        long cap,
        long limitMillis,
        int channels,
        Writes guest,
        Trace trace,
        List<Trace> others) {
    /** Pages of every simulated guest. */
    static final int PAGES = 32768;

    private static final double PAGE = 4096;

    /** How a guest writes. */
    enum Pattern {
        /** Any page of the working set. */
        UNIFORM,
        /** Nine of ten writes go to a tenth of it. */
        HOT,
        /** One page after the other. */
        SWEEP,
        /** Half a second of all, half a second of nothing. */
        BURSTS
    }

    /** @param workingSet pages */
    record Writes(Pattern pattern, double pagesPerSecond, int workingSet) {}

    static World of(long seed, List<Trace> traces) {
        RandomGenerator random = new Random(seed * 0x9E3779B97F4A7C15L);
        double link = logarithmic(random, 20e6, 200e6);
        boolean capped = random.nextInt(10) < 4;
        double cap = capped ? link * between(random, 0.3, 0.95) : 0;
        double rate = (capped ? cap : link) / PAGE * logarithmic(random, 0.02, 2.5);
        return new World(
                seed,
                link,
                (long) logarithmic(random, 64e3, 4e6),
                logarithmic(random, 5e4, 5e6),
                (long) cap,
                (long) logarithmic(random, 40, 400),
                1 + random.nextInt(4),
                new Writes(Pattern.values()[random.nextInt(Pattern.values().length)], rate, (int)
                        (PAGES * logarithmic(random, 0.02, 1))),
                traces.get(random.nextInt(traces.size())),
                traces);
    }

    private static double between(RandomGenerator random, double low, double high) {
        return low + (high - low) * random.nextDouble();
    }

    private static double logarithmic(RandomGenerator random, double low, double high) {
        return Math.exp(between(random, Math.log(low), Math.log(high)));
    }
}
