package org.transhume.channels;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Objects;

/**
 * A reusable array of pieces of memory (guest RAM, headers) that one system call gathers from or scatters to. Holds
 * addresses only: the caller keeps the memory alive until the vector was used or cleared. One thread at a time.
 */
public final class IoVector implements AutoCloseable {
    /** What the kernel takes in one call (IOV_MAX). */
    public static final int MAX_CAPACITY = 1024;

    // struct iovec { void *iov_base; size_t iov_len; }
    private static final long ENTRY = 16;
    private static final long LENGTH = 8;

    private final Arena arena = Arena.ofShared();
    private final MemorySegment entries;
    private final int capacity;
    private int head;
    private int tail;
    private long bytes;
    private boolean readOnly;

    /** @param capacity pieces, 1..{@value #MAX_CAPACITY} */
    public IoVector(int capacity) {
        if (capacity < 1 || capacity > MAX_CAPACITY) {
            throw new IllegalArgumentException("capacity " + capacity + " is outside 1.." + MAX_CAPACITY);
        }
        this.capacity = capacity;
        this.entries = arena.allocate(ENTRY * capacity, Long.BYTES);
    }

    /** Forgets every piece. */
    public void clear() {
        head = 0;
        tail = 0;
        bytes = 0;
        readOnly = false;
    }

    /**
     * Appends a piece of native memory, joining it to the previous one when they are neighbours.
     *
     * @return false, with nothing added, when the vector is full
     */
    public boolean add(MemorySegment s, long offset, long length) {
        long address = nativeAddress(s, offset, length);
        if (length == 0) {
            return true;
        }
        long last = (tail - 1) * ENTRY;
        if (tail > head && base(last) + length(last) == address) {
            entries.set(ValueLayout.JAVA_LONG, last + LENGTH, length(last) + length);
        } else if (tail == capacity) {
            return false;
        } else {
            set(tail++ * ENTRY, address, length);
        }
        bytes += length;
        readOnly |= s.isReadOnly();
        return true;
    }

    /** Pieces not yet used up. Neighbours count once. */
    public int size() {
        return tail - head;
    }

    /** Bytes not yet used up. */
    public long bytes() {
        return bytes;
    }

    /** The first piece that is not used up, for connections that are no descriptor. */
    public MemorySegment first() {
        if (size() == 0) {
            throw new IllegalStateException("the vector is empty");
        }
        return MemorySegment.ofAddress(base(head * ENTRY)).reinterpret(length(head * ENTRY));
    }

    /** Drops the first {@code n} bytes, 0..{@link #bytes()}: they are written, or filled. */
    public void advance(long n) {
        if (n < 0 || n > bytes) {
            throw new IllegalArgumentException("cannot advance by " + n + " of " + bytes + " bytes");
        }
        if (n == bytes) {
            clear();
            return;
        }
        bytes -= n;
        long left = n;
        while (left >= length(head * ENTRY)) {
            left -= length(head++ * ENTRY);
        }
        set(head * ENTRY, base(head * ENTRY) + left, length(head * ENTRY) - left);
    }

    /** Frees the array, not the memory it points to. */
    @Override
    public void close() {
        clear();
        if (arena.scope().isAlive()) {
            arena.close();
        }
    }

    /** Address of the first iovec that is not used up. */
    long address() {
        if (!arena.scope().isAlive()) {
            throw new IllegalStateException("the vector is closed");
        }
        return entries.address() + head * ENTRY;
    }

    /** Whether some piece must not be read into. */
    boolean readOnly() {
        return readOnly;
    }

    /** The address of a checked range of native memory. */
    static long nativeAddress(MemorySegment s, long offset, long length) {
        Objects.checkFromIndexSize(offset, length, s.byteSize());
        if (!s.isNative()) {
            throw new IllegalArgumentException("memory on the heap has no fixed address; use a native segment");
        }
        return s.address() + offset;
    }

    private long base(long entry) {
        return entries.get(ValueLayout.JAVA_LONG, entry);
    }

    private long length(long entry) {
        return entries.get(ValueLayout.JAVA_LONG, entry + LENGTH);
    }

    private void set(long entry, long base, long length) {
        entries.set(ValueLayout.JAVA_LONG, entry, base);
        entries.set(ValueLayout.JAVA_LONG, entry + LENGTH, length);
    }
}
