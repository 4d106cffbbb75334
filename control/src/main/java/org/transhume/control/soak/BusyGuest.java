package org.transhume.control.soak;

import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.concurrent.locks.LockSupport;
import org.transhume.channels.qemu.DeviceTail;
import org.transhume.engine.Guest;
import org.transhume.engine.VcpuRings;
import org.transhume.engine.guest.SyntheticGuest;
import org.transhume.memory.DirtyBitmap;
import org.transhume.memory.DirtySource;
import org.transhume.memory.DirtySources;
import org.transhume.memory.GuestMemory;
import org.transhume.memory.PageSize;
import org.transhume.memory.RamBlock;
import org.transhume.memory.WriterMarks;

/**
 * The guest that leaves: a synthetic one whose threads write its first block, and one thread more that writes pages of all of them.
 * Tells an {@link Ownership} when it may run.
 */
final class BusyGuest implements Guest, AutoCloseable {
    private static final int STRETCH = 16;
    private static final int SPARSE_PAGES = 64;
    private static final long SCRIBBLE_NANOS = 1_000_000;

    private final SyntheticGuest guest;
    private final GuestMemory memory;
    private final DirtySource dirty;
    private final Ownership ownership;
    private final boolean keepsCopy;
    private final SplittableRandom random;
    private final Set<List<Long>> writtenOnTheWay = new ConcurrentSkipListSet<>((a, b) -> a.equals(b)
            ? 0
            : a.get(0).equals(b.get(0)) ? Long.compare(a.get(1), b.get(1)) : Long.compare(a.get(0), b.get(0)));
    private Scribbler scribbler; // guarded by this
    private List<RamBlock> copy = List.of();

    /**
     * Filled, and stopped.
     *
     * @param keepsCopy whether its RAM at the stop is wanted later though the migration may give it back: {@code release-ram}
     */
    BusyGuest(GuestShape shape, UUID uuid, long seed, Ownership ownership, boolean keepsCopy) {
        this.memory = shape.memory();
        this.ownership = ownership;
        this.keepsCopy = keepsCopy;
        this.random = new SplittableRandom(seed);
        this.dirty = DirtySources.named(shape.dirtySource(), memory);
        this.guest = new SyntheticGuest(shape.machine(), memory, dirty, shape.workload(), true, uuid);
        guest.fill();
        for (int i = 0; i < memory.blocks().size(); i++) {
            fill(memory.blocks().get(i), shape.blocks().get(i).filledPercent());
        }
    }

    private void fill(RamBlock block, int percent) {
        if (percent == 0) {
            for (int i = 0; i < Math.min(SPARSE_PAGES, block.pages()); i++) {
                fill(block, random.nextLong(block.pages()), 1, 2);
            }
            return;
        }
        for (long page = 0; page < block.pages(); page += STRETCH) {
            if (random.nextInt(100) < percent) {
                fill(block, page, Math.min(STRETCH, block.pages() - page), random.nextInt(4));
            }
        }
    }

    /** @param content 0: written zeroes; 1: a word a page; 2: noise; 3: what compresses */
    private void fill(RamBlock block, long page, long pages, int content) {
        long at = page * PageSize.BYTES;
        long length = pages * PageSize.BYTES;
        if (content == 0) {
            block.segment().asSlice(at, length).fill((byte) 0);
            return;
        }
        long step = content == 1 ? PageSize.BYTES : Long.BYTES;
        for (long offset = at; offset < at + length; offset += step) {
            long word = content == 3 ? offset / 256 : random.nextLong();
            block.segment().set(ValueLayout.JAVA_LONG, offset, word);
        }
    }

    /** Writes one page, and remembers that it did; only while a migration asks the dirty source, and the guest runs. */
    synchronized void writeOnTheWay() {
        if (scribbler != null && dirty instanceof WriterMarks) {
            int block = random.nextInt(memory.blocks().size());
            long page = random.nextLong(memory.blocks().get(block).pages());
            write(block, page, page);
            writtenOnTheWay.add(List.of((long) block, page));
        }
    }

