package org.transhume.engine;

/** Which pages are there already, while others still come. Any thread. */
@FunctionalInterface
public interface ArrivingPages {
    /**
     * Whether the page has come, so that nobody waits for the source if it is touched. Never true too early. One of zeroes may
     * have come without memory, which it gets when it is touched: Java code reads only where {@link
     * org.transhume.memory.RamBlock#populatedExtents} tells of memory, too.
     *
     * @param block number of the block in its {@link org.transhume.memory.GuestMemory}
     * @param offset any in the page, in bytes from the start of the block
     */
    boolean isThere(int block, long offset);
}
