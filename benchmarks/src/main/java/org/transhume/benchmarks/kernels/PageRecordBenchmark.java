package org.transhume.benchmarks.kernels;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
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
import org.transhume.channels.qemu.BlockEntry;
import org.transhume.channels.qemu.PageRecordReader;
import org.transhume.channels.qemu.PageRecordWriter;
import org.transhume.channels.qemu.PageVisitor;
import org.transhume.channels.qemu.StreamReader;
import org.transhume.channels.qemu.StreamWriter;

/**
 * A user asks: "without page channels each page has a record of its own; what does that cost?" Time a page, written and read as the main
 * stream has them, to and from memory instead of a socket: written pages are gathered and not copied, read ones are copied
 * once more than through a socket. {@code copy} is a copy of each page, {@code copyTwice} what reading them cannot do without here.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@OperationsPerInvocation(PageRecordBenchmark.PAGES)
public class PageRecordBenchmark {
    static final int PAGES = 256;
    private static final int PAGE = 4096;
    private static final long ROOM = (long) PAGES * (PAGE + 16);
    private static final List<BlockEntry> BLOCKS = List.of(new BlockEntry("pc.ram", (long) PAGES * PAGE));

    @Param({"content", "zero"})
    public String pages;

    private Arena arena;
    private MemorySegment ram;
    private MemorySegment copies;
    private PageRecordWriter writer;
    private PageRecordReader reader;
    private PageVisitor visitor;
    private long zeroes;

    @Setup
    public void write() throws IOException {
        arena = Arena.ofConfined();
        ram = arena.allocate((long) PAGES * PAGE, PAGE).fill((byte) 1);
        copies = arena.allocate((long) PAGES * PAGE, PAGE).fill((byte) 2);
        MemoryConnection kept = new MemoryConnection(ROOM);
        try (PageRecordWriter first = new PageRecordWriter(new StreamWriter(kept), BLOCKS)) {
            write(first);
        }
        writer = new PageRecordWriter(new StreamWriter(new MemoryConnection(0)), BLOCKS);
        reader = new PageRecordReader(new StreamReader(kept, "benchmark"), BLOCKS);
        visitor = new PageVisitor() {
            @Override
            public void page(int block, long offset, StreamReader in) throws IOException {
                in.into(copies, offset, PAGE);
            }

            @Override
            public void zeroPage(int block, long offset) {
                zeroes++;
            }
        };
    }

    private void write(PageRecordWriter to) throws IOException {
        for (long at = 0; at < ram.byteSize(); at += PAGE) {
            if (pages.equals("zero")) {
                to.zeroPage(0, at);
            } else {
                to.page(0, at, ram);
            }
        }
        to.flush();
    }

    @TearDown
    public void close() {
        writer.close();
        arena.close();
    }

    @Benchmark
    public long writeRecords() throws IOException {
        write(writer);
        return writer.offset();
    }

    @Benchmark
    public long readRecords() throws IOException {
        for (int i = 0; i < PAGES; i++) {
            reader.next(visitor);
        }
        return zeroes;
    }

    @Benchmark
    public MemorySegment copy() {
        for (long at = 0; at < ram.byteSize(); at += PAGE) {
            MemorySegment.copy(ram, at, copies, at, PAGE);
        }
        return copies;
    }

    @Benchmark
    public MemorySegment copyTwice() {
        copy();
        return copy();
    }
}
