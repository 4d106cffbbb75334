package org.transhume.engine.incoming;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.transhume.channels.qemu.BlockEntry;
import org.transhume.engine.MigrationException;
import org.transhume.engine.digest.PageRecorder;
import org.transhume.engine.digest.RamDigest;
import org.transhume.memory.GuestMemory;
import org.transhume.memory.PageSize;
import org.transhume.memory.RamBlock;

/**
 * The RAM that a migration fills, and which of its pages have come. Written by all channels at once: pages of one epoch are
 * never the same on two of them. Offsets must have been checked.
 */
final class LoadedRam implements AutoCloseable {
    private final List<BlockEntry> blocks;
    private final Map<String, Integer> byName = new HashMap<>();
    private final List<MemorySegment> segments = new ArrayList<>();
    private final List<ArrivedPages> arrived = new ArrayList<>();
    private final RamDigest digest;
    private final GuestMemory memory;
    private MemoryAhead ahead; // null: pages find their memory themselves

    /**
     * @param fresh whether nobody ever wrote to {@code memory}
     * @param digested whether what comes is held against a digest
     */
    LoadedRam(List<BlockEntry> blocks, GuestMemory memory, boolean fresh, boolean digested) {
        this.blocks = blocks;
        this.memory = memory;
        try {
            for (int i = 0; i < blocks.size(); i++) {
                RamBlock block = memory.blocks().get(i);
                byName.put(blocks.get(i).name(), i);
                segments.add(block.segment());
                arrived.add(new ArrivedPages(block, fresh));
            }
            digest = digested ? new RamDigest(memory) : null;
        } catch (Throwable t) {
            close();
            throw t;
        }
    }

    /** From here on memory is found before pages come; {@code name} is that of its thread. */
    void lookAhead(String name) {
        ahead = new MemoryAhead(this, name);
        ahead.start();
    }

    /** For the thread of one channel to tell what came; null if nobody wants to know. */
    MemoryAhead.Row row() {
        return ahead == null ? null : ahead.row();
    }

    /** @return null if there is no such block */
    Integer index(String name) {
        return byName.get(name);
    }

    BlockEntry block(int index) {
        return blocks.get(index);
    }

    MemorySegment segment(int index) {
        return segments.get(index);
    }

    /** Whether a version of the page with content came already. */
    boolean came(int block, long offset) {
        return arrived.get(block).hasContent(offset / PageSize.BYTES);
    }

    /** A page was put in its place. */
    void arrived(int block, long offset) {
        arrived.get(block).page(offset / PageSize.BYTES);
    }

    /** The blocks, in the order of the list. */
    List<BlockEntry> blocks() {
        return blocks;
    }

    GuestMemory memory() {
        return memory;
    }

    /** Whether the page came, in whatever form. */
    boolean isThere(int block, long offset) {
        return arrived.get(block).came(offset / PageSize.BYTES);
    }

    /** As {@link ArrivedPages#cameOf64}. */
    long cameOf64(int block, long firstPage) {
        return arrived.get(block).cameOf64(firstPage);
    }

    /** What came of a range is old: it is as if it never came, and its memory holds nothing. */
    void forget(int block, long offset, long length) {
        arrived.get(block).forget(offset / PageSize.BYTES, length / PageSize.BYTES);
        memory.blocks().get(block).discard(offset, length);
    }

    /** Memory of pages that did not come holds nothing from here on. */
    void discardTheRest() {
        for (int i = 0; i < blocks.size(); i++) {
            arrived.get(i).discardTheRest(memory.blocks().get(i));
        }
    }

    /** Pages of which nothing came. */
    long missingPages() {
        long sum = 0;
        for (ArrivedPages pages : arrived) {
            sum += pages.missing();
        }
        return sum;
    }

    /** A page was put in its place in memory that held nothing, and is zero. */
    void arrivedZero(int block, long offset) {
        arrived.get(block).placedZero(offset / PageSize.BYTES);
    }

    /** Null where none is kept. */
    RamDigest digest() {
        return digest;
    }

    /** For one thread. The first of a JVM waits until hashing is compiled. */
    PageRecorder recorder() {
        return new PageRecorder(digest);
    }

    /** A page is zero. Memory that is fresh and was not written since needs no touch, and stays unallocated. */
    void zero(int block, long offset, PageRecorder recorder) {
        ArrivedPages pages = arrived.get(block);
        if (pages.hasContent(offset / PageSize.BYTES)) { // else it counts as zero already
            recorder.zero(block, offset);
        }
        pages.zero(offset / PageSize.BYTES);
    }

    /** A whole range is zero. */
    void hole(int block, long offset, long length, PageRecorder recorder) {
        arrived.get(block)
                .hole(
                        offset / PageSize.BYTES,
                        length / PageSize.BYTES,
                        page -> recorder.zero(block, page * PageSize.BYTES));
    }

    /**
     * Refuses RAM of which pages are missing.
     *
     * @param sharedMayBeAbsent blocks without a single page are shared ones, which do not travel
     */
    void checkComplete(boolean sharedMayBeAbsent) {
        for (int i = 0; i < blocks.size(); i++) {
            ArrivedPages pages = arrived.get(i);
            long all = blocks.get(i).length() / PageSize.BYTES;
            long missing = pages.missing();
            if (missing > 0 && !(sharedMayBeAbsent && missing == all)) {
                throw new MigrationException(
                        "RAM is incomplete: %d of %d pages of block '%s' never came, the first at 0x%x; the source is broken"
                                .formatted(missing, all, blocks.get(i).name(), pages.firstMissing() * PageSize.BYTES));
            }
        }
    }

    @Override
    public void close() {
        if (ahead != null) {
            ahead.close();
        }
        if (digest != null) {
            digest.close();
        }
        arrived.forEach(ArrivedPages::close);
    }
}
