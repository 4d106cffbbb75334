package org.transhume.codec.delta;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.util.concurrent.atomic.AtomicBoolean;
import net.openhft.chronicle.bytes.BytesStore;
import net.openhft.chronicle.core.io.BackgroundResourceReleaser;

/**
 * The sender's copies of pages as the receiver holds them (spec: stream.md §3.2), outside of the heap; one for all lanes.
 * <pre>
 *   slot = page mod slots     table  | 2 * (page + 1), or 0 if empty; bit 0: locked | round of the last use |   16 bytes a slot
 *                             pages  | 4096 bytes                                                           |   touched when used
 * </pre>
 * An entry belongs to one page at a time, and stays with it while it was used in this round or the one before.
 *
 * <p>Any number of threads may work on it at once. Two never work on the same page between two barriers of the stream, but
 * their pages may meet in a slot: it is locked for the length of a call. Once {@link #close} is called, nobody may use it.
 */
public final class DeltaCache implements AutoCloseable {
    /** The page is not here; it must travel whole, exactly as the bytes that were given. */
    public static final int MISS = -2;

    /** Its delta is longer than the page, which must travel whole, exactly as the bytes that were given. */
    public static final int OVERFLOW = XbzrleEncoder.OVERFLOW;

    /** It is as the receiver holds it: nothing need travel. */
    public static final int UNCHANGED = XbzrleEncoder.UNCHANGED;

    private static final VarHandle TAG = ValueLayout.JAVA_LONG.varHandle();
    private static final long LOCKED = 1;
    private static final long EMPTY = 0;
    private static final int SLOT = 16;
    private static final long ROUND = 8;
    private static final int SPINS = 64;

    private final BytesStore<?, ?> table;
    private final BytesStore<?, ?> store;
    private final MemorySegment slots;
    private final MemorySegment pages;
    private final long mask;
    private final AtomicBoolean closed = new AtomicBoolean();

    private DeltaCache(long bytes, BytesStore<?, ?> table, BytesStore<?, ?> store) {
        this.table = table;
        this.store = store;
        this.mask = bytes / Page.BYTES - 1;
        this.slots = aligned(table, Long.BYTES, (mask + 1) * SLOT);
        this.pages = aligned(store, Page.BYTES, bytes);
    }

    /** Pages at page boundaries: a vector across two cache lines costs twice. */
    private static MemorySegment aligned(BytesStore<?, ?> store, long boundary, long bytes) {
        long address = (store.addressForRead(0) + boundary - 1) & -boundary;
        return MemorySegment.ofAddress(address).reinterpret(bytes);
    }

    /**
     * An empty cache. Who allocates it closes it, after the last thread left it. The memory of a page's copy is first
     * touched when the page is.
     *
     * @param bytes of page copies, a power of two from 4096; the table takes 1/256 of it on top
     * @throws IllegalArgumentException if {@code bytes} is anything else
     * @throws OutOfMemoryError if the system does not give that much; nothing is left allocated
     */
    public static DeltaCache allocate(long bytes) {
        if (bytes < Page.BYTES || Long.bitCount(bytes) != 1) {
            throw new IllegalArgumentException(
                    "delta cache of %d bytes, expected a power of two from %d".formatted(bytes, Page.BYTES));
        }
        // Freed by whoever closes the cache.
        BytesStore<?, ?> store = BytesStore.lazyNativeBytesStoreWithFixedCapacity(bytes + Page.BYTES);
        try {
            BytesStore<?, ?> table = BytesStore.nativeStoreWithFixedCapacity(bytes / Page.BYTES * SLOT + Long.BYTES);
            table.zeroOut(0, table.capacity());
            return new DeltaCache(bytes, table, store);
        } catch (Throwable thrown) {
            store.releaseLast();
            throw thrown;
        }
    }

    /** Bytes of page copies it can hold. */
    public long bytes() {
        return pages.byteSize();
    }

