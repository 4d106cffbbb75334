package org.transhume.engine.outgoing;

import java.lang.foreign.MemorySegment;
import org.transhume.codec.delta.DeltaCache;
import org.transhume.codec.delta.XbzrleEncoder;
import org.transhume.memory.PageSize;

/**
 * Makes deltas of pages against what was sent before. Belongs to a lane. Works on a private copy of each page: whatever the
 * guest writes meanwhile, cache and wire have the same bytes.
 */
final class PageDeltas {
    private final SentPages sent;
    /** Made for the first page that travels again: the first of a JVM waits until it is compiled. */
    private XbzrleEncoder encoder;

    private DeltaCache cache;
    private long travelled;

    PageDeltas(SentPages sent) {
        this.sent = sent;
    }

    /**
     * Before the first page of a batch.
     *
     * @return whether its pages go through the cache: those that travel for the first time do not, nor does a last round
     *     before which nothing went through it, as a pause is no time to compile
     */
    boolean begin(PageBatch batch) {
        if (!batch.resent() || (encoder == null && batch.last)) {
            return false;
        }
        if (encoder == null) {
            encoder = new XbzrleEncoder();
        }
        cache = sent.cache();
        return true;
    }

    /**
     * Copies the page to {@code copy} and encodes it into {@code out}, which needs the room that {@link XbzrleEncoder} asks
     * for.
     *
     * @return as {@link DeltaCache#encode}; on MISS and OVERFLOW the copy is what must travel
     */
    int encode(PageBatch batch, long offset, MemorySegment copy, long copyAt, MemorySegment out, long at) {
        int length = look(batch, offset, copy, copyAt, out, at);
        switch (length) {
            case DeltaCache.MISS -> sent.counters.misses.increment();
            case DeltaCache.OVERFLOW -> {
                sent.counters.pages.increment();
                sent.counters.overflows.increment();
                sent.counters.bytes.add(PageSize.BYTES);
            }
            case DeltaCache.UNCHANGED -> {
                sent.counters.pages.increment();
                sent.counters.unchanged.increment();
            }
            default -> sent.counters.pages.increment();
        }
        return length;
    }

    /** As {@link #encode}, but counts nothing: whatever comes out, the copy is what must travel. */
    int look(PageBatch batch, long offset, MemorySegment copy, long copyAt, MemorySegment out, long at) {
        MemorySegment.copy(batch.ram, offset, copy, copyAt, PageSize.BYTES);
        return cache.encode(encoder, batch.page(offset), batch.round, copy, copyAt, !batch.last, out, at);
    }

    /** Deltas that travelled so far. */
    long travelled() {
        return travelled;
    }

    /** A delta travels, taking that much beside the page's address. */
    void sent(long bytes) {
        travelled++;
        sent.counters.bytes.add(bytes);
    }

    /** The delta is as long as its page, which travels in its place. */
    void noGain() {
        sent.counters.overflows.increment();
        sent.counters.bytes.add(PageSize.BYTES);
    }

    /** The page travels as zero. */
    void zero(PageBatch batch, long offset) {
        cache.zero(batch.page(offset), batch.round);
    }

    /** The page travels by other means. */
    void forget(PageBatch batch, long offset) {
        cache.forget(batch.page(offset));
    }
}
