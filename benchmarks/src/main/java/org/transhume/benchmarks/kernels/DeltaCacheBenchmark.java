package org.transhume.benchmarks.kernels;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Threads;
import org.openjdk.jmh.annotations.Warmup;
import org.transhume.codec.delta.DeltaCache;
import org.transhume.codec.delta.XbzrleEncoder;

/**
 * A user asks: "do more lanes make more deltas, where they all share one cache of sent pages?"
 *
 * <p>Time a page and lane, each lane with 128 hot pages of its own that change to and fro. {@code shared} is one cache for two
 * lanes, each with a stretch of adjacent pages, as batches are; {@code interleaved} gives them every other page, so that they
 * meet in the lines of the slot table; {@code own} is a cache of half the size for each. {@code alone} is one lane, and
 * {@code withoutCache} what it does there but for the look-up, the age and the lock.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@OperationsPerInvocation(DeltaCacheBenchmark.PAGES)
public class DeltaCacheBenchmark {
    static final int PAGES = 128;
    private static final int PAGE = 4096;
    private static final long BYTES = 64 << 20;

    /** Per mille of a page's bytes that differ, as in {@link XbzrleBenchmark}. */
    @Param({"10 scattered", "100 clustered"})
    public String changed;

    private final AtomicInteger lanes = new AtomicInteger();
    private DeltaCache shared;

    @Setup
    public void allocate() {
        shared = DeltaCache.allocate(BYTES);
    }

    @TearDown
    public void close() {
        shared.close();
    }

    /** Its pages in two states, its encoder and buffer, and a cache of half the size. */
    @State(Scope.Thread)
    public static class Lane {
        private final XbzrleEncoder encoder = new XbzrleEncoder();
        private final Arena arena = Arena.ofShared();
        private final MemorySegment[] fresh = new MemorySegment[2];
        private final MemorySegment kept = arena.allocate((long) PAGES * PAGE, PAGE);
        private final MemorySegment out = arena.allocate(XbzrleEncoder.ROOM, 64);
        private DeltaCache own;
        private int number;
        private long round;

        @Setup
        public void fill(DeltaCacheBenchmark benchmark) {
            own = DeltaCache.allocate(BYTES / 2);
            number = benchmark.lanes.getAndIncrement();
            fresh[0] = arena.allocate((long) PAGES * PAGE, PAGE);
            fresh[1] = arena.allocate((long) PAGES * PAGE, PAGE);
            Random random = new Random(42 + number);
            for (long at = 0; at < fresh[0].byteSize(); at += Long.BYTES) {
                fresh[0].set(ValueLayout.JAVA_LONG, at, random.nextLong());
            }
            fresh[1].copyFrom(fresh[0]);
            String[] words = benchmark.changed.split(" ");
            int bytes = Math.round(PAGE * Integer.parseInt(words[0]) / 1000f);
            for (int page = 0; page < PAGES; page++) {
                int start = random.nextInt(PAGE - bytes);
                for (int i = 0; i < bytes; i++) {
                    int at = words[1].equals("scattered") ? random.nextInt(PAGE) : start + i;
                    fresh[1].set(ValueLayout.JAVA_BYTE, (long) page * PAGE + at, (byte) random.nextInt());
                }
            }
        }

        @TearDown
        public void close() {
            own.close();
            arena.close();
        }

        private int encode(DeltaCache cache, long first, int step) {
            round++;
            MemorySegment now = fresh[(int) (round & 1)];
            int sum = 0;
            for (int i = 0; i < PAGES; i++) {
                sum += cache.encode(encoder, first + (long) i * step, round, now, (long) i * PAGE, true, out, 0);
            }
            return sum;
        }
    }

    @Benchmark
    @Threads(2)
    public int shared(Lane lane) {
        return lane.encode(shared, (long) lane.number * PAGES, 1);
    }

    @Benchmark
    @Threads(2)
    public int interleaved(Lane lane) {
        return lane.encode(shared, lane.number, 2);
    }

    @Benchmark
    @Threads(2)
    public int own(Lane lane) {
        return lane.encode(lane.own, (long) lane.number * PAGES, 1);
    }

    @Benchmark
    @Threads(1)
    public int alone(Lane lane) {
        return lane.encode(shared, 0, 1);
    }

    @Benchmark
    @Threads(1)
    public int withoutCache(Lane lane) {
        lane.round++;
        MemorySegment now = lane.fresh[(int) (lane.round & 1)];
        int sum = 0;
        for (int i = 0; i < PAGES; i++) {
            long at = (long) i * PAGE;
            sum += lane.encoder.encode(lane.kept, at, now, at, lane.out, 0);
            MemorySegment.copy(now, at, lane.kept, at, PAGE);
        }
        return sum;
    }
}
