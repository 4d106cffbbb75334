package org.transhume.engine;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.transhume.channels.qemu.BlockEntry;
import org.transhume.channels.qemu.DeviceTail;
import org.transhume.memory.DirtySource;
import org.transhume.memory.GuestMemory;

/** Stands between a migration and the guests of both its sides, and sees every instant at which both of them may run. */
final class OneOwner {
    private boolean source; // guarded by this, as are the others
    private boolean destination;
    private final List<String> violations = new ArrayList<>();

    /** @param running whether the guest runs at its source now */
    OneOwner(boolean running) {
        source = running;
    }

    private synchronized void source(boolean runs) {
        source = runs;
        look("the source runs it");
    }

    private synchronized void destination(boolean runs) {
        destination = runs;
        look("the destination runs it");
    }

    private void look(String latest) {
        if (source && destination) {
            violations.add("both, since " + latest);
        }
    }

    /** When both ran. */
    synchronized List<String> violations() {
        return List.copyOf(violations);
    }

    synchronized boolean atSource() {
        return source;
    }

    synchronized boolean atDestination() {
        return destination;
    }

    Guest leaving(Guest guest) {
        return new Leaving(guest);
    }

    IncomingGuest arriving(IncomingGuest guest) {
        return new Arriving(guest);
    }

    private final class Leaving implements Guest {
        private final Guest guest;

        Leaving(Guest guest) {
            this.guest = guest;
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
            return guest.memory();
        }

        @Override
        public DirtySource dirtySource() {
            return guest.dirtySource();
        }

        @Override
        public boolean running() {
            return guest.running();
        }

        @Override
        public void pause() {
            guest.pause();
            source(false); // behind: until then it may have run
        }

        @Override
        public void resume() {
            source(true);
            guest.resume();
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
        public long rehearseDevices() {
            return guest.rehearseDevices();
        }
    }

    private final class Arriving implements IncomingGuest {
        private final IncomingGuest guest;

        Arriving(IncomingGuest guest) {
            this.guest = guest;
        }

        @Override
        public UUID uuid() {
            return guest.uuid();
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
            destination(false);
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
        public void start() {
            destination(true);
            guest.start();
        }
    }
}
