package org.transhume.engine.simulation;

import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.List;
import java.util.Random;
import java.util.random.RandomGenerator;
import org.transhume.channels.qemu.DeviceTail;
import org.transhume.engine.DeviceSections;
import org.transhume.engine.Guest;
import org.transhume.memory.DirtyBitmap;
import org.transhume.memory.DirtySource;
import org.transhume.memory.GuestMemory;

/**
 * A guest whose writes are only counted: every page has a version, which grows with virtual time as the world says. Its
 * memory never changes and is lent.
 */
final class SimulatedGuest implements Guest, AutoCloseable {
    private static final double NANOS_PER_SECOND = 1e9;
    private static final double NANOS_PER_MILLI = 1e6;
    private static final long BURST_NANOS = 500_000_000;

    private final World world;
    private final GuestMemory memory;
    private VirtualClock clock;
    private final RandomGenerator random;
    private final RandomGenerator costs;
    private final Source source = new Source();
    private final int[] versions = new int[World.PAGES];
    private final DirtyBitmap dirty = new DirtyBitmap(World.PAGES);
    private final DirtyBitmap unconfirmed = new DirtyBitmap(World.PAGES);
    private boolean tracked;
    private boolean running = true;
    private boolean saved;
    private long writtenUntil;
    private double due;
    private int sweep;
    private Runnable onHarvest = () -> {};

    SimulatedGuest(World world, GuestMemory memory) {
        this.world = world;
        this.memory = memory;
        this.random = new Random(world.seed());
        this.costs = new Random(world.seed() + 1);
    }

    /** Goes on in the time of {@code clock}. */
    void live(VirtualClock clock) {
        this.clock = clock;
        this.writtenUntil = clock.nanos();
    }

    /** Called on the migration's thread at each look at the dirty source. */
    void onHarvest(Runnable look) {
        onHarvest = look;
    }

    /** Lets it write until now. */
    void catchUp() {
        long now = clock.nanos();
        World.Writes writes = world.guest();
        double seconds = (now - writtenUntil) / NANOS_PER_SECOND;
        if (running) {
            boolean pausing = writes.pattern() == World.Pattern.BURSTS && now / BURST_NANOS % 2 == 1;
            due += pausing ? 0 : seconds * writes.pagesPerSecond();
        }
        writtenUntil = now;
        if (due > 6.0 * writes.workingSet()) {
            for (int page = 0; page < writes.workingSet(); page++) {
                write(page);
            }
            due = 0;
        }
        for (; due >= 1; due--) {
            write(
                    switch (writes.pattern()) {
                        case UNIFORM, BURSTS -> random.nextInt(writes.workingSet());
                        case HOT ->
                            random.nextInt(
                                    random.nextInt(10) < 9
                                            ? Math.max(1, writes.workingSet() / 10)
                                            : writes.workingSet());
                        case SWEEP -> sweep++ % writes.workingSet();
                    });
        }
    }

    private void write(int page) {
        versions[page]++;
        if (tracked) {
            dirty.mark(page);
        }
    }

    /** Pages that were harvested from it and reached nobody. */
    long unconfirmed() {
        return unconfirmed.count();
    }

    /** Gives its bitmaps back. */
    @Override
    public void close() {
        source.close();
    }

    int version(int page) {
        return versions[page];
    }

    /** Whether its devices are on their way: what was written then is all there is. */
    boolean saved() {
        return saved;
    }

    /** Whether somebody still asks for its writes. */
    boolean tracked() {
        return tracked;
    }

    @Override
    public String machine() {
        return "simulated-1.0";
    }

    @Override
    public GuestMemory memory() {
        return memory;
    }

    @Override
    public DirtySource dirtySource() {
        return source;
    }

    @Override
    public boolean running() {
        return running;
    }

    @Override
    public void pause() {
        clock.advance(world.trace().stop() * NANOS_PER_MILLI);
        catchUp();
        running = false;
    }

    @Override
    public void resume() {
        catchUp();
        running = true;
        saved = false;
    }

    @Override
    public void throttle(int percent) {}

    @Override
    public long rehearseDevices() {
        clock.advance(another().devices() * NANOS_PER_MILLI);
        return saveState().toBytes().length;
    }

    @Override
    public DeviceTail saveDevices() {
        clock.advance(world.trace().devices() * NANOS_PER_MILLI);
        saved = true;
        return saveState();
    }

    /** What was usual elsewhere may come before what came here. */
    private Trace another() {
        return world.others().get(costs.nextInt(world.others().size()));
    }

    private static DeviceTail saveState() {
        return new DeviceSections(List.of(new Nothing())).save();
    }

    /** A device of eight bytes. */
    private static final class Nothing implements DeviceSections.Device {
        @Override
        public String name() {
            return "nothing";
        }

        @Override
        public int version() {
            return 1;
        }

        @Override
        public void save(OutputStream out) throws IOException {
            new DataOutputStream(out).writeLong(0);
        }

        @Override
        public void load(InputStream in, int version) {}
    }

    private final class Source implements DirtySource {
        @Override
        public String name() {
            return "simulated";
        }

        @Override
        public String cost() {
            return "virtual time only";
        }

        @Override
        public void start() {
            catchUp();
            tracked = true;
        }

        @Override
        public long harvest(int block, DirtyBitmap into) {
            clock.advance((running ? another() : world.trace()).harvest() * NANOS_PER_MILLI);
            catchUp();
            onHarvest.run();
            unconfirmed.harvest(into::markRange);
            dirty.harvest(into::markRange);
            return into.count();
        }

        @Override
        public void restore(int block, DirtyBitmap bitmap) {
            unconfirmed.merge(bitmap);
        }

        @Override
        public void stop() {
            tracked = false;
            dirty.harvest((_, _) -> {});
        }

        @Override
        public void close() {
            dirty.close();
            unconfirmed.close();
        }
    }
}
