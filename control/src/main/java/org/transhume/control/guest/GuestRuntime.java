package org.transhume.control.guest;

import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.transhume.channels.qemu.BlockEntry;
import org.transhume.channels.qemu.DeviceTail;
import org.transhume.engine.ArrivingPages;
import org.transhume.engine.Guest;
import org.transhume.engine.IncomingGuest;
import org.transhume.engine.VcpuRings;
import org.transhume.memory.DirtySource;
import org.transhume.memory.GuestMemory;
import org.transhume.memory.SharedSource;

/**
 * A guest with a run state: what migrations and operators do to it goes through here, and {@code STOP} and {@code RESUME}
 * come out. Any thread.
 */
public final class GuestRuntime implements Guest, IncomingGuest {
    private final Guest guest;
    private final IncomingGuest incoming;
    private final BooleanSupplier ranAtSource;
    private final EventOrder events;
    private final ReadWriteLock presence = new ReentrantReadWriteLock();
    private boolean missing; // guarded by presence
    private RunState state;
    private RunState before;
    private boolean startWhenLoaded = true;
    private SharedSource writes; // made when first asked for: a guest may still have to arrive
    private DirtySource migrationView;
    /** It arrived, and its disks are still to be taken. */
    private boolean withoutDisks;
    /** Its devices are being saved or loaded. */
    private boolean held;

    private boolean ranWhenHeld;
    /** Part of its memory never came. */
    private boolean abandoned;

    /**
     * @param guest leaves
     * @param incoming the same guest, as one that arrives
     * @param ranAtSource asked once it has arrived
     * @param initial run state
     * @param events hears STOP and RESUME
     */
    public GuestRuntime(
            Guest guest, IncomingGuest incoming, BooleanSupplier ranAtSource, RunState initial, EventOrder events) {
        this.guest = guest;
        this.incoming = incoming;
        this.ranAtSource = ranAtSource;
        this.events = events;
        this.state = initial;
        this.before = initial;
        this.withoutDisks = initial == RunState.INMIGRATE;
    }

    public synchronized RunState state() {
        return state;
    }

    /** The operator's {@code stop}. */
    public synchronized void stop() {
        switch (state) {
            case RUNNING -> {
                guest.pause();
                state = RunState.PAUSED;
                events.guest("STOP");
            }
            case INMIGRATE -> startWhenLoaded = false;
            case SAVE_VM -> ranWhenHeld = false;
            case PRELAUNCH, PAUSED, FINISH_MIGRATE, POSTMIGRATE, RESTORE_VM -> {
                // It stands already.
            }
        }
    }

    /**
     * The operator's {@code cont}.
     *
     * @throws IllegalStateException while a migration is about to hand the guest over, or its devices are saved or loaded; or
     *     for good, if part of its memory never came
     */
    public synchronized void cont() {
        if (held) {
            throw new IllegalStateException("The guest's devices are being saved or loaded, please wait.");
        }
        switch (state) {
            case PRELAUNCH, PAUSED, POSTMIGRATE, SAVE_VM, RESTORE_VM -> run();
            case INMIGRATE -> startWhenLoaded = true;
            case FINISH_MIGRATE -> throw new IllegalStateException("Migration is not finalized yet");
            case RUNNING -> {
                // It runs already.
            }
        }
    }

    private void run() {
        if (abandoned) {
            throw new IllegalStateException("Part of the guest's memory never came, it cannot go on");
        }
        takeDisks();
        guest.resume();
        state = RunState.RUNNING;
        events.guest("RESUME");
    }

    private void takeDisks() {
        if (withoutDisks) {
            withoutDisks = false;
            incoming.activateDisks();
        }
    }

    /**
     * Has the guest stand still until {@link #release}, while its devices are saved or loaded.
     *
     * @param meanwhile its run state until then, if it runs now; another one stays
     */
    public synchronized void hold(RunState meanwhile) {
        awaitRelease();
        held = true;
        ranWhenHeld = state == RunState.RUNNING;
        if (ranWhenHeld) {
            guest.pause();
            state = meanwhile;
            events.guest("STOP");
        }
    }

    /** @param again whether it may run as before; if not it stays in the state it is in */
    public synchronized void release(boolean again) {
        held = false;
        if (again && ranWhenHeld) {
            run();
        } else if (state == RunState.SAVE_VM) {
            state = RunState.PAUSED; // somebody said stop
        }
        notifyAll();
    }

