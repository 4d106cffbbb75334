package org.transhume.benchmarks.kernels;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import org.transhume.codec.ZeroPage;
import org.transhume.codec.compression.BatchBuffers;
import org.transhume.codec.compression.Compressor;
import org.transhume.codec.compression.Decompressor;
import org.transhume.codec.compression.Lz4Compressor;
import org.transhume.codec.compression.Lz4Decompressor;
import org.transhume.codec.compression.ZlibPageCompressor;
import org.transhume.codec.compression.ZlibPageDecompressor;
import org.transhume.codec.compression.ZlibStreamCompressor;
import org.transhume.codec.compression.ZlibStreamDecompressor;
import org.transhume.codec.compression.ZstdStreamCompressor;
import org.transhume.codec.compression.ZstdStreamDecompressor;

/**
 * A user asks: "my network is slow; which compression do I take, how much less goes over the wire, and how many cores does it
 * cost?"
 *
 * <p>Each call packs or unpacks the next batch of 8 MiB of content, which a stream sees again and again; its history is shorter.
 * {@code copy} is what a batch costs anyway: into its private buffer. The ratio, packed to plain, is printed at set-up. The RAM of
 * a real guest is measured with {@code content} "guest" and an image of it, 8 MiB of pages that are not zero at the least, in
 * the property {@value #GUEST_RAM}.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(1)
@Warmup(iterations = 2, time = 1)
@Measurement(iterations = 3, time = 1)
public class CompressionBenchmark {
    private static final int PAGE = 4096;
    private static final int CONTENT = 8 << 20;
    private static final String GUEST_RAM = "transhume.guest-ram";

    @Param({"zlib-1", "zstd-1", "zstd-3", "lz4", "zlib-page-1"})
    public String format;

    @Param({"binary", "text", "random"})
    public String content;

    /** Pages in a batch. */
    @Param({"1", "128"})
    public int pages;

    private int batchBytes;
    private int next;
    private MemorySegment memory;
    private BatchBuffers outgoing;
    private Compressor compressor;

    private BatchBuffers incoming;
    private Decompressor decompressor;
    private byte[][] packed;

    @Setup
    public void open() {
        batchBytes = pages * PAGE;
        next = 0;
        memory = MemorySegment.ofArray(content());
        outgoing = new BatchBuffers(batchBytes, BatchBuffers.worstCase(batchBytes));
        incoming = new BatchBuffers(batchBytes, BatchBuffers.worstCase(batchBytes));
        packed = new byte[CONTENT / batchBytes][];
        long packedBytes = 0;
        try (Compressor packer = newCompressor()) {
            for (int i = 0; i < packed.length; i++) {
                MemorySegment.copy(memory, (long) i * batchBytes, outgoing.plain(), 0, batchBytes);
                int length = packer.compress(outgoing, batchBytes);
                packed[i] = outgoing.packed().asSlice(0, length).toArray(ValueLayout.JAVA_BYTE);
                packedBytes += length;
            }
        }
        System.out.printf("[ratio %.3f] ", (double) packedBytes / CONTENT);
        compressor = newCompressor();
        decompressor = newDecompressor();
    }

    @TearDown
    public void close() {
        compressor.close();
        decompressor.close();
        outgoing.close();
        incoming.close();
    }

    @Benchmark
    public MemorySegment copy() {
        fill();
        return outgoing.plain();
    }

    @Benchmark
    public int compress() {
        fill();
        return compressor.compress(outgoing, batchBytes);
    }

    /** Where the content begins again, so must the stream: with a new decompressor, the one thing here that allocates. */
    @Benchmark
    public MemorySegment decompress() {
        byte[] body = packed[next];
        MemorySegment.copy(body, 0, incoming.packed(), ValueLayout.JAVA_BYTE, 0, body.length);
        decompressor.decompress(incoming, body.length, batchBytes);
        if (++next == packed.length) {
            next = 0;
            decompressor.close();
            decompressor = newDecompressor();
        }
        return incoming.plain();
    }

    private void fill() {
        MemorySegment.copy(memory, (long) next * batchBytes, outgoing.plain(), 0, batchBytes);
        next = next + 1 == packed.length ? 0 : next + 1;
    }

    private Compressor newCompressor() {
        return switch (format) {
            case "zlib-1" -> new ZlibStreamCompressor(1);
            case "zstd-1" -> new ZstdStreamCompressor(1);
            case "zstd-3" -> new ZstdStreamCompressor(3);
            case "lz4" -> new Lz4Compressor();
            case "zlib-page-1" -> new ZlibPageCompressor(1);
            default -> throw new IllegalArgumentException(format);
        };
    }

    private Decompressor newDecompressor() {
        return switch (format) {
            case "zlib-1" -> new ZlibStreamDecompressor();
            case "zstd-1", "zstd-3" -> new ZstdStreamDecompressor();
            case "lz4" -> new Lz4Decompressor();
            case "zlib-page-1" -> new ZlibPageDecompressor();
            default -> throw new IllegalArgumentException(format);
        };
    }

    private byte[] content() {
        return switch (content) {
            case "binary" -> binary();
            case "text" -> text();
            case "guest" -> guest();
            case "random" -> {
                byte[] bytes = new byte[CONTENT];
                new Random(42).nextBytes(bytes);
                yield bytes;
            }
            default -> throw new IllegalArgumentException(content);
        };
    }

    /** Code and tables of the running JVM's own library. */
    private static byte[] binary() {
        try (InputStream in = Files.newInputStream(Path.of(System.getProperty("java.home"), "lib/server/libjvm.so"))) {
            byte[] bytes = in.readNBytes(CONTENT);
            if (bytes.length < CONTENT) {
                throw new IllegalStateException("libjvm.so has %d bytes, expected %d".formatted(bytes.length, CONTENT));
            }
            return bytes;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The JDK's licences, and where they end, log lines. */
    /** Pages of a real guest that are not zero, from an image of its RAM. */
    private static byte[] guest() {
        String image = System.getProperty(GUEST_RAM);
        if (image == null) {
            throw new IllegalArgumentException("content=guest: expected an image of a guest's RAM in -D" + GUEST_RAM);
        }
        try (FileChannel in = FileChannel.open(Path.of(image))) {
            MemorySegment ram = in.map(FileChannel.MapMode.READ_ONLY, 0, in.size(), Arena.ofAuto());
            byte[] bytes = new byte[CONTENT];
            int filled = 0;
            for (long at = 0; filled < CONTENT; at += PAGE) {
                if (!ZeroPage.testPlainly(ram, at, PAGE)) {
                    MemorySegment.copy(ram, ValueLayout.JAVA_BYTE, at, bytes, filled, PAGE);
                    filled += PAGE;
                }
            }
            return bytes;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static byte[] text() {
        StringBuilder text = new StringBuilder(CONTENT);
        try (Stream<Path> files = Files.walk(Path.of(System.getProperty("java.home"), "legal"))) {
            List<Path> licences =
                    files.filter(Files::isRegularFile).distinct().sorted().toList();
            for (Path licence : licences) {
                if (!Files.isSymbolicLink(licence)) {
                    text.append(Files.readString(licence, StandardCharsets.ISO_8859_1));
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        Random random = new Random(42);
        while (text.length() < CONTENT) {
            text.append("2026-03-14T07:%02d:%02d.%03dZ INFO request %08x from 10.0.%d.%d took %d ms, %d bytes%n"
                    .formatted(
                            random.nextInt(60),
                            random.nextInt(60),
                            random.nextInt(1000),
                            random.nextInt(),
                            random.nextInt(4),
                            random.nextInt(256),
                            random.nextInt(2000),
                            random.nextInt(1 << 20)));
        }
        return text.substring(0, CONTENT).getBytes(StandardCharsets.ISO_8859_1);
    }
}
