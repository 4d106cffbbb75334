package org.transhume.memory;

import static org.transhume.memory.WordScan.WORD;

import java.lang.foreign.MemorySegment;

/**
 * Longs outside of the heap, all of them zero at first, so that a table over a huge sparse guest costs what is written of it.
 * Whoever shares it sees to the order of {@link #get} and {@link #set}; {@link #add} may come from many threads at once. An
 * index outside throws IndexOutOfBoundsException, any use after {@link #close} IllegalStateException. Whoever makes it closes
 * it.
 */
public final class LongTable implements AutoCloseable {
    private final Mapping mapping;
    private final MemorySegment words;

    /**
     * @param name for {@code /proc/PID/maps}
     * @param length at least 1
     */
    public LongTable(String name, long length) {
        if (length < 1) {
            throw new IllegalArgumentException("table %s of %d longs: expected at least 1".formatted(name, length));
        }
        this.mapping = Mapping.anonymous(name, Math.multiplyExact(length, Long.BYTES));
        this.words = mapping.segment();
    }

    public long length() {
        return words.byteSize() / Long.BYTES;
    }

    public long get(long index) {
        return (long) WORD.get(words, index * Long.BYTES);
    }

    public void set(long index, long value) {
        WORD.set(words, index * Long.BYTES, value);
    }

    /** Adds {@code value}, modulo 2^64, whoever else does so. */
    public void add(long index, long value) {
        // Order between threads comes from what they synchronize by before anybody reads; here only nothing may get
        // lost.
        long _ = (long) WORD.getAndAdd(words, index * Long.BYTES, value);
    }

    @Override
    public void close() {
        mapping.close();
    }
}
