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
import org.transhume.codec.delta.XbzrleDecoder;
import org.transhume.codec.delta.XbzrleEncoder;

/**
 * A user asks: "my guest changes a few bytes in each of its hot pages; what does it cost to send only those?"
 *
 * <p>Time a page over 256 pages in turn, old and new in cache: each has its changes elsewhere, so that no branch can be
 * learned. {@code copy}, of 256 pages to 256 others, is the unit to compare machines by. {@code naive} is the loop over bytes that the format suggests.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@OperationsPerInvocation(XbzrleBenchmark.PAGES)
public class XbzrleBenchmark {
    static final int PAGES = 256;
    private static final int PAGE = 4096;

    /** What changed: per mille of the bytes, one by one at random (drawn with repetition) or in one cluster. */
    @Param({
        "none",
        "1 scattered",
        "10 scattered",
        "100 scattered",
        "500 scattered",
        "10 clustered",
        "100 clustered",
        "500 clustered"
    })
    public String changed;

    private final XbzrleEncoder encoder = new XbzrleEncoder();
    private final int[] lengths = new int[PAGES];
    private Arena arena;
    private MemorySegment old;
    private MemorySegment fresh;
    private MemorySegment deltas;
    private MemorySegment out;
    private MemorySegment copies;

    @Setup
    public void change() {
        arena = Arena.ofConfined();
        old = arena.allocate((long) PAGES * PAGE, PAGE);
        fresh = arena.allocate((long) PAGES * PAGE, PAGE);
        deltas = arena.allocate((long) PAGES * XbzrleEncoder.ROOM, 64);
        out = arena.allocate(XbzrleEncoder.ROOM, 64);
        copies = arena.allocate((long) PAGES * PAGE, PAGE);
        Random random = new Random(42);
        for (long at = 0; at < old.byteSize(); at += Long.BYTES) {
            old.set(ValueLayout.JAVA_LONG, at, random.nextLong());
        }
        fresh.copyFrom(old);
        for (int page = 0; page < PAGES; page++) {
            change(fresh.asSlice((long) page * PAGE, PAGE), random);
            lengths[page] = encode(page, deltas, (long) page * XbzrleEncoder.ROOM);
        }
    }

    private void change(MemorySegment page, Random random) {
        if (changed.equals("none")) {
            return;
        }
        String[] words = changed.split(" ");
        int bytes = Math.round(PAGE * Integer.parseInt(words[0]) / 1000f);
        int start = random.nextInt(PAGE - bytes);
        for (int i = 0; i < bytes; i++) {
            int at = words[1].equals("scattered") ? random.nextInt(PAGE) : start + i;
            page.set(ValueLayout.JAVA_BYTE, at, (byte) random.nextInt());
        }
    }

    @TearDown
    public void close() {
        arena.close();
    }

    @Benchmark
    public int encode() {
        int sum = 0;
        for (int page = 0; page < PAGES; page++) {
            sum += encode(page, out, 0);
        }
        return sum;
    }

    private int encode(int page, MemorySegment to, long at) {
        return encoder.encode(old, (long) page * PAGE, fresh, (long) page * PAGE, to, at);
    }

    /** Applies the delta to the new page, which leaves it as it is. */
    @Benchmark
    public void decode() {
        for (int page = 0; page < PAGES; page++) {
            if (lengths[page] > 0) {
                XbzrleDecoder.decode(
                        deltas, (long) page * XbzrleEncoder.ROOM, lengths[page], fresh, (long) page * PAGE);
            }
        }
    }

    @Benchmark
    public void copy() {
        for (int page = 0; page < PAGES; page++) {
            MemorySegment.copy(fresh, (long) page * PAGE, copies, (long) page * PAGE, PAGE);
        }
    }

    @Benchmark
    public int naive() {
        int sum = 0;
        for (int page = 0; page < PAGES; page++) {
            sum += naive((long) page * PAGE);
        }
        return sum;
    }

    private int naive(long page) {
        int written = 0;
        int i = 0;
        while (i < PAGE) {
            int start = i;
            while (i < PAGE && differs(page + i) == 0) {
                i++;
            }
            if (i == PAGE) {
                return written;
            }
            written = length(written, i - start);
            start = i;
            while (i < PAGE && differs(page + i) != 0) {
                i++;
            }
            written = length(written, i - start);
            if (written + i - start > PAGE - 2) {
                return -1;
            }
            for (int at = start; at < i; at++) {
                out.set(ValueLayout.JAVA_BYTE, written++, fresh.get(ValueLayout.JAVA_BYTE, page + at));
            }
        }
        return written;
    }

    private int differs(long at) {
        return old.get(ValueLayout.JAVA_BYTE, at) ^ fresh.get(ValueLayout.JAVA_BYTE, at);
    }

    private int length(int at, int value) {
        if (value < 128) {
            out.set(ValueLayout.JAVA_BYTE, at, (byte) value);
            return at + 1;
        }
        out.set(ValueLayout.JAVA_BYTE, at, (byte) (value | 0x80));
        out.set(ValueLayout.JAVA_BYTE, at + 1, (byte) (value >>> 7));
        return at + 2;
    }
}
