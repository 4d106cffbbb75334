package org.transhume.engine.guest;

import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.transhume.channels.qemu.BlockEntry;
import org.transhume.channels.qemu.DeviceTail;
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

    /** Nothing yet: waits to be filled by an incoming migration. */
    public PassiveGuest() {}

    /**
     * As it was received before; owns {@code memory}.
     *
     * @param uuid null: its stream named none
     */
    public PassiveGuest(String machine, UUID uuid, GuestMemory memory, DeviceTail devices) {
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
                mapped.add(RamBlock.memfd(block.name(), block.length()));
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
    public void load(DeviceTail devices) {
        this.devices = devices;
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
