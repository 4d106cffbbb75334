package org.transhume.memory;

/**
 * Says which pages were written since it was last asked. One for each migration and guest:
 *
 * <pre>
 *   start ─► harvest* ─► stop        and again, for the next try; then close
 * </pre>
 *
 * <p>{@code start}, {@code harvest}, {@code restore}, {@code stop} and {@code close} are called by one thread at a time;
 * writers need not know of it. Blocks are numbered as in {@link GuestMemory#blocks()}.
 */
public interface DirtySource extends AutoCloseable {
    /** The word by which it is asked for and reported, as {@code uffd-wp}. */
    String name();

    /** What it costs the writer and the scanner, in one line. */
    String cost();

    /** From when this returns, no write is missed; what was written before is the caller's to find. */
    void start();

    /**
     * Marks in {@code into} the pages of a block that were written since the last harvest, or since the start. A page
     * may be told too often, never too seldom. A write after this returns, or during it, is told now or next time.
     *
     * @return pages told
     */
    long harvest(int block, DirtyBitmap into);

    /**
     * Takes back pages that were harvested but did not reach the other side: the next harvest tells them again, also
     * when there is a stop and a start in between.
     *
     * @param unconfirmed stays as it is
     */
    void restore(int block, DirtyBitmap unconfirmed);

    /** Sets the writers free. Keeps what was restored. Harmless when not started. */
    void stop();

    /** Stops, and gives everything back. */
    @Override
    void close();
}
