package org.transhume.memory;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Counts the pages that each writer writes, as a hypervisor's dirty rings do for each virtual CPU.
 *
 * <pre>
 *   writer 0 ── wrote ──►  | page | page | ...  |        its ring: 4096 entries, 16 MiB of pages
 *   writer 1 ── wrote ──►  | page | ...         |
 *                                │
 *                          DirtyBitmap of each block     in somebody's ring now
 * </pre>
 *
 * <p>A page enters the ring of the writer that wrote it first, and not again until that ring was emptied: by its writer, when it
 * is full or after {@link #reap}. While nobody counts a write costs a look at one flag. Apart from any {@link DirtySource}: what
 * is counted here is not taken from a migration.
 */
public final class DirtyRings implements AutoCloseable {
    /** Pages that a ring holds; a power of two. */
    public static final int ENTRIES = 4096;

    private static final int SLOT = 128 / Long.BYTES; // not 64: the adjacent-line prefetcher pulls cache lines in pairs
    private static final int BLOCK_SHIFT = 48; // an entry holds its block above this; 2^48 pages are 2^60 bytes

    private static final VarHandle COUNT = MethodHandles.arrayElementVarHandle(long[].class);
    private static final VarHandle USERS;
    private static final VarHandle REAPS;

    static {
        try {
            USERS = MethodHandles.lookup().findVarHandle(DirtyRings.class, "users", int.class);
            REAPS = MethodHandles.lookup().findVarHandle(DirtyRings.class, "reaps", int.class);
        } catch (ReflectiveOperationException impossible) {
            throw new ExceptionInInitializerError(impossible);
        }
    }

    private final DirtyBitmap[] inRing;
    private final Ring[] rings;
    private final long[] counts; // one writer a slot

    @SuppressWarnings("unused") // by USERS
    private int users;

    @SuppressWarnings("unused") // by REAPS
    private int reaps;

    /** @param writers at least 1; each number belongs to one thread at a time */
    public DirtyRings(GuestMemory memory, int writers) {
        inRing = new DirtyBitmap[memory.blocks().size()];
        rings = new Ring[writers];
        counts = new long[(writers + 1) * SLOT];
        try {
            for (int block = 0; block < inRing.length; block++) {
                inRing[block] = new DirtyBitmap(memory.blocks().get(block).pages());
            }
        } catch (Throwable thrown) {
            close();
            throw thrown;
        }
        for (int writer = 0; writer < writers; writer++) {
            rings[writer] = new Ring(writer);
        }
    }

    public int writers() {
        return rings.length;
    }

    /**
     * Notes that {@code page} of {@code block} was written. The thread of {@code writer} only.
     *
     * @return whether its ring was full, and is empty now
     */
    public boolean wrote(int writer, int block, long page) {
        return (int) USERS.getOpaque(this) != 0 && rings[writer].wrote(block, page);
    }

    /** Counts from when this returns until the last of the leases is closed. Any thread. */
    public Lease count() {
        reap(); // what the rings hold from an earlier time
        int _ = (int) USERS.getAndAdd(this, 1);
        AtomicBoolean open = new AtomicBoolean(true);
        return () -> {
            if (open.compareAndSet(true, false)) {
                int _ = (int) USERS.getAndAdd(this, -1);
            }
        };
    }

    /** Pages that entered the ring of {@code writer} since it was made. Any thread. */
    public long entered(int writer) {
        return (long) COUNT.getOpaque(counts, (writer + 1) * SLOT); // a figure: nothing is read on its strength
    }

    /** Has each writer empty its ring before its next write. Any thread. */
    public void reap() {
        int _ = (int) REAPS.getAndAdd(this, 1);
    }

    /** Frees the bitmaps; the writers have to stand. */
    @Override
    public void close() {
        for (DirtyBitmap bitmap : inRing) {
            if (bitmap != null) {
                bitmap.close();
            }
        }
    }

    private final class Ring {
        private final long[] entries = new long[ENTRIES];
        private final int count;
        private int used;
        private int reaped;

        Ring(int writer) {
            count = (writer + 1) * SLOT;
        }

        boolean wrote(int block, long page) {
            int asked = (int) REAPS.getOpaque(DirtyRings.this);
            if (asked != reaped) {
                reaped = asked;
                empty();
            }
            if (inRing[block].testAndMark(page)) {
                return false;
            }
            entries[used++] = (long) block << BLOCK_SHIFT | page;
            COUNT.setOpaque(counts, count, (long) COUNT.get(counts, count) + 1); // nobody else writes it
            if (used < ENTRIES) {
                return false;
            }
            empty();
            return true;
        }

        private void empty() {
            for (int i = 0; i < used; i++) {
                long page = entries[i] & (1L << BLOCK_SHIFT) - 1;
                inRing[(int) (entries[i] >>> BLOCK_SHIFT)].clearRange(page, 1);
            }
            used = 0;
        }
    }
}
