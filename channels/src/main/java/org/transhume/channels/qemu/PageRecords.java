package org.transhume.channels.qemu;

import java.io.IOException;
import java.util.List;
import java.util.Map;

/**
 * The pages among the records of one channel (spec: stream.md §2.1, §2.3). Each names its block, or leaves it at that of the
 * page before; channels do not share what "before" is.
 */
final class PageRecords {
    private final StreamReader in;
    private final List<BlockEntry> blocks;
    private final Map<String, Integer> blockByName;
    private int lastBlock = -1;

    /** The list may still grow. */
    PageRecords(StreamReader in, List<BlockEntry> blocks, Map<String, Integer> blockByName) {
        this.in = in;
        this.blocks = blocks;
        this.blockByName = blockByName;
    }

    /** The next page has to name its block. */
    void forgetBlock() {
        lastBlock = -1;
    }

    void zeroPage(long at, int flags, long offset, PageVisitor visitor) throws IOException {
        int block = block(at, flags, offset);
        int value = in.u8();
        if (value != 0) {
            throw in.corrupt(at, "zero page with value %d, expected 0".formatted(value));
        }
        visitor.zeroPage(block, offset);
    }

    void page(long at, int flags, long offset, PageVisitor visitor) throws IOException {
        visitor.page(block(at, flags, offset), offset, in);
    }

    /** The block of the page that a record is about, and that is inside it. */
    int block(long at, int flags, long offset) throws IOException {
        int block = named(at, flags);
        if (offset < 0 || offset >= blocks.get(block).length()) {
            throw in.corrupt(
                    at,
                    "page at 0x%x of block '%s', expected below its length 0x%x"
                            .formatted(
                                    offset,
                                    blocks.get(block).name(),
                                    blocks.get(block).length()));
        }
        return block;
    }

    private int named(long at, int flags) throws IOException {
        if ((flags & Wire.CONTINUE) == 0) {
            String name = in.str8();
            Integer block = blockByName.get(name);
            if (block == null) {
                throw in.corrupt(at, "page of block '%s', which is not in the block list".formatted(name));
            }
            lastBlock = block;
        } else if (lastBlock < 0) {
            throw in.corrupt(at, "page of the same block as before, but no block was named yet");
        }
        return lastBlock;
    }

    /** A record that is not about a page cannot be about one of the same block. */
    void expectAlone(long at, int flags) {
        if ((flags & Wire.CONTINUE) != 0) {
            throw in.corrupt(at, "unknown combination of RAM flags 0x%x".formatted(flags));
        }
    }
}
