package org.transhume.benchmarks.peer;

import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * The RAM of a guest in another process, private memory that is found among its mappings by its size. It is written through
 * the process' own mapping, as the guest would write it.
 */
public final class GuestRam implements AutoCloseable {
    private static final int PIECE = 4 << 20;
    /** A heap of the same size is none of the guest's; the kernel maps what may be anywhere far above. */
    private static final long ABOVE_JAVA_HEAPS = 1L << 42;

    private static final Duration WRITE_LIMIT = Duration.ofSeconds(10);

    private final ProcessMapping mapping;
    private final FileChannel memory;

    private GuestRam(ProcessMapping mapping, FileChannel memory) {
        this.mapping = mapping;
        this.memory = memory;
    }

    /** @throws IOException if no mapping of {@code process} has {@code bytes} */
    public static GuestRam of(MeasuredProcess process, long bytes) throws IOException {
        Path proc = Path.of("/proc", Long.toString(process.pid()));
        List<ProcessMapping> all = mappings(proc);
        ProcessMapping mapping = joined(all, bytes).stream()
                .filter(m -> m.inode() == 0)
                .filter(m -> m.access().startsWith("rw-") && m.start() >= ABOVE_JAVA_HEAPS)
                .findFirst()
                .orElseThrow(() -> new IOException("%s: no mapping of %d bytes".formatted(proc, bytes)));
        return new GuestRam(mapping, FileChannel.open(proc.resolve("mem"), READ, WRITE));
    }

    private static List<ProcessMapping> mappings(Path proc) throws IOException {
        return Files.readAllLines(proc.resolve("maps")).stream()
                .map(ProcessMapping::parse)
                .toList();
    }

    /** Advice splits a mapping, and what lies beside it may look like a part: any parts in a row that come to {@code bytes}. */
    private static List<ProcessMapping> joined(List<ProcessMapping> parts, long bytes) {
        List<ProcessMapping> found = new ArrayList<>();
        for (int i = 0; i < parts.size(); i++) {
            ProcessMapping whole = parts.get(i);
            for (int next = i + 1;
                    whole.bytes() < bytes && next < parts.size() && whole.joins(parts.get(next));
                    next++) {
                whole = whole.with(parts.get(next));
            }
            if (whole.bytes() == bytes) {
                found.add(whole);
            }
        }
        return found;
    }

    public long bytes() {
        return mapping.bytes();
    }

    boolean covers(ProcessMapping other) {
        return other.start() >= mapping.start() && other.end() <= mapping.end();
    }

    /** Writes what {@code bytes} has left. */
    public void write(long at, ByteBuffer bytes) throws IOException {
        long address = mapping.start() + at;
        while (bytes.hasRemaining()) {
            address += memory.write(bytes, address);
        }
    }

    /**
     * Waits until the guest writes to the {@code bytes} at {@code at}.
     *
     * @throws IOException if it does not within ten seconds
     */
    public void awaitWrite(long at, long bytes) throws IOException {
        ByteBuffer before = ByteBuffer.allocateDirect((int) Math.min(PIECE, bytes));
        ByteBuffer now = ByteBuffer.allocateDirect(before.capacity());
        read(at, before);
        long deadline = System.nanoTime() + WRITE_LIMIT.toNanos();
        do {
            if (System.nanoTime() > deadline) {
                throw new IOException("nobody has written to %d bytes of RAM at %d within %s"
                        .formatted(before.limit(), at, WRITE_LIMIT));
            }
            read(at, now);
        } while (now.mismatch(before) < 0);
    }

    /** The first byte in which the two differ; -1: they are equal. */
    public long mismatch(GuestRam other) throws IOException {
        ByteBuffer here = ByteBuffer.allocateDirect(PIECE);
        ByteBuffer there = ByteBuffer.allocateDirect(PIECE);
        for (long at = 0; at < bytes(); at += PIECE) {
            read(at, here);
            other.read(at, there);
            int different = here.mismatch(there);
            if (different >= 0) {
                return at + different;
            }
        }
        return -1;
    }

    private void read(long at, ByteBuffer into) throws IOException {
        into.clear().limit((int) Math.min(into.capacity(), bytes() - at));
        while (into.hasRemaining()) {
            long from = at + into.position();
            int read = memory.read(into, mapping.start() + from);
            if (read < 0) {
                throw new EOFException("RAM ends at " + from + ", expected " + bytes());
            }
        }
        into.flip();
    }

    @Override
    public void close() throws IOException {
        memory.close();
    }
}
