package org.transhume.engine.digest;

import java.lang.foreign.MemorySegment;
import org.transhume.codec.PageHash;
import org.transhume.memory.PageSize;

/**
 * Records the versions of pages that one thread sends or loads. A new version replaces the one before. Sums are added up here
 * as long as pages stay in one group, and handed on by {@link #flush}. Nothing is allocated.
 *
 * <p>A page of a running guest may be written between its hash and its sending, or during either. Its mark was cleared before,
 * so it is marked again and comes again: only versions that nobody wrote to stay in the digest.
 */
public final class PageRecorder {
    private final RamDigest digest;
    private int block = -1;
    private long group = -1;
    private long first;
    private long second;
    private long versions;

    /** @param digest null: nothing is recorded */
    public PageRecorder(RamDigest digest) {
        this.digest = digest;
        if (digest != null) {
            PageHash.prepare();
        }
    }

    /** The page as it stands in RAM. */
    public void inPlace(int block, long offset) {
        if (digest != null) {
            record(block, offset, digest.hash(block, offset));
            versions++;
        }
    }

    /** A page whose bytes are at {@code at}, in memory of ours. */
    public void copy(int block, long offset, MemorySegment bytes, long at) {
        if (digest != null) {
            record(block, offset, PageHash.of(bytes, at));
            versions++;
        }
    }

    /** A page that is zero now. */
    public void zero(int block, long offset) {
        if (digest != null) {
            record(block, offset, 0);
        }
    }

    private void record(int block, long offset, long hash) {
        long page = offset / PageSize.BYTES;
        long of = page / RamDigest.GROUP_PAGES;
        if (of != group || block != this.block) {
            flush();
            this.block = block;
            group = of;
        }
        long grown = digest.replace(block, page, hash);
        first += grown;
        second += grown * (page % RamDigest.GROUP_PAGES + 1);
    }

    /** Hands on what was recorded: at the end of a batch, and before anybody looks at the sums. */
    public void flush() {
        if ((first | second | versions) != 0) {
            digest.add(block, group, first, second, versions);
            first = 0;
            second = 0;
            versions = 0;
        }
    }
}
