package org.transhume.engine.guest;

import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.transhume.channels.qemu.BlockEntry;
import org.transhume.channels.qemu.DeviceTail;
import org.transhume.engine.ArrivingPages;
import org.transhume.engine.Guest;
import org.transhume.engine.IncomingGuest;
import org.transhume.memory.DirtyBitmap;
import org.transhume.memory.DirtySource;
import org.transhume.memory.GuestMemory;
import org.transhume.memory.RamBlock;

/**
 * Holds a guest that came from somewhere, usually a QEMU: whatever blocks the stream lists, device state untouched. It never
 * runs, so it can be sent on as it is.
 */
public final class PassiveGuest implements Guest, IncomingGuest, AutoCloseable {
    private String machine;
    private GuestMemory memory;
    private DeviceTail devices = DeviceTail.EMPTY;
    private volatile UUID uuid; // told by any channel
    private final int touchRate;
    private final long touchSeed;
    private ArrivingPages arriving; // null: all of memory is there
    private volatile MissingPageReader reader;

    /** Nothing yet: waits to be filled by an incoming migration. */
    public PassiveGuest() {
        this(0, 0);
    }

    private PassiveGuest(int touchRate, long touchSeed) {
        this.touchRate = touchRate;
        this.touchSeed = touchSeed;
    }

    /**
     * As {@link #PassiveGuest()}, but where pages still come after its devices are loaded (postcopy) some that are missing are
     * read, as if it ran, so that they are asked for.
     *
     * @param pagesPerSecond at least 1; none while all who read wait for one
     * @param seed says which
     */
    public static PassiveGuest touching(int pagesPerSecond, long seed) {
        if (pagesPerSecond < 1) {
            throw new IllegalArgumentException(
                    "touching %d pages a second: expected 1 and up".formatted(pagesPerSecond));
        }
        return new PassiveGuest(pagesPerSecond, seed);
    }

    /**
     * As it was received before; owns {@code memory}.
     *
     * @param uuid null: its stream named none
     */
    public PassiveGuest(String machine, UUID uuid, GuestMemory memory, DeviceTail devices) {
        this(0, 0);
        this.machine = machine;
        this.uuid = uuid;
        this.memory = memory;
        this.devices = devices;
    }

    /** Any guest may come: {@link #uuid} is then what its stream said. */
    @Override
    public void identify(UUID uuid) {
        this.uuid = uuid;
    }

    @Override
    public UUID uuid() {
        return uuid;
    }

    @Override
    public GuestMemory accept(String machine, List<BlockEntry> blocks) {
        List<RamBlock> mapped = new ArrayList<>();
        try {
            for (BlockEntry block : blocks) {
                mapped.add(RamBlock.anonymous(block.name(), block.length()));
            }
        } catch (Throwable t) {
            mapped.forEach(RamBlock::close);
            throw t;
        }
        this.machine = machine;
        memory = new GuestMemory(mapped);
        return memory;
    }

    @Override
    public boolean fresh() {
        return true;
    }

    @Override
    public void missing(ArrivingPages pages) {
        arriving = pages;
    }

    /** Pages that were missing, were read, and came. */
    public long pagesTouched() {
        MissingPageReader begun = reader;
        return begun == null ? 0 : begun.pagesRead();
    }

    @Override
    public void whole() {
        if (reader != null) {
            reader.end();
        }
    }

    /** Its devices are as they came. Nobody is sure to start it, so it is here that reading of missing pages begins. */
    @Override
    public void load(DeviceTail devices) {
        this.devices = devices;
        if (arriving != null && touchRate > 0) {
            reader = new MissingPageReader(memory, arriving, touchRate, touchSeed);
        }
    }

    @Override
    public void start() {
        // Nobody here could run it.
    }

    @Override
    public String machine() {
        return machine;
    }

    @Override
    public GuestMemory memory() {
        return memory;
    }

    @Override
    public DirtySource dirtySource() {
        return Unwritten.SOURCE;
    }

    @Override
    public boolean running() {
        return false;
    }

    @Override
    public void pause() {}

    @Override
    public void resume() {}

    @Override
    public void throttle(int percent) {}

    @Override
    public DeviceTail saveDevices() {
        return devices;
    }

    @Override
    public long rehearseDevices() {
        return devices.toBytes().length;
    }

    @Override
    public int ramSectionId() {
        int id = 1;
        while (devices.sectionIds().contains(id)) {
            id++;
        }
        return id;
    }

    @Override
    public void close() {
        whole();
        if (memory != null) {
            memory.close();
        }
    }

    /** Nobody writes to a guest that never runs. */
    private static final class Unwritten implements DirtySource {
        static final Unwritten SOURCE = new Unwritten();

        @Override
        public String name() {
            return "unwritten";
        }

        @Override
        public String cost() {
            return "none: the guest does not run";
        }

        @Override
        public void start() {}

        @Override
        public long harvest(int block, DirtyBitmap into) {
            return 0;
        }

        @Override
        public void restore(int block, DirtyBitmap unconfirmed) {}

        @Override
        public void stop() {}

        @Override
        public void close() {}
    }
}
