package org.transhume.control.soak;

import java.util.List;
import java.util.UUID;
import org.transhume.channels.qemu.BlockEntry;
import org.transhume.channels.qemu.DeviceTail;
import org.transhume.engine.ArrivingPages;
import org.transhume.engine.IncomingGuest;
import org.transhume.engine.guest.PassiveGuest;
import org.transhume.engine.guest.SyntheticGuest;
import org.transhume.engine.guest.WorkloadSpec;
import org.transhume.memory.GuestMemory;
import org.transhume.memory.RamBlock;
import org.transhume.memory.WriterMarks;

/** Where a guest arrives, of any {@link Trial.Place}. Tells an {@link Ownership} when it may run. */
final class ArrivingGuest implements IncomingGuest, AutoCloseable {
    private static final int TOUCHED_PER_SECOND = 20_000;
    private static final String WORKLOAD = "uniform:rate=3000,seed=";
    private static final byte LEFT_BEHIND = 0x5a;

    private final Ownership ownership;
    private final SyntheticGuest synthetic; // null: passive
    private final PassiveGuest passive;
    private final WriterMarks ownWrites; // null: nobody writes there
    private final IncomingGuest guest;

    private ArrivingGuest(Ownership ownership, SyntheticGuest synthetic, PassiveGuest passive, WriterMarks ownWrites) {
        this.ownership = ownership;
        this.synthetic = synthetic;
        this.passive = passive;
        this.ownWrites = ownWrites;
        this.guest = synthetic == null ? passive : synthetic;
    }

    /** @param memfds of each block: whether another process could map it */
    static ArrivingGuest at(
            Trial.Place place, GuestShape shape, List<Boolean> memfds, UUID uuid, long seed, Ownership ownership) {
        if (place == Trial.Place.TOUCHING) {
            return new ArrivingGuest(ownership, null, PassiveGuest.touching(TOUCHED_PER_SECOND, seed), null);
        }
        GuestMemory memory = shape.memory(memfds);
        WriterMarks marks = new WriterMarks(memory);
        boolean writes = place == Trial.Place.WRITING;
        if (writes) {
            marks.start();
        }
        boolean used = place == Trial.Place.USED;
        if (used) {
            RamBlock first = memory.blocks().getFirst();
            first.segment().asSlice(0, first.size() / 2).fill(LEFT_BEHIND);
        }
        WorkloadSpec workload =
                writes ? WorkloadSpec.parse(WORKLOAD + Math.floorMod(seed, 1 << 30)) : WorkloadSpec.IDLE;
        SyntheticGuest synthetic = new SyntheticGuest(shape.machine(), memory, marks, workload, !used, uuid);
        return new ArrivingGuest(ownership, synthetic, null, writes ? marks : null);
    }

    /** Stops whoever writes it; then it is looked at. */
    void stop() {
        if (synthetic != null) {
            synthetic.pause();
        }
    }

    GuestMemory memory() {
        return synthetic == null ? passive.memory() : synthetic.memory();
    }

    /** Notes of what it wrote itself since it runs; null: it writes nothing. */
    WriterMarks ownWrites() {
        return ownWrites;
    }

    boolean running() {
        return synthetic != null && synthetic.running();
    }

    @Override
    public UUID uuid() {
        return guest.uuid();
    }

    @Override
    public void identify(UUID uuid) {
        guest.identify(uuid);
    }

    @Override
    public void prepareSwitchover(Runnable approval) {
        guest.prepareSwitchover(approval);
    }

    @Override
    public GuestMemory accept(String machine, List<BlockEntry> blocks) {
        return guest.accept(machine, blocks);
    }

    @Override
    public boolean fresh() {
        return guest.fresh();
    }

    @Override
    public void missing(ArrivingPages pages) {
        guest.missing(pages);
    }

    @Override
    public void whole() {
        guest.whole();
    }

    @Override
    public void abandoned() {
        guest.abandoned();
        ownership.destination(false);
    }

    @Override
    public long[] vcpuThreads() {
        return guest.vcpuThreads();
    }

    @Override
    public void load(DeviceTail devices) {
        guest.load(devices);
    }

    @Override
    public boolean startsRunning() {
        return guest.startsRunning();
    }

    @Override
    public void activateDisks() {
        guest.activateDisks();
    }

    @Override
    public void announce(int number) {
        guest.announce(number);
    }

    @Override
    public void start() {
        ownership.destination(true);
        guest.start();
    }

    @Override
    public void close() {
        if (synthetic == null) {
            passive.close();
        } else {
            synthetic.close();
        }
    }
}
