package org.transhume.engine.guest;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.List;
import org.transhume.channels.qemu.BlockEntry;
import org.transhume.channels.qemu.DeviceTail;
import org.transhume.engine.DeviceSections;
import org.transhume.engine.Guest;
import org.transhume.engine.IncomingGuest;
import org.transhume.memory.DirtySource;
import org.transhume.memory.DirtySources;
import org.transhume.memory.GuestMemory;

/**
 * A {@link Service} and its memory as a guest, to leave or to arrive. What the service writes is found without its help, by
 * the best dirty source of this host. Any thread.
 */
public final class ServiceGuest implements Guest, IncomingGuest, AutoCloseable {
    /** Of the state beside the memory; what is in it is the service's. */
    private static final int VERSION = 1;

    private final String machine;
    private final GuestMemory memory;
    private final DirtySource source;
    private final Service service;
    private boolean running;

    /**
     * One that is stopped: {@link #resume} starts it, or its arrival does.
     *
     * @param name of the service; only one of the same name is taken over
     * @param memory blocks of the same names and sizes on both sides; this owns them
     */
    public ServiceGuest(String name, GuestMemory memory, Service service) {
        this.machine = "transhume-service-" + name;
        this.memory = memory;
        this.source = DirtySources.best(memory);
        this.service = service;
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
        return source;
    }

    @Override
    public synchronized boolean running() {
        return running;
    }

    @Override
    public synchronized void pause() {
        if (running) {
            service.stop();
            running = false;
        }
    }

    @Override
    public synchronized void resume() {
        if (!running) {
            service.start();
            running = true;
        }
    }

    @Override
    public void throttle(int percent) {
        service.throttle(percent);
    }

    @Override
    public DeviceTail saveDevices() {
        return new DeviceSections(List.of(new State())).save();
    }

    @Override
    public GuestMemory accept(String machine, List<BlockEntry> blocks) {
        ExpectedGuest.check(this.machine, memory, machine, blocks);
        return memory;
    }

    /** Whoever maps the memory may have written it: a zero page that comes is looked up. */
    @Override
    public boolean fresh() {
        return false;
    }

    @Override
    public void load(DeviceTail devices) {
        new DeviceSections(List.of(new State())).load(devices);
    }

    @Override
    public void start() {
        resume();
    }

    /** Stops the service, wherever the other one is, and gives the memory back. */
    @Override
    public void close() {
        pause();
        source.close();
        memory.close();
    }

    private final class State implements DeviceSections.Device {
        @Override
        public String name() {
            return "transhume/service";
        }

        @Override
        public int version() {
            return VERSION;
        }

        @Override
        public void save(OutputStream out) throws IOException {
            service.save(out);
        }

        @Override
        public void load(InputStream in, int version) throws IOException {
            if (version != VERSION) {
                throw new IOException("version %d, expected %d".formatted(version, VERSION));
            }
            service.load(in);
        }
    }
}
