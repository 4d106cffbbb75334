package org.transhume.engine.outgoing;

import java.util.ArrayList;
import java.util.List;
import org.transhume.codec.delta.DeltaCache;
import org.transhume.engine.MigrationException;

/**
 * Copies of pages as the destination has them: the XBZRLE cache of one migration, which all its lanes share, with what they
 * count. The size may change while lanes work.
 */
final class SentPages implements AutoCloseable {
    final DeltaCounters counters;

    private volatile DeltaCache cache;
    private final List<DeltaCache> retired = new ArrayList<>(); // guarded by this
    private boolean closed; // guarded by this

    /** @param bytes a power of two of 4096 and up */
    SentPages(long bytes, DeltaCounters counters) {
        this.counters = counters;
        cache = allocate(bytes);
    }

    private static DeltaCache allocate(long bytes) {
        try {
            return DeltaCache.allocate(bytes);
        } catch (OutOfMemoryError e) {
            throw new MigrationException("Failed to allocate cache", e, false);
        }
    }

    /** The cache to use for one batch; the next batch asks again. */
    DeltaCache cache() {
        return cache;
    }

    /** Size of the cache. Any thread, also afterwards. */
    long bytes() {
        return cache.bytes();
    }

    /**
     * Goes on with an empty cache of another size. A lane may finish its batch with the old one: a page is in one batch of an
     * epoch only, so what it leaves there is never looked up again. Any thread.
     *
     * @throws MigrationException if there is no memory for it; the old cache stays
     */
    synchronized void resize(long bytes) {
        if (!closed && bytes != cache.bytes()) {
            DeltaCache old = cache;
            cache = allocate(bytes);
            retired.add(old);
        }
    }

    /** No lane is at work: caches of earlier sizes can go. */
    synchronized void freeRetired() {
        retired.forEach(DeltaCache::close);
        retired.clear();
    }

    /** Lanes have ended. */
    @Override
    public synchronized void close() {
        if (!closed) {
            closed = true;
            freeRetired();
            cache.close();
        }
    }
}
