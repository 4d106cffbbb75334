package org.transhume.benchmarks.kernels;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.EnumSet;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import org.transhume.channels.qemu.MultifdMethod;
import org.transhume.channels.qemu.MultifdPacket;

/**
 * A user asks: "what does the header of a batch of pages cost beside the pages?" Time a page, of 128 in a packet: to write the
 * header, and to check it and take out of it what a receiver needs. {@code putInABuffer} writes the same numbers the usual way, and
 * {@code copyOfThePages} copies the pages that it lists.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@OperationsPerInvocation(MultifdPacket.CAPACITY)
public class MultifdPacketBenchmark {
    private static final int PAGE = 4096;
    private static final int OFFSETS = 320;
    private static final String BLOCK = "pc.ram";

    private final Set<MultifdMethod> accepted = EnumSet.of(MultifdMethod.NONE);
    private final ByteBuffer buffer = ByteBuffer.allocateDirect(MultifdPacket.BYTES);
    private Arena arena;
    private MultifdPacket outgoing;
    private MultifdPacket incoming;
    private MemorySegment pages;
    private MemorySegment copies;
    private long number;

    @Setup
    public void write() {
        arena = Arena.ofConfined();
        outgoing = new MultifdPacket(arena);
        incoming = new MultifdPacket(arena);
        write(incoming);
        pages = arena.allocate(MultifdPacket.CAPACITY * PAGE, PAGE).fill((byte) 1);
        copies = arena.allocate(MultifdPacket.CAPACITY * PAGE, PAGE).fill((byte) 2);
    }

    @TearDown
    public void close() {
        arena.close();
    }

    private void write(MultifdPacket packet) {
        packet.pages(BLOCK, number++);
        packet.counts(MultifdPacket.CAPACITY, 0);
        packet.data(MultifdMethod.NONE, MultifdPacket.CAPACITY * PAGE);
        for (int i = 0; i < MultifdPacket.CAPACITY; i++) {
            packet.offset(i, (long) i * PAGE);
        }
    }

    @Benchmark
    public MemorySegment writeHeader() {
        write(outgoing);
        return outgoing.frame();
    }

    @Benchmark
    public long parseHeader() {
        incoming.check("benchmark", 0, accepted);
        long sum = incoming.block("benchmark", 0).length() + incoming.number();
        for (int i = 0; i < incoming.normalPages(); i++) {
            sum += incoming.offset(i);
        }
        return sum;
    }

    @Benchmark
    public ByteBuffer putInABuffer() {
        buffer.putLong(24, number++);
        for (int i = 0; i < MultifdPacket.CAPACITY; i++) {
            buffer.putLong(OFFSETS + i * Long.BYTES, (long) i * PAGE);
        }
        return buffer;
    }

    @Benchmark
    public MemorySegment copyOfThePages() {
        return copies.copyFrom(pages);
    }
}