    /**
     * Encodes a page as its difference from what the receiver holds, and remembers it as what the receiver will hold. On
     * {@link #MISS} and {@link #OVERFLOW} the caller sends the bytes at {@code at} themselves, on a length the delta.
     *
     * @param page number of the page in all of RAM
     * @param round counts the harvests of the dirty bitmap; never smaller than in an earlier call
     * @param fresh the page at {@code at}, private to the caller: what the guest writes meanwhile must not show
     * @param update false in the last stage: nothing is remembered any more. A page that must travel then loses its entry,
     *     so that it could be sent once more
     * @param out gets the delta at {@code outAt}; needs the room that {@link XbzrleEncoder#encode} does
     * @return MISS, OVERFLOW, UNCHANGED or the delta's length
     */
    public int encode(
            XbzrleEncoder encoder,
            long page,
            long round,
            MemorySegment fresh,
            long at,
            boolean update,
            MemorySegment out,
            long outAt) {
        long slot = page & mask;
        long own = tag(page);
        long found = lock(slot);
        long left = found;
        try {
            if (found == own) {
                int length = encoder.encode(pages, slot * Page.BYTES, fresh, at, out, outAt);
                if (update) {
                    used(slot, round);
                }
                if (length != UNCHANGED) {
                    // Empty until the copy is whole: should it fail, nothing half-written is found.
                    left = EMPTY;
                    if (update) {
                        put(slot, fresh, at);
                        left = own;
                    }
                }
                return length;
            }
            if (update && free(found, slot, round)) {
                left = EMPTY;
                put(slot, fresh, at);
                used(slot, round);
                left = own;
            }
            return MISS;
        } finally {
            unlock(slot, left);
        }
    }

    /**
     * The page is sent as zeroes: so is its entry from now on. It gets one if the slot is free.
     *
     * @param round as for {@link #encode}
     */
    public void zero(long page, long round) {
        long slot = page & mask;
        long own = tag(page);
        long found = lock(slot);
        long left = found;
        try {
            if (found == own || free(found, slot, round)) {
                pages.asSlice(slot * Page.BYTES, Page.BYTES).fill((byte) 0);
                used(slot, round);
                left = own;
            }
        } finally {
            unlock(slot, left);
        }
    }

    /** The page travels by other means: what is here of it is no longer what the receiver holds. */
    public void forget(long page) {
        long slot = page & mask;
        long found = lock(slot);
        unlock(slot, found == tag(page) ? EMPTY : found);
    }

    /** Frees the memory. The threads that used it have left it: nothing here checks that. */
    @Override
    public void close() {
        if (closed.compareAndSet(false, true)) {
            table.releaseLast();
            store.releaseLast();
            // Chronicle frees in a thread of its own: wait for it, so that the next cache finds the memory free.
            BackgroundResourceReleaser.releasePendingResources();
        }
    }

    private static long tag(long page) {
        return (page + 1) << 1;
    }

    /** Whether a page that is not in the slot may take it. */
    private boolean free(long found, long slot, long round) {
        return found == EMPTY || slots.get(ValueLayout.JAVA_LONG, slot * SLOT + ROUND) + 2 <= round;
    }

    private void used(long slot, long round) {
        slots.set(ValueLayout.JAVA_LONG, slot * SLOT + ROUND, round);
    }

    private void put(long slot, MemorySegment fresh, long at) {
        MemorySegment.copy(fresh, at, pages, slot * Page.BYTES, Page.BYTES);
    }

    /** Locks the slot and returns its tag. */
    @SuppressWarnings("ThreadPriorityCheck") // the yield is only to be kind
    private long lock(long slot) {
        for (int tries = 1; ; tries++) {
            long tag = (long) TAG.getOpaque(slots, slot * SLOT);
            // Acquire, pairs with the release in unlock: whoever has the slot sees the round and the copy of the page
            // as
            // its last owner left them.
            if ((tag & LOCKED) == 0 && TAG.weakCompareAndSetAcquire(slots, slot * SLOT, tag, tag | LOCKED)) {
                return tag;
            }
            if (tries % SPINS == 0) {
                Thread.yield(); // the owner may wait for this very processor
            } else {
                Thread.onSpinWait();
            }
        }
    }

    /** Leaves the slot to the page of {@code tag}. */
    private void unlock(long slot, long tag) {
        // Release, pairs with the acquire in lock.
        TAG.setRelease(slots, slot * SLOT, tag);
    }
}
