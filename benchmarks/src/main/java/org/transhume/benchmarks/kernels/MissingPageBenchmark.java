package org.transhume.benchmarks.kernels;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import org.transhume.memory.GuestAccess;
import org.transhume.memory.GuestMemory;
import org.transhume.memory.MissingPages;
import org.transhume.memory.PageSize;
import org.transhume.memory.RamBlock;

/**
 * A user asks: "my guest touches a page that has not come; how long does it stand, beside what the network takes?" From the
 * touch to the touch done, one thread that hears of it and puts the page there. {@code there} is the same touch without a fault.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class MissingPageBenchmark {
    private static final int PAGES = 1024;

    @Param({"memfd", "anonymous"})
    public String memory;

    private GuestMemory ram;
    private RamBlock block;
    private MissingPages missing;
    private Thread handler;
    private volatile boolean end;
    private long page; // never the first

    @Setup
    public void serve() {
        long size = (long) PAGES * PageSize.BYTES;
        block = memory.equals("memfd") ? RamBlock.memfd("ram", size) : RamBlock.anonymous("ram", size);
        ram = new GuestMemory(List.of(block));
        missing = new MissingPages(ram);
        handler = Thread.ofPlatform().start(() -> {
            try (Arena arena = Arena.ofConfined();
                    MissingPages.Placer placer = missing.placer()) {
                MemorySegment bytes =
                        arena.allocate(PageSize.BYTES, PageSize.BYTES).fill((byte) 1);
                while (!end) {
                    missing.read((index, offset, _, _) -> placer.put(index, offset, bytes, 0), -1);
                }
            }
        });
    }

    /** A page is missing once only. */
    @Setup(Level.Invocation)
    public void forget() {
        page = 1 + page % (PAGES - 1);
        block.discard(page * PageSize.BYTES, PageSize.BYTES);
    }

    @Benchmark
    public void missing() {
        GuestAccess.touch(block.address() + page * PageSize.BYTES);
    }

    @Benchmark
    public void there() {
        GuestAccess.touch(block.address());
    }

    @TearDown
    public void close() throws InterruptedException {
        end = true;
        missing.interrupt();
        handler.join();
        missing.close();
        ram.close();
    }
}
