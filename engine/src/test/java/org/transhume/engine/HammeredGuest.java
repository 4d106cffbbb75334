package org.transhume.engine;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import org.transhume.channels.qemu.DeviceTail;
import org.transhume.engine.guest.SyntheticGuest;
import org.transhume.memory.DirtySource;
import org.transhume.memory.GuestMemory;
import org.transhume.memory.PageSize;
import org.transhume.memory.WriterMarks;

/**
 * A guest whose threads write a few hot pages as fast as they can, in every way that matters to whoever remembers what it
 * sent: some words, all bytes, zeroes, what was there at first, what is there already.
 */
final class HammeredGuest implements Guest {
    private static final int WRITERS = 2;

    private final SyntheticGuest guest;
    private final WriterMarks marks;
    private final MemorySegment ram;
    private final byte[] first;
    private final int hotPages;
    private final long seed;
    private final List<Thread> writers = new ArrayList<>();
    private final AtomicLong written = new AtomicLong();
    private volatile boolean stop;
    private int runs;

    /**
     * @param guest idle, with marks; the caller closes it
     * @param hotPages at the start of its RAM
     */
    HammeredGuest(SyntheticGuest guest, int hotPages, long seed) {
        this.guest = guest;
        this.marks = (WriterMarks) guest.dirtySource();
        this.ram = Guests.ram(guest);
        this.hotPages = hotPages;
        this.first = ram.asSlice(0, (long) hotPages * PageSize.BYTES).toArray(ValueLayout.JAVA_BYTE);
        this.seed = seed;
    }

    private void hammer(int writer) {
        Random random = new Random(seed * 31 + runs * 7L + writer);
        while (!stop) {
            write(random);
        }
    }

    /** One page, in one of the ways. */
    void write(Random random) {
        int page = random.nextInt(hotPages);
        int at = page * PageSize.BYTES;
        switch (random.nextInt(10)) {
            case 0 -> ram.asSlice(at, PageSize.BYTES).fill((byte) 0);
            case 1 -> {
                byte[] noise = new byte[PageSize.BYTES];
                random.nextBytes(noise);
                MemorySegment.copy(noise, 0, ram, ValueLayout.JAVA_BYTE, at, noise.length);
            }
            case 2 -> MemorySegment.copy(first, at, ram, ValueLayout.JAVA_BYTE, at, PageSize.BYTES);
            case 3 -> ram.set(ValueLayout.JAVA_BYTE, at, ram.get(ValueLayout.JAVA_BYTE, at));
            default -> {
                for (int i = random.nextInt(4); i >= 0; i--) {
                    ram.set(ValueLayout.JAVA_INT, at + 4L * random.nextInt(PageSize.BYTES / 4), random.nextInt());
                }
            }
        }
        marks.mark(0, page);
        written.incrementAndGet();
    }

    long written() {
        return written.get();
    }

    @Override
    public String machine() {
        return guest.machine();
    }

    @Override
    public GuestMemory memory() {
        return guest.memory();
    }

    @Override
    public DirtySource dirtySource() {
        return marks;
    }

    @Override
    public boolean running() {
        return guest.running();
    }

    @Override
    public void pause() {
        stop = true;
        writers.forEach(Threads::join);
        writers.clear();
        guest.pause();
    }

    @Override
    public void resume() {
        guest.resume();
        stop = false;
        runs++;
        for (int i = 0; i < WRITERS; i++) {
            int writer = i;
            writers.add(Thread.ofPlatform().daemon().name("vcpu " + i).start(() -> hammer(writer)));
        }
    }

    @Override
    public void throttle(int percent) {}

    @Override
    public DeviceTail saveDevices() {
        return guest.saveDevices();
    }
}
