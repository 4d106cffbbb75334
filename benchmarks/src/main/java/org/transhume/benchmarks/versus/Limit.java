package org.transhume.benchmarks.versus;

import java.io.IOException;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.VectorSpecies;
import org.transhume.memory.PageSize;
import org.transhume.memory.RamBlock;

/** What this machine can do at all, on one core and without a migration: no side gets beyond it. */
enum Limit {
    READ("memory read"),
    COPY("memory copied"),
    TOUCH_PRIVATE("first touch of private memory"),
    TOUCH_HUGE("the same, huge pages allowed"),
    TOUCH_MEMFD("first touch of a memfd"),
    LOOPBACK("loopback TCP, 512 KiB a call");

    private static final int TURNS = 3;
    private static final int CALL = 512 << 10;
    private static final int MADV_HUGEPAGE = 14;
    private static final double GIB = 1L << 30;
    private static final int WARM_TURNS = 20;
    private static final long WARM_BYTES = 1 << 20;
    private static final long ALL_ONES = 0x0101010101010101L;
    private static final VectorSpecies<Long> SPECIES = LongVector.SPECIES_PREFERRED;

    private final String title;

    Limit(String title) {
        this.title = title;
    }

    String title() {
        return title;
    }

    /** GiB a second of each, in three turns over {@code bytes}, a multiple of 4 KiB. */
    static Map<Limit, Spread> measure(long bytes) throws IOException {
        Map<Limit, Spread> measured = new EnumMap<>(Limit.class);
        for (Limit limit : values()) {
            for (int i = 0; i < WARM_TURNS; i++) {
                double _ = limit.seconds(Math.min(bytes, WARM_BYTES)); // until it is compiled
            }
            List<Double> rates = new ArrayList<>();
            for (int i = 0; i < TURNS; i++) {
                rates.add(bytes / GIB / limit.seconds(bytes));
            }
            measured.put(limit, Spread.of(rates, Double::doubleValue));
        }
        return measured;
    }

    private double seconds(long bytes) throws IOException {
        return switch (this) {
            case READ -> {
                try (RamBlock block = RamBlock.anonymous(name(), bytes)) {
                    block.segment().fill((byte) 1);
                    yield timed(() -> read(block.segment()));
                }
            }
            case COPY -> {
                try (RamBlock from = RamBlock.anonymous(name(), bytes);
                        RamBlock to = RamBlock.anonymous(name(), bytes)) {
                    from.segment().fill((byte) 1);
                    to.segment().fill((byte) 2);
                    yield timed(() -> to.segment().copyFrom(from.segment()));
                }
            }
            case TOUCH_PRIVATE -> touch(RamBlock.anonymous(name(), bytes));
            case TOUCH_HUGE -> touch(hugePagesAllowed(RamBlock.anonymous(name(), bytes)));
            case TOUCH_MEMFD -> touch(RamBlock.memfd(name(), bytes));
            case LOOPBACK -> loopback(bytes);
        };
    }

    private static double timed(Runnable what) {
        long start = System.nanoTime();
        what.run();
        return (System.nanoTime() - start) / 1e9;
    }

    private static void read(MemorySegment ram) {
        LongVector all = LongVector.zero(SPECIES);
        for (long at = 0; at < ram.byteSize(); at += PageSize.BYTES) {
            for (long i = at; i < at + PageSize.BYTES; i += SPECIES.vectorByteSize()) {
                all = all.or(LongVector.fromMemorySegment(SPECIES, ram, i, ByteOrder.nativeOrder()));
            }
        }
        if (all.lane(0) != ALL_ONES) {
            throw new IllegalStateException("read %x, expected %x".formatted(all.lane(0), ALL_ONES));
        }
    }

    private static double touch(RamBlock block) {
        try (block) {
            MemorySegment ram = block.segment();
            return timed(() -> {
                for (long at = 0; at < ram.byteSize(); at += PageSize.BYTES) {
                    ram.set(ValueLayout.JAVA_BYTE, at, (byte) 1);
                }
            });
        }
    }

    private static RamBlock hugePagesAllowed(RamBlock block) {
        Linker linker = Linker.nativeLinker();
        MethodHandle madvise = linker.downcallHandle(
                linker.defaultLookup().findOrThrow("madvise"),
                FunctionDescriptor.of(
                        ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG, ValueLayout.JAVA_INT));
        try {
            // Where the kernel has none this is refused, and measures what there is then.
            int _ = (int) madvise.invokeExact(block.address(), block.segment().byteSize(), MADV_HUGEPAGE);
            return block;
        } catch (Throwable e) {
            block.close();
            throw new IllegalStateException(e);
        }
    }

    private static double loopback(long bytes) throws IOException {
        try (ServerSocketChannel server =
                ServerSocketChannel.open().bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))) {
            CompletableFuture<Void> read = new CompletableFuture<>();
            long start = System.nanoTime();
            Thread.ofPlatform().daemon().name("loopback").start(() -> {
                try (SocketChannel in = server.accept()) {
                    ByteBuffer into = ByteBuffer.allocateDirect(CALL);
                    while (in.read(into) >= 0) {
                        into.clear();
                    }
                    read.complete(null);
                } catch (IOException e) {
                    read.completeExceptionally(e);
                }
            });
            try (SocketChannel out = SocketChannel.open(server.getLocalAddress())) {
                ByteBuffer from = ByteBuffer.allocateDirect(CALL);
                for (long left = bytes; left > 0; left -= out.write(from)) {
                    from.position(0).limit((int) Math.min(CALL, left));
                }
            }
            read.join();
            return (System.nanoTime() - start) / 1e9;
        }
    }
}
