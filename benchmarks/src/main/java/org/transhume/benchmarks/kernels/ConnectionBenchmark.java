package org.transhume.benchmarks.kernels;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.time.Duration;
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
import org.transhume.channels.Address;
import org.transhume.channels.Connection;
import org.transhume.channels.Connections;
import org.transhume.channels.IoVector;
import org.transhume.channels.Listener;

/**
 * A user asks: "how fast do pages get through a socket, and would Java's own channels do as well?" Time a page, in batches of a header and 128
 * pages scattered over RAM, gathered into a loopback TCP connection and scattered at its other end by a second thread, as a
 * lane and its loader do; {@code channels} does the same with {@link SocketChannel}, {@code copy} from memory to memory.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@OperationsPerInvocation(ConnectionBenchmark.PAGES)
public class ConnectionBenchmark {
    static final int PAGES = 128;
    private static final int PAGE = 4096;
    private static final int HEADER = 1344;
    private static final int BATCH = HEADER + PAGES * PAGE;

    private final Arena arena = Arena.ofShared();
    private final MemorySegment header = arena.allocate(HEADER, 64);
    // Every other page, so that no two of them are neighbours.
    private final MemorySegment ram = arena.allocate(2L * PAGES * PAGE, PAGE).fill((byte) 1);
    private final MemorySegment far = arena.allocate(2L * PAGES * PAGE, PAGE).fill((byte) 2);
    private final IoVector gather = new IoVector(PAGES + 1);
    private final ByteBuffer[] buffers = buffers(header, ram);
    private Connection near;
    private Connection remote;
    private SocketChannel nearChannel;
    private SocketChannel remoteChannel;
    private Thread reader;
    private Thread channelReader;

    @Setup
    public void connect() throws IOException {
        try (Listener listener = Connections.listen(new Address.Tcp("127.0.0.1", 0))) {
            near = Connections.connect(listener.address(), Duration.ofSeconds(5));
            remote = listener.accept(Duration.ofSeconds(5));
        }
        try (ServerSocketChannel server =
                ServerSocketChannel.open().bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))) {
            nearChannel = SocketChannel.open(server.getLocalAddress());
            remoteChannel = server.accept();
        }
        reader = Thread.ofPlatform().daemon().start(this::read);
        channelReader = Thread.ofPlatform().daemon().start(this::readChannel);
    }

    private static ByteBuffer[] buffers(MemorySegment header, MemorySegment ram) {
        ByteBuffer[] buffers = new ByteBuffer[PAGES + 1];
        buffers[0] = header.asByteBuffer();
        for (int i = 0; i < PAGES; i++) {
            buffers[i + 1] = ram.asSlice(2L * i * PAGE, PAGE).asByteBuffer();
        }
        return buffers;
    }

    private static void addAll(IoVector vector, MemorySegment header, MemorySegment ram) {
        vector.clear();
        vector.add(header, 0, HEADER);
        for (int i = 0; i < PAGES; i++) {
            vector.add(ram, 2L * i * PAGE, PAGE);
        }
    }

    private void read() {
        MemorySegment into = arena.allocate(HEADER, 64);
        try (IoVector scatter = new IoVector(PAGES + 1)) {
            while (true) {
                addAll(scatter, into, far);
                while (scatter.size() > 0) {
                    if (remote.read(scatter) < 0) {
                        return;
                    }
                }
            }
        } catch (IOException closed) {
            // the benchmark is over
        }
    }

    private void readChannel() {
        ByteBuffer[] into = buffers(arena.allocate(HEADER, 64), far);
        try {
            while (true) {
                for (ByteBuffer buffer : into) {
                    buffer.clear();
                }
                for (long left = BATCH; left > 0; ) {
                    long read = remoteChannel.read(into);
                    if (read < 0) {
                        return;
                    }
                    left -= read;
                }
            }
        } catch (IOException closed) {
            // the benchmark is over
        }
    }

    @TearDown
    public void close() throws IOException, InterruptedException {
        near.finishWriting();
        nearChannel.shutdownOutput();
        reader.join();
        channelReader.join();
        near.close();
        remote.close();
        nearChannel.close();
        remoteChannel.close();
        gather.close();
        arena.close();
    }

    @Benchmark
    public long connection() throws IOException {
        addAll(gather, header, ram);
        near.write(gather);
        return near.bytesWritten();
    }

    @Benchmark
    public long channels() throws IOException {
        for (ByteBuffer buffer : buffers) {
            buffer.clear();
        }
        long written = 0;
        while (written < BATCH) {
            written += nearChannel.write(buffers);
        }
        return written;
    }

    @Benchmark
    public MemorySegment copy() {
        for (long at = 0; at < ram.byteSize(); at += 2 * PAGE) {
            MemorySegment.copy(ram, at, far, at, PAGE);
        }
        return far;
    }
}
