package org.transhume.channels.qemu;

import java.io.IOException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Reads a channel that holds nothing but page records: the one for the pages that a postcopy's destination asked for (spec:
 * stream.md §8.4). No header, no sections. One thread at a time.
 */
public final class PageRecordReader {
    private final StreamReader in;
    private final PageRecords pages;
    private boolean ended;

    /** @param blocks as the main channel listed them */
    public PageRecordReader(StreamReader in, List<BlockEntry> blocks) {
        this.in = in;
        Map<String, Integer> blockByName = new HashMap<>();
        for (BlockEntry block : blocks) {
            blockByName.put(block.name(), blockByName.size());
        }
        this.pages = new PageRecords(in, blocks, blockByName);
    }

    /**
     * Reads the next record; blocks until it is there.
     *
     * @return false at the end: the peer closed the channel between two records, or said before that this is the last
     * @throws CorruptStreamException at anything but a page in full or zero
     */
    public boolean next(PageVisitor visitor) throws IOException {
        if (ended || in.atEnd()) {
            ended = true;
            return false;
        }
        long at = in.offset();
        long word = in.be64();
        int flags = (int) word & Wire.FLAGS;
        long offset = word & ~(long) Wire.FLAGS;
        switch (flags & ~Wire.CONTINUE) {
            case Wire.ZERO -> pages.zeroPage(at, flags, offset, visitor);
            case Wire.PAGE -> pages.page(at, flags, offset, visitor);
            case Wire.EOS -> {
                pages.expectAlone(at, flags);
                ended = true;
            }
            default ->
                throw in.corrupt(
                        at, "RAM flags 0x%x on a channel of pages, expected pages in full or zero".formatted(flags));
        }
        return !ended;
    }

    /** Reads up to the end of the channel, as {@link #next} tells it. */
    public void read(PageVisitor visitor) throws IOException {
        boolean more = true;
        while (more) {
            more = next(visitor);
        }
    }
}
