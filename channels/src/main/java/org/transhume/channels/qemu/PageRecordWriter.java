package org.transhume.channels.qemu;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * Writes page records to a channel of their own, or among the records of the main stream (spec: stream.md §2.3, §8.4). One
 * thread at a time; nothing is sent before {@link #flush}, or before a buffer is full.
 */
public final class PageRecordWriter implements AutoCloseable {
    private final StreamWriter out;
    private final List<BlockEntry> blocks;
    private int lastBlock = -1;

    /** @param blocks as the main channel lists them */
    public PageRecordWriter(StreamWriter out, List<BlockEntry> blocks) {
        this.out = out;
        this.blocks = blocks;
    }

    /** Bytes accepted since the start, flushed or not. */
    public long offset() {
        return out.offset();
    }

    /** A page as it is in {@code ram} when the stream is flushed; borrowed until then. */
    public void page(int block, long offset, MemorySegment ram) throws IOException {
        record(Wire.PAGE, block, offset);
        out.borrowed(ram, offset, Wire.PAGE_BYTES);
    }

    /** A page whose 4096 bytes at {@code at} are taken at once. */
    public void pageCopy(int block, long offset, MemorySegment from, long at) throws IOException {
        record(Wire.PAGE, block, offset);
        out.copied(from, at, Wire.PAGE_BYTES);
    }

    public void zeroPage(int block, long offset) throws IOException {
        record(Wire.ZERO, block, offset);
        out.u8(0);
    }

    /** What a record about a page begins with. */
    void record(int kind, int block, long offset) throws IOException {
        if (block == lastBlock) {
            out.be64(offset | kind | Wire.CONTINUE);
        } else {
            out.be64(offset | kind).str8(blocks.get(block).name());
            lastBlock = block;
        }
    }

    /** The next record names its block, whatever the one before was. */
    void nameBlock() {
        lastBlock = -1;
    }

    /** Of the record before; -1 if there is none. */
    int lastBlock() {
        return lastBlock;
    }

    /** Says that no page follows. QEMU up to 7.2 needs it at the end of a channel, later ones only the end itself. */
    public void eos() throws IOException {
        out.be64(Wire.EOS);
    }

    public void flush() throws IOException {
        out.flush();
    }

    @Override
    public void close() {
        out.close();
    }
}
