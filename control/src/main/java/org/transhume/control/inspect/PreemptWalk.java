package org.transhume.control.inspect;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.transhume.channels.qemu.BlockEntry;
import org.transhume.channels.qemu.CorruptStreamException;
import org.transhume.channels.qemu.PageRecordReader;
import org.transhume.channels.qemu.PageVisitor;
import org.transhume.channels.qemu.StreamReader;
import org.transhume.memory.PageSize;

/** Walks through the channel of a postcopy's urgent pages. */
final class PreemptWalk implements PageVisitor {
    private final List<BlockEntry> blocks;
    private final List<PageCounts> pages;

    /** @param blocks as the main stream lists them */
    PreemptWalk(List<BlockEntry> blocks) {
        this.blocks = blocks;
        this.pages = blocks.stream().map(_ -> new PageCounts()).toList();
    }

    StreamSummary walk(Path file, StreamReader in) throws IOException {
        String error = null;
        try {
            new PageRecordReader(in, blocks).read(this);
        } catch (CorruptStreamException e) {
            error = e.getMessage();
        }
        List<StreamSummary.Block> counted = new ArrayList<>();
        for (int i = 0; i < blocks.size(); i++) {
            if (pages.get(i).normal + pages.get(i).zero > 0) {
                counted.add(pages.get(i).of(blocks.get(i).name(), blocks.get(i).length()));
            }
        }
        return StreamSummary.ofPages(file, CaptureKind.PREEMPT.channel, in.offset(), List.of(), 0, counted, error);
    }

    @Override
    public void page(int block, long offset, StreamReader in) throws IOException {
        int _ = in.take(PageSize.BYTES);
        pages.get(block).normal++;
    }

    @Override
    public void zeroPage(int block, long offset) {
        pages.get(block).zero++;
    }
}
