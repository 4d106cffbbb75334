package org.transhume.benchmarks.kernels;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;
import java.util.concurrent.TimeUnit;
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
import org.openjdk.jmh.annotations.Warmup;
import org.transhume.codec.PageHash;

/**
 * A user asks: "what does it cost a page to be held against its digest?"
 *
 * <p>Time a page, beside copying it. Over 256 MiB, which no cache holds: as in guest memory that nobody read just before; and
 * over 256 KiB, which the cache holds: as where the zero test, a copy or the kernel did. A hash of a page from memory costs
 * less than its copy.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@OperationsPerInvocation(PageHashBenchmark.PAGES)
public class PageHashBenchmark {
    static final int PAGES = 1 << 16;
    private static final int PAGE = 4096;

    /** Pages gone over again and again. */
    @Param({"64", "65536"})
    public int among;

    private Arena arena;
    private MemorySegment memory;
    private MemorySegment buffer;

    @Setup
    public void fill() {
        arena = Arena.ofConfined();
        memory = arena.allocate((long) among * PAGE, PAGE);
        buffer = arena.allocate(PAGE, PAGE);
        Random random = new Random(42);
        byte[] bytes = new byte[PAGE];
        for (long at = 0; at < memory.byteSize(); at += PAGE) {
            random.nextBytes(bytes);
            MemorySegment.copy(bytes, 0, memory, ValueLayout.JAVA_BYTE, at, PAGE);
        }
    }

    @TearDown
    public void close() {
        arena.close();
    }

    @Benchmark
    public long hash() {
        long sum = 0;
        for (int i = 0; i < PAGES; i++) {
            sum += PageHash.of(memory, (long) (i & (among - 1)) * PAGE);
        }
        return sum;
    }

    @Benchmark
    public long hashPlainly() {
        long sum = 0;
        for (int i = 0; i < PAGES; i++) {
            sum += PageHash.plainlyOf(memory, (long) (i & (among - 1)) * PAGE);
        }
        return sum;
    }

    @Benchmark
    public byte copy() {
        for (int i = 0; i < PAGES; i++) {
            MemorySegment.copy(memory, (long) (i & (among - 1)) * PAGE, buffer, 0, PAGE);
        }
        return buffer.get(ValueLayout.JAVA_BYTE, 0);
    }
}
