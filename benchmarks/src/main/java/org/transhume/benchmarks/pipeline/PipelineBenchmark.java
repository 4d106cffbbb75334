package org.transhume.benchmarks.pipeline;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Locale;
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
import org.transhume.engine.outgoing.OutgoingReport;
import org.transhume.memory.PageSize;

/**
 * A user asks: "how many pages a second will these two machines move, with what my guest holds and in this form?" Pages a
 * second of whole migrations, both ends on the same cores, from the connection to the last word; {@code copy} moves the same
 * bytes from memory to memory. In each, {@value #PAGES} pages travel.
 *
 * <p>What a migration allocates is for its start: for the 256 MiB here it must be some bytes a page, and nothing more for more
 * pages, which {@code AllocationTest} holds.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 2)
@OperationsPerInvocation(PipelineBenchmark.PAGES)
public class PipelineBenchmark {
    static final int PAGES = 1 << 16;

    @Param({"UNTOUCHED", "ZEROS", "RANDOM", "LIBRARY", "HOT"})
    public PageContent content;

    /** Form of the pages, and channels. */
    @Param({
        "none 0",
        "none 2",
        "none 4",
        "xbzrle 0",
        "xbzrle 2",
        "lz4 2",
        "lz4 4",
        "zstd 2",
        "zstd 4",
        "zlib 2",
        "zlib 4",
        "adaptive 2",
        "adaptive 4"
    })
    public String way;

    private LoopbackMigration migration;
    private Arena arena;
    private MemorySegment from;
    private MemorySegment to;

    @Setup
    public void fill() throws IOException {
        String form = way.substring(0, way.indexOf(' '));
        int channels = Integer.parseInt(way.substring(way.indexOf(' ') + 1));
        migration = new LoopbackMigration(content, PageForm.valueOf(form.toUpperCase(Locale.ROOT)), channels, PAGES);
        arena = Arena.ofConfined();
        from = arena.allocate((long) PAGES * PageSize.BYTES, PageSize.BYTES);
        to = arena.allocate((long) PAGES * PageSize.BYTES, PageSize.BYTES);
        content.fill(from);
        to.fill((byte) 1);
    }

    @TearDown
    public void close() throws IOException {
        arena.close();
        try (LoopbackMigration last = migration) {
            last.run(); // also where only the copy was measured
            last.verify();
        }
    }

    @Benchmark
    public OutgoingReport migrate() throws IOException {
        return migration.run();
    }

    @Benchmark
    public MemorySegment copy() {
        return to.copyFrom(from);
    }
}