    private void awaitRelease() {
        boolean interrupted = false;
        while (held) {
            try {
                wait();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** Started with {@code --paused}: an arriving guest stays as it is. */
    public synchronized void stayPaused() {
        startWhenLoaded = false;
    }

    /** The guest has left, or nobody knows; either way it does not run here without {@link #cont}. */
    public synchronized void left() {
        state = RunState.POSTMIGRATE;
    }

    /** It did not leave after all, and is as before; the opposite of {@link #left}. */
    public synchronized void stayed() {
        if (state == RunState.POSTMIGRATE) {
            resume();
        }
    }

    /** The guest that arrived is not to run here: another one may arrive in its place. */
    public synchronized void awaitAnother() {
        if (state != RunState.INMIGRATE && state != RunState.PAUSED) {
            throw new IllegalStateException("the guest is " + state.wireName());
        }
        state = RunState.INMIGRATE;
        withoutDisks = true;
        abandoned = false;
    }

    @Override
    public synchronized boolean running() {
        return state == RunState.RUNNING;
    }

    @Override
    public synchronized void pause() {
        awaitRelease();
        before = state;
        guest.pause();
        state = RunState.FINISH_MIGRATE;
        if (before == RunState.RUNNING) {
            events.stoppedToLeave();
        }
    }

    @Override
    public synchronized void resume() {
        awaitRelease();
        if (before == RunState.RUNNING) {
            run();
        } else {
            state = before;
        }
    }

    @Override
    public synchronized void start() {
        awaitRelease();
        boolean ran = ranAtSource.getAsBoolean();
        if (ran && startWhenLoaded) {
            takeDisks();
            incoming.start();
            state = RunState.RUNNING;
            events.guest("RESUME");
        } else {
            state = RunState.PAUSED;
        }
    }

    @Override
    public synchronized boolean startsRunning() {
        return ranAtSource.getAsBoolean() && startWhenLoaded;
    }

    @Override
    public synchronized void activateDisks() {
        takeDisks();
    }

    @Override
    public void announce(int number) {
        incoming.announce(number);
    }

    @Override
    public void prepareSwitchover(Runnable approval) {
        incoming.prepareSwitchover(approval);
    }

    @Override
    public UUID uuid() {
        return guest.uuid();
    }

    @Override
    public void identify(UUID uuid) {
        incoming.identify(uuid);
    }

    @Override
    public String machine() {
        return guest.machine();
    }

    @Override
    public GuestMemory memory() {
        return guest.memory();
    }

    /** The migrations' view of the guest's source; others may look beside it. */
    @Override
    public synchronized DirtySource dirtySource() {
        if (migrationView == null) {
            migrationView = observeWrites();
        }
        return migrationView;
    }

    /** A view of the guest's dirty source for whoever looks beside a migration; the caller closes it. */
    public synchronized DirtySource observeWrites() {
        if (writes == null) {
            writes = new SharedSource(guest.memory(), guest.dirtySource());
        }
        return writes.view();
    }

    /** Frees what {@link #dirtySource} holds; no migration may run. */
    public synchronized void releaseSource() {
        if (migrationView != null) {
            migrationView.close();
            migrationView = null;
        }
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
    public DeviceTail saveDevices() {
        return guest.saveDevices();
    }

    @Override
    public int ramSectionId() {
        return guest.ramSectionId();
    }

    @Override
    public GuestMemory accept(String machine, List<BlockEntry> blocks) {
        return incoming.accept(machine, blocks);
    }

    @Override
    public boolean fresh() {
        return incoming.fresh();
    }

    @Override
    public void missing(ArrivingPages pages) {
        presence.writeLock().lock();
        try {
            incoming.missing(pages);
            missing = true;
        } finally {
            presence.writeLock().unlock();
        }
    }

    @Override
    public void whole() {
        incoming.whole();
        presence.writeLock().lock();
        try {
            missing = false;
        } finally {
            presence.writeLock().unlock();
        }
    }

    /** One that runs stands from here on, whatever an operator says. */
    @Override
    public synchronized void abandoned() {
        incoming.abandoned();
        if (state == RunState.INMIGRATE) {
            return; // it never ran here
        }
        abandoned = true;
        if (state == RunState.RUNNING) {
            state = RunState.PAUSED;
            events.guest("STOP");
        }
    }

    /**
     * What {@code look} finds, which may read the guest's RAM and is quick; empty, without a look, while pages of it are missing:
     * Java code must not touch those.
     */
    public <T> Optional<T> look(Supplier<T> look) {
        presence.readLock().lock();
        try {
            return missing ? Optional.empty() : Optional.of(look.get());
        } finally {
            presence.readLock().unlock();
        }
    }

    @Override
    public long[] vcpuThreads() {
        return incoming.vcpuThreads();
    }

    @Override
    public void load(DeviceTail devices) {
        incoming.load(devices);
    }
}
