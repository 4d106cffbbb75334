package org.transhume.benchmarks.kernels;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;
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
import org.transhume.codec.ZeroPage;

/**
 * A user asks: "most of my guest was never written; how fast does it find that out, and what does looking for zeroes cost
 * where there are none?"
 *
 * <p>Time a page over 256 MiB, all of it touched, which no cache holds: as in guest memory. In one run, {@code test} of
 * zero pages reaches at least 90 % of the bandwidth of {@code plainVectorPass}, which only reads; a page that is not zero at
 * its first word or in its tail costs at most 0.15 of {@code copy}, which sends it.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@OperationsPerInvocation(ZeroPageBenchmark.PAGES)
public class ZeroPageBenchmark {
    static final int PAGES = 1 << 16;
    private static final int PAGE = 4096;
    private static final VectorSpecies<Long> SPECIES = LongVector.SPECIES_256;
    private static final int STEP = SPECIES.vectorByteSize();

    /** All zero; random bytes; zero but for byte 4000. */
    @Param({"zero", "random", "tail"})
    public String content;

    private Arena arena;
    private MemorySegment memory;
    private MemorySegment buffer;

    /** Touches every page: memory never written would be read from one zero page. */
    @Setup
    public void fill() {
        arena = Arena.ofConfined();
        memory = arena.allocate((long) PAGES * PAGE, PAGE).fill((byte) 1).fill((byte) 0);
        buffer = arena.allocate(PAGE, PAGE);
        Random random = new Random(42);
        for (long at = 0; at < memory.byteSize(); at += PAGE) {
            switch (content) {
                case "random" -> {
                    byte[] bytes = new byte[PAGE];
                    random.nextBytes(bytes);
                    MemorySegment.copy(bytes, 0, memory, ValueLayout.JAVA_BYTE, at, PAGE);
                }
                case "tail" -> memory.set(ValueLayout.JAVA_BYTE, at + 4000, (byte) 1);
                default -> {}
            }
        }
    }

    @TearDown
    public void close() {
        arena.close();
    }

    @Benchmark
    public int test() {
        int zero = 0;
        for (long at = 0; at < memory.byteSize(); at += PAGE) {
            zero += ZeroPage.test(memory, at, PAGE) ? 1 : 0;
        }
        return zero;
    }

    @Benchmark
    public int testPlainly() {
        int zero = 0;
        for (long at = 0; at < memory.byteSize(); at += PAGE) {
            zero += ZeroPage.testPlainly(memory, at, PAGE) ? 1 : 0;
        }
        return zero;
    }

    @Benchmark
    public byte copy() {
        for (long at = 0; at < memory.byteSize(); at += PAGE) {
            MemorySegment.copy(memory, at, buffer, 0, PAGE);
        }
        return buffer.get(ValueLayout.JAVA_BYTE, 0);
    }

    @Benchmark
    public long plainVectorPass() {
        LongVector any = LongVector.zero(SPECIES);
        for (long at = 0; at < memory.byteSize(); at += 4 * STEP) {
            any = any.or(load(at)).or(load(at + STEP)).or(load(at + 2 * STEP)).or(load(at + 3 * STEP));
        }
        return any.reduceLanes(VectorOperators.OR);
    }

    private LongVector load(long at) {
        return LongVector.fromMemorySegment(SPECIES, memory, at, ByteOrder.nativeOrder());
    }
}
