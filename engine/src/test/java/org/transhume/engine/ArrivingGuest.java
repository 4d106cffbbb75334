package org.transhume.engine;

import java.util.List;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.transhume.channels.qemu.BlockEntry;
import org.transhume.channels.qemu.DeviceTail;
import org.transhume.engine.guest.SyntheticGuest;
import org.transhume.memory.GuestMemory;

/** A guest that tells what is asked of it, in order, and may keep the source waiting. */
final class ArrivingGuest implements IncomingGuest {
    private static final int LIMIT_SECONDS = 10;

    final BlockingQueue<String> told = new LinkedBlockingQueue<>();
    final BlockingQueue<Runnable> approvals = new LinkedBlockingQueue<>();
    private final SyntheticGuest guest;
    private final UUID uuid;
    private final boolean approves;
    private final boolean startsRunning;

    /**
     * @param uuid that it was given, or null
     * @param approves whether it agrees to the switchover at once
     */
    ArrivingGuest(SyntheticGuest guest, UUID uuid, boolean approves, boolean startsRunning) {
        this.guest = guest;
        this.uuid = uuid;
        this.approves = approves;
        this.startsRunning = startsRunning;
    }

    /** Waits for the next call. */
    String next() throws InterruptedException {
        return told.poll(LIMIT_SECONDS, TimeUnit.SECONDS);
    }

    /** Waits until the source asks for approval. */
    Runnable approval() throws InterruptedException {
        return approvals.poll(LIMIT_SECONDS, TimeUnit.SECONDS);
    }

    @Override
    public UUID uuid() {
        return uuid;
    }

    @Override
    public void identify(UUID uuid) {
        told.add("identify " + uuid);
    }

    @Override
    public void prepareSwitchover(Runnable approval) {
        told.add("prepareSwitchover");
        approvals.add(approval);
        if (approves) {
            approval.run();
        }
    }

    @Override
    public GuestMemory accept(String machine, List<BlockEntry> blocks) {
        told.add("accept");
        return guest.accept(machine, blocks);
    }

    @Override
    public boolean fresh() {
        return guest.fresh();
    }

    @Override
    public void load(DeviceTail devices) {
        guest.load(devices);
        told.add("load");
    }

    @Override
    public boolean startsRunning() {
        return startsRunning;
    }

    @Override
    public void activateDisks() {
        told.add("activateDisks");
    }

    @Override
    public void announce(int number) {
        told.add("announce " + number);
    }

    @Override
    public void start() {
        told.add("start");
    }
}
