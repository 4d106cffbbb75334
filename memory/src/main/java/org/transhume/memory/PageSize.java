package org.transhume.memory;

/**
 * The unit in which memory is tracked and sent.
 *
 * @param bytes a power of two
 */
public record PageSize(int bytes) {
    /** Bytes in a page of the guests we move (x86-64). */
    public static final int BYTES = 4096;

    /** {@link #BYTES} as a value. */
    public static final PageSize TARGET = new PageSize(BYTES);

    static final int SHIFT = 12;

    public PageSize {
        if (Integer.bitCount(bytes) != 1 || bytes < 0) {
            throw new IllegalArgumentException("page size %d: expected a power of two".formatted(bytes));
        }
    }

    /** Pages needed to hold {@code length} bytes, the last one possibly in part. */
    public long pagesIn(long length) {
        return Math.ceilDiv(length, bytes);
    }

    /** The start of the page that holds byte {@code offset}. */
    public long alignDown(long offset) {
        return offset & -bytes;
    }

    /** {@code offset}, or the start of the next page when it is not the start of one. */
    public long alignUp(long offset) {
        return (offset + bytes - 1) & -bytes;
    }

    /** Whether a page starts at {@code offset}. */
    public boolean isAligned(long offset) {
        return (offset & (bytes - 1)) == 0;
    }
}