    /**
     * Of the pages that were {@linkplain #writeOnTheWay written on the way}, those that the dirty source does not tell when it is
     * started again. The guest stands.
     */
    Set<List<Long>> forgotten() {
        Set<List<Long>> forgotten = new TreeSet<>(((ConcurrentSkipListSet<List<Long>>) writtenOnTheWay).comparator());
        forgotten.addAll(writtenOnTheWay);
        if (forgotten.isEmpty()) {
            return forgotten;
        }
        dirty.start();
        for (int i = 0; i < memory.blocks().size(); i++) {
            long block = i;
            try (DirtyBitmap told = new DirtyBitmap(memory.blocks().get(i).pages())) {
                dirty.harvest(i, told);
                dirty.restore(i, told);
                forgotten.removeIf(page -> page.get(0) == block && told.isMarked(page.get(1)));
            }
        }
        dirty.stop();
        return forgotten;
    }

    private void write(int block, long page, long word) {
        memory.blocks().get(block).segment().set(ValueLayout.JAVA_LONG, page * PageSize.BYTES, word);
        if (dirty instanceof WriterMarks marks) {
            marks.mark(block, page);
        }
    }

    /** Whether its threads really write, if they have to. */
    boolean awaitWrites(long millis) {
        long written = guest.pagesWritten();
        long deadline = System.nanoTime() + millis * 1_000_000;
        while (guest.pagesWritten() == written) {
            if (System.nanoTime() - deadline >= 0) {
                return false;
            }
            LockSupport.parkNanos(1_000_000);
        }
        return true;
    }

    /** What it held when it stopped, block by block. */
    List<RamBlock> frozen() {
        return copy.isEmpty() ? memory.blocks() : copy;
    }

    @Override
    public synchronized void pause() {
        guest.pause();
        if (scribbler != null) {
            scribbler.end();
            scribbler = null;
        }
        ownership.source(false); // behind: until then it may have run
    }

    @Override
    public synchronized void resume() {
        ownership.source(true);
        if (scribbler == null) {
            scribbler = new Scribbler(random.split());
        }
        guest.resume();
    }

    @Override
    public DeviceTail saveDevices() {
        if (keepsCopy) {
            keepCopy();
        }
        return guest.saveDevices();
    }

    private void keepCopy() {
        copy.forEach(RamBlock::close);
        List<RamBlock> kept = new ArrayList<>();
        for (RamBlock block : memory.blocks()) {
            RamBlock twin = RamBlock.anonymous(block.name(), block.size());
            block.populatedExtents((offset, length) -> twin.segment()
                    .asSlice(offset, length)
                    .copyFrom(block.segment().asSlice(offset, length)));
            kept.add(twin);
        }
        copy = kept;
    }

    @Override
    public UUID uuid() {
        return guest.uuid();
    }

    @Override
    public String machine() {
        return guest.machine();
    }

    @Override
    public GuestMemory memory() {
        return memory;
    }

    @Override
    public DirtySource dirtySource() {
        return dirty;
    }

    @Override
    public boolean running() {
        return guest.running();
    }

    @Override
    public void throttle(int percent) {
        guest.throttle(percent);
    }

    @Override
    public Optional<VcpuRings> vcpuRings() {
        return guest.vcpuRings();
    }

    @Override
    public long rehearseDevices() {
        return guest.rehearseDevices();
    }

    @Override
    public void close() {
        pause();
        copy.forEach(RamBlock::close);
        guest.close();
    }

    /** Writes a page of any block every millisecond. */
    private final class Scribbler {
        private final SplittableRandom pages;
        private final Thread thread;
        private volatile boolean end;

        Scribbler(SplittableRandom pages) {
            this.pages = pages;
            this.thread = Thread.ofPlatform().daemon().name("soak scribbler").start(this::scribble);
        }

        private void scribble() {
            while (!end) {
                int block = pages.nextInt(memory.blocks().size());
                write(block, pages.nextLong(memory.blocks().get(block).pages()), pages.nextLong());
                LockSupport.parkNanos(SCRIBBLE_NANOS);
            }
        }

        void end() {
            end = true;
            boolean interrupted = false;
            while (thread.isAlive()) {
                try {
                    thread.join();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
