package org.transhume.memory;

import java.util.ArrayList;
import java.util.List;

/**
 * Lets several users ask one dirty source, each as if it were alone: what one of them harvests is kept for the others. The
 * source itself stays its owner's to close.
 *
 * <pre>
 *   DirtySource ◄── SharedSource ◄── view of the migration
 *                                ◄── view of whoever measures the dirty rate
 * </pre>
 */
public final class SharedSource {
    private final GuestMemory memory;
    private final DirtySource source;
    private final List<View> started = new ArrayList<>(); // guarded by this

    public SharedSource(GuestMemory memory, DirtySource source) {
        this.memory = memory;
        this.source = source;
    }

    /** A user's own source, for one thread at a time. Its close leaves the others alone. */
    public DirtySource view() {
        return new View();
    }

    private final class View implements DirtySource {
        /** Harvested by others, or restored; a block's is made when there is something. Guarded by the shared source. */
        private final DirtyBitmap[] kept = new DirtyBitmap[memory.blocks().size()];

        @Override
        public String name() {
            return source.name();
        }

        @Override
        public String cost() {
            return source.cost();
        }

        @Override
        public void start() {
            synchronized (SharedSource.this) {
                if (started.contains(this)) {
                    throw new IllegalStateException(name() + " was started already; stop it first");
                }
                if (started.isEmpty()) {
                    source.start();
                }
                started.add(this);
            }
        }

        @Override
        public long harvest(int block, DirtyBitmap into) {
            synchronized (SharedSource.this) {
                if (!started.contains(this)) {
                    throw new IllegalStateException(name() + " is not started");
                }
                long told = kept[block] == null ? 0 : kept[block].harvest(into::markRange);
                return told + (started.size() == 1 ? source.harvest(block, into) : harvestForAll(block, into));
            }
        }

        private long harvestForAll(int block, DirtyBitmap into) {
            try (DirtyBitmap found = new DirtyBitmap(into.pages())) {
                long told = source.harvest(block, found);
                for (View view : started) {
                    if (view != this) {
                        view.keep(block, found);
                    }
                }
                into.merge(found);
                return told;
            }
        }

        private void keep(int block, DirtyBitmap pages) {
            if (kept[block] == null) {
                kept[block] = new DirtyBitmap(pages.pages());
            }
            kept[block].merge(pages);
        }

        @Override
        public void restore(int block, DirtyBitmap unconfirmed) {
            synchronized (SharedSource.this) {
                keep(block, unconfirmed);
            }
        }

        @Override
        public void stop() {
            synchronized (SharedSource.this) {
                if (started.remove(this) && started.isEmpty()) {
                    source.stop();
                }
            }
        }

        @Override
        public void close() {
            synchronized (SharedSource.this) {
                stop();
                for (int block = 0; block < kept.length; block++) {
                    if (kept[block] != null) {
                        kept[block].close();
                        kept[block] = null;
                    }
                }
            }
        }
    }
}
