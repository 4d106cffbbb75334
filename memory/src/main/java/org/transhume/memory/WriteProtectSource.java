package org.transhume.memory;

import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Optional;

/**
 * Exact tracking of whatever this process writes, its system calls included, without a word in the writer: the kernel
 * write-protects the pages and notes which were written (userfaultfd in asynchronous mode with PAGEMAP_SCAN, Linux 6.7).
 *
 * <p>Only pages that exist are protected and scanned, so a sparse block costs what it holds and not what it spans. A
 * page that comes into being later is not protected and counts as written. It does not see what another process
 * writes to shared memory, nor that somebody gave pages back to the kernel: both need a mark of their own.
 */
public final class WriteProtectSource implements DirtySource {
    /** The name by which it is asked for. */
    public static final String NAME = "uffd-wp";

    static final String COST = "writer: 1 to 2 us for the first write to a page in each round;"
            + " scanner: 1 to 8 ms a round for each 4 GiB in use, and 2 MiB of page tables for each GiB in use";

    private final GuestMemory memory;
    private final Lease lease;
    private final Pagemap pagemap;
    private final Extents[] known; // of blocks with a descriptor: every page that is protected lies in one
    private final DirtyBitmap[] restored; // a block's is made when something is restored to it
    private WriteProtection protection; // null while stopped
    private boolean closed;

    public WriteProtectSource(GuestMemory memory) {
        this.memory = memory;
        this.known = new Extents[memory.blocks().size()];
        this.restored = new DirtyBitmap[memory.blocks().size()];
        this.lease = memory.lease(NAME);
        try {
            this.pagemap = new Pagemap();
        } catch (Throwable thrown) {
            lease.close();
            throw thrown;
        }
    }

    /** Why it does not work on this machine; empty if it does. Tried once, for real, on a few pages. */
    public static Optional<String> unavailable() {
        return Trial.REFUSAL;
    }

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public String cost() {
        return COST;
    }

    @Override
    public void start() {
        if (protection != null) {
            throw new IllegalStateException(NAME + " was started already; stop it first");
        }
        WriteProtection fresh = new WriteProtection();
        try {
            for (int index = 0; index < known.length; index++) {
                RamBlock block = memory.blocks().get(index);
                Extents listed = new Extents();
                known[index] = listed;
                if (block.writable()) {
                    fresh.register(block);
                    // After the registration: what comes into being behind this list is unprotected, thus "written".
                    block.populatedExtents((offset, length) -> {
                        fresh.protect(block, offset, length);
                        listed.add(offset, offset + length);
                    });
                }
            }
            protection = fresh;
        } catch (Throwable thrown) {
            fresh.close();
            throw thrown;
        }
    }

    @Override
    public long harvest(int index, DirtyBitmap into) {
        if (protection == null) {
            throw new IllegalStateException(NAME + " is not started");
        }
        RamBlock block = memory.blocks().get(index);
        long told = harvestRestored(index, into);
        if (!block.writable()) {
            return told;
        }
        if (block.fd() < 0) {
            // Empty stretches have no page tables to walk.
            return told
                    + pagemap.written(
                            block.address(), block.size(), false, (offset, length) -> mark(into, offset, length));
        }
        // List, then scan, and protect only what is scanned. A page that is born
        //   before its gap is listed    is scanned below, unprotected, so it is told, and protected in the same step;
        //   after that                  lies in a gap, unprotected, and is listed by the next harvest;
        //   and written on meanwhile    either faults on the protection, and the next scan tells it, or was not
        // protected yet.
        // In the pause nobody writes, so the last harvest leaves nothing for a next one.
        known[index] = block.populatedSince(known[index]);
        long[] found = {told};
        known[index].forEach((start, span) -> found[0] += pagemap.written(
                block.address() + start, span, true, (offset, length) -> mark(into, start + offset, length)));
        return found[0];
    }

    private static void mark(DirtyBitmap into, long offset, long length) {
        into.markRange(offset >>> PageSize.SHIFT, length >>> PageSize.SHIFT);
    }

    private long harvestRestored(int index, DirtyBitmap into) {
        return restored[index] == null ? 0 : restored[index].harvest(into::markRange);
    }

    @Override
    public void restore(int index, DirtyBitmap unconfirmed) {
        if (restored[index] == null) {
            restored[index] = new DirtyBitmap(memory.blocks().get(index).pages());
        }
        restored[index].merge(unconfirmed);
    }

    @Override
    public void stop() {
        if (protection != null) {
            protection.close();
            protection = null;
        }
    }

    @Override
    public void close() {
        stop();
        for (DirtyBitmap bitmap : restored) {
            if (bitmap != null) {
                bitmap.close();
            }
        }
        if (!closed) {
            closed = true;
            pagemap.close();
        }
        lease.close();
    }

    /** Tries it on both kinds of memory: a kernel may have the calls and still not do it. */
    private static final class Trial {
        static final Optional<String> REFUSAL = refusal();

        private static Optional<String> refusal() {
            try (GuestMemory memory = new GuestMemory(List.of(
                            RamBlock.memfd("trial-shared", 4 * PageSize.BYTES),
                            RamBlock.anonymous("trial-private", 4 * PageSize.BYTES)));
                    WriteProtectSource source = new WriteProtectSource(memory);
                    DirtyBitmap told = new DirtyBitmap(4)) {
                write(memory, 1);
                write(memory, 2);
                source.start();
                write(memory, 2);
                for (int block = 0; block < 2; block++) {
                    told.clear();
                    source.harvest(block, told);
                    if (told.isMarked(1) || !told.isMarked(2)) {
                        return Optional.of("the kernel write-protects, but does not tell the pages written");
                    }
                }
                return Optional.empty();
            } catch (SystemCallException | UnsupportedOperationException refused) {
                return Optional.of(refused.getMessage());
            }
        }

        private static void write(GuestMemory memory, long page) {
            for (RamBlock block : memory.blocks()) {
                block.segment().set(ValueLayout.JAVA_BYTE, page * PageSize.BYTES, (byte) 1);
            }
        }
    }
}
