package org.transhume.benchmarks.peer;

import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.transhume.memory.PageSize;

/**
 * The RAM of a guest in another process: private memory that is found among its mappings by its size, and as no child of that
 * process would inherit it, which is so of a QEMU's and of ours and of nothing that a JVM maps for itself. It is written
 * through the process' own mapping, as the guest would write it.
 */
public final class GuestRam implements AutoCloseable {
    private static final int PIECE = 4 << 20;
    private static final String FLAGS = "VmFlags:";
    private static final String NOT_INHERITED = "dc";

    private static final Duration WRITE_LIMIT = Duration.ofSeconds(10);

    /** Of an entry of a pagemap: the page is in memory, or in swap. */
    private static final long EXISTS = 3L << 62;

    private final ProcessMapping mapping;
    private final FileChannel memory;
    private final FileChannel pagemap;

    private GuestRam(ProcessMapping mapping, FileChannel memory, FileChannel pagemap) {
        this.mapping = mapping;
        this.memory = memory;
        this.pagemap = pagemap;
    }

    /** @throws IOException if no such mapping of {@code process} has {@code bytes} */
    public static GuestRam of(MeasuredProcess process, long bytes) throws IOException {
        Path proc = Path.of("/proc", Long.toString(process.pid()));
        List<ProcessMapping> all = mappings(proc);
        ProcessMapping mapping = joined(all, bytes).stream()
                .findFirst()
                .orElseThrow(() -> new IOException("%s: no mapping of %d bytes".formatted(proc, bytes)));
        FileChannel memory = FileChannel.open(proc.resolve("mem"), READ, WRITE);
        try {
            return new GuestRam(mapping, memory, FileChannel.open(proc.resolve("pagemap"), READ));
        } catch (IOException e) {
            memory.close();
            throw e;
        }
    }

    /** Private memory that no child would inherit. */
    private static List<ProcessMapping> mappings(Path proc) throws IOException {
        List<ProcessMapping> guests = new ArrayList<>();
        ProcessMapping last = null;
        for (String line : Files.readAllLines(proc.resolve("smaps"))) {
            if (line.startsWith(FLAGS)) {
                List<String> flags =
                        List.of(line.substring(FLAGS.length()).strip().split(" ", -1));
                if (last.inode() == 0 && last.access().startsWith("rw-") && flags.contains(NOT_INHERITED)) {
                    guests.add(last);
                }
            } else if (!Character.isUpperCase(line.charAt(0))) {
                last = ProcessMapping.parse(line);
            }
        }
        return guests;
    }

    /** Advice splits a mapping: any parts in a row that come to {@code bytes}. */
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

    /** Reads all that exists, so that the machine has it at hand as it has that of a guest that runs ({@link HostMemory}). */
    public void look() throws IOException {
        ByteBuffer piece = ByteBuffer.allocateDirect(PIECE);
        ByteBuffer entries = pagemapEntries();
        for (long at = 0; at < bytes(); at += PIECE) {
            if (exists(at, entries)) {
                read(at, piece);
            }
        }
    }

    /** The first byte in which the two differ; -1: they are equal. */
    public long mismatch(GuestRam other) throws IOException {
        ByteBuffer here = ByteBuffer.allocateDirect(PIECE);
        ByteBuffer there = ByteBuffer.allocateDirect(PIECE);
        ByteBuffer entries = pagemapEntries();
        for (long at = 0; at < bytes(); at += PIECE) {
            if (!exists(at, entries) && !other.exists(at, entries)) {
                continue; // neither was ever written
            }
            read(at, here);
            other.read(at, there);
            int different = here.mismatch(there);
            if (different >= 0) {
                return at + different;
            }
        }
        return -1;
    }

    private static ByteBuffer pagemapEntries() {
        return ByteBuffer.allocateDirect(PIECE / PageSize.BYTES * Long.BYTES).order(ByteOrder.nativeOrder());
    }

    /** Whether one of the pages of the piece at {@code at} does. */
    private boolean exists(long at, ByteBuffer entries) throws IOException {
        long pages = Math.min(PIECE, bytes() - at) / PageSize.BYTES;
        entries.clear().limit((int) pages * Long.BYTES);
        long from = (mapping.start() + at) / PageSize.BYTES * Long.BYTES;
        while (entries.hasRemaining()) {
            if (pagemap.read(entries, from + entries.position()) < 0) {
                throw new EOFException("the pagemap ends at %d of RAM".formatted(at));
            }
        }
        entries.flip();
        while (entries.hasRemaining()) {
            if ((entries.getLong() & EXISTS) != 0) {
                return true;
            }
        }
        return false;
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
        try (memory;
                pagemap) {}
    }
}
