package org.transhume.benchmarks.pipeline;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;
import org.transhume.memory.DirtyBitmap;
import org.transhume.memory.DirtySource;
import org.transhume.memory.GuestMemory;
import org.transhume.memory.PageSize;

/** Writes a few words of every page whenever it is asked what was written, so many times a migration; then no more. */
final class HotPages implements DirtySource {
    private static final int WORDS_A_PAGE = 8;

    private final MemorySegment ram;
    private final int times;
    private final Random random = new Random(7);
    private int left;

    HotPages(GuestMemory memory, int times) {
        this.ram = memory.blocks().getFirst().segment();
        this.times = times;
    }

    /** From here on as at first. */
    void rewind() {
        left = times;
    }

    @Override
    public long harvest(int block, DirtyBitmap into) {
        if (left == 0) {
            return 0;
        }
        left--;
        long pages = ram.byteSize() / PageSize.BYTES;
        for (long page = 0; page < pages; page++) {
            for (int i = 0; i < WORDS_A_PAGE; i++) {
                long word = random.nextInt(PageSize.BYTES / Long.BYTES);
                ram.set(ValueLayout.JAVA_LONG, page * PageSize.BYTES + word * Long.BYTES, random.nextLong());
            }
        }
        into.markRange(0, pages);
        return pages;
    }

    @Override
    public String name() {
        return "hot";
    }

    @Override
    public String cost() {
        return "writes the pages it reports";
    }

    @Override
    public void start() {}

    @Override
    public void restore(int block, DirtyBitmap unconfirmed) {}

    @Override
    public void stop() {}

    @Override
    public void close() {}
}
