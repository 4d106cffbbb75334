package org.transhume.benchmarks.kernels;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.SplittableRandom;
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
import org.transhume.memory.DirtyBitmap;
import org.transhume.memory.DirtySource;
import org.transhume.memory.DirtySources;
import org.transhume.memory.GuestMemory;
import org.transhume.memory.PageSize;
import org.transhume.memory.RamBlock;
import org.transhume.memory.WriterMarks;

/**
 * A user asks: "how long does one look at what my guest wrote take, of which the last is in the pause?" For a GiB that is
 * resident, {@code harvest} of a source that the kernel keeps or the writer does; {@code bitmapAlone} takes the same pages from a
 * bitmap, which no source can undercut.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class DirtySourceBenchmark {
    private static final long PAGES = 1 << 18;

    @Param({"uffd-wp", "marks"})
    public String source;

    /** Pages written of a thousand, each once, at random. */
    @Param({"0", "1", "10", "100"})
    public int perMille;

    private GuestMemory memory;
    private MemorySegment ram;
    private DirtySource dirty;
    private WriterMarks marks;
    private DirtyBitmap found;
    private DirtyBitmap bitmap;
    private long[] written;
    private long sum;

    @Setup
    public void begin() {
        memory = new GuestMemory(List.of(RamBlock.memfd("ram", PAGES * PageSize.BYTES)));
        ram = memory.blocks().getFirst().segment();
        ram.fill((byte) 1);
        dirty = DirtySources.named(source, memory);
        marks = dirty instanceof WriterMarks own ? own : null;
        dirty.start();
        found = new DirtyBitmap(PAGES);
        bitmap = new DirtyBitmap(PAGES);
        SplittableRandom random = new SplittableRandom(42);
        written = random.longs(PAGES * perMille / 1000, 0, PAGES).distinct().toArray();
        long _ = dirty.harvest(0, found);
        found.clear();
    }

    @Setup(Level.Invocation)
    public void write() {
        for (long page : written) {
            ram.set(ValueLayout.JAVA_BYTE, page * PageSize.BYTES, (byte) 2);
            if (marks != null) {
                marks.mark(0, page);
            }
            bitmap.mark(page);
        }
    }

    /** Every page that was written is told. */
    @TearDown(Level.Iteration)
    public void verify() {
        long _ = dirty.harvest(0, found);
        found.clear();
        bitmap.clear();
        write();
        long told = dirty.harvest(0, found);
        if (told != written.length || found.count() != written.length) {
            throw new IllegalStateException(
                    "%d pages were told, %d found: expected %d".formatted(told, found.count(), written.length));
        }
        found.clear();
    }

    @TearDown
    public void close() {
        dirty.close();
        found.close();
        bitmap.close();
        memory.close();
    }

    @Benchmark
    public long harvest() {
        long told = dirty.harvest(0, found);
        return told + found.harvest((first, count) -> sum += first ^ count) + sum;
    }

    @Benchmark
    public long bitmapAlone() {
        return bitmap.harvest((first, count) -> sum += first ^ count) + sum;
    }
}
