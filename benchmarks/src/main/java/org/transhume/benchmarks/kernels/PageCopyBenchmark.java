package org.transhume.benchmarks.kernels;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
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

/**
 * A user asks: "what is the least that a page can cost?" Time of a copy of a page, in the ways that there are: page by page, as deltas,
 * the main stream and compressors do it, from behind a record's nine bytes as the main stream's reader does, all in one piece, and
 * through a buffer. Other benchmarks' copies are the first.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@OperationsPerInvocation(PageCopyBenchmark.PAGES)
public class PageCopyBenchmark {
    static final int PAGES = 1 << 14;
    private static final int PAGE = 4096;
    private static final int RECORD = 9;

    /** Pages gone over again and again: in a cache, or in none. */
    @Param({"32", "16384"})
    public int among;

    private Arena arena;
    private MemorySegment from;
    private MemorySegment to;
    private ByteBuffer fromBuffer;
    private ByteBuffer toBuffer;

    @Setup
    public void fill() {
        arena = Arena.ofConfined();
        from = arena.allocate((long) among * PAGE + PAGE, PAGE);
        to = arena.allocate((long) among * PAGE, PAGE).fill((byte) 1);
        Random random = new Random(42);
        for (long at = 0; at < from.byteSize(); at += Long.BYTES) {
            from.set(ValueLayout.JAVA_LONG, at, random.nextLong());
        }
        fromBuffer = from.asByteBuffer();
        toBuffer = to.asByteBuffer();
    }

    @TearDown
    public void close() {
        arena.close();
    }

    @Benchmark
    public MemorySegment copy() {
        for (int i = 0; i < PAGES; i++) {
            long at = (long) (i & (among - 1)) * PAGE;
            MemorySegment.copy(from, at, to, at, PAGE);
        }
        return to;
    }

    @Benchmark
    public MemorySegment copyFromBehindARecord() {
        for (int i = 0; i < PAGES; i++) {
            long at = (long) (i & (among - 1)) * PAGE;
            MemorySegment.copy(from, at + RECORD, to, at, PAGE);
        }
        return to;
    }

    @Benchmark
    public MemorySegment copyInOnePiece() {
        for (int i = 0; i < PAGES; i += among) {
            MemorySegment.copy(from, 0, to, 0, (long) among * PAGE);
        }
        return to;
    }

    @Benchmark
    public ByteBuffer copyOfBuffers() {
        for (int i = 0; i < PAGES; i++) {
            int at = (i & (among - 1)) * PAGE;
            toBuffer.put(at, fromBuffer, at, PAGE);
        }
        return toBuffer;
    }
}
