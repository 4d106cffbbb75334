package org.transhume.benchmarks.guard;

import java.lang.foreign.Arena;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;

/**
 * Measures kernels beside a copy of the same pages, in turns of some milliseconds, as CPU time of this thread: what other
 * processes take of the cores does not count, and what slows a core down slows both.
 */
final class KernelRatios {
    /** Of one turn: longer than the clock is coarse, shorter than a neighbour stays. */
    private static final long TURN_NANOS = 2_000_000;

    private static final long WARM_UP_NANOS = 400_000_000;
    /** Turns to throw away. */
    private static final int FIRST_TURNS = 3;

    private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

    private final Arena arena = Arena.ofAuto();
    private final Turns copy = new Turns(Kernel.COPY.work(arena));

    /** Of the copy's time to the kernel's, {@code turns} times: 0.5 is half as fast as a copy. */
    Ratios of(Kernel kernel, int turns) {
        Turns its = new Turns(kernel.work(arena));
        double[] ratios = new double[turns];
        for (int i = -FIRST_TURNS; i < turns; i++) {
            double ratio = copy.nanosEach() / its.nanosEach();
            if (i >= 0) {
                ratios[i] = ratio;
            }
        }
        return new Ratios(ratios);
    }

    /** Work that is warm, and how often it goes into a turn. */
    private static final class Turns {
        private final Runnable work;
        private final int times;

        Turns(Runnable work) {
            this.work = work;
            long start = THREADS.getCurrentThreadCpuTime();
            long done = 0;
            long spent = 0;
            while (spent < WARM_UP_NANOS) {
                work.run();
                done++;
                spent = THREADS.getCurrentThreadCpuTime() - start;
            }
            // What the last turns took, rather than the first, which were interpreted.
            start = THREADS.getCurrentThreadCpuTime();
            long counted = Math.max(1, done / 10);
            for (long i = 0; i < counted; i++) {
                work.run();
            }
            long each = Math.max(1, (THREADS.getCurrentThreadCpuTime() - start) / counted);
            times = (int) Math.max(1, TURN_NANOS / each);
        }

        double nanosEach() {
            long start = THREADS.getCurrentThreadCpuTime();
            for (int i = 0; i < times; i++) {
                work.run();
            }
            return (double) (THREADS.getCurrentThreadCpuTime() - start) / times;
        }
    }
}
