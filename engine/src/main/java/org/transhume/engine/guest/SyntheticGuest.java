package org.transhume.engine.guest;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.transhume.channels.qemu.BlockEntry;
import org.transhume.channels.qemu.DeviceTail;
import org.transhume.engine.ArrivingPages;
import org.transhume.engine.DeviceSections;
import org.transhume.engine.Guest;
import org.transhume.engine.IncomingGuest;
import org.transhume.engine.MigrationException;
import org.transhume.engine.VcpuRings;
import org.transhume.memory.DirtyRings;
import org.transhume.memory.DirtySource;
import org.transhume.memory.GuestMemory;
import org.transhume.memory.Lease;
import org.transhume.memory.PageSize;
import org.transhume.memory.RamBlock;
import org.transhume.memory.WriterMarks;

/**
 * A guest without a hypervisor: one block of RAM, {@code pc.ram}, and threads that write it. It can leave and arrive. Its only
 * device is its run state, so that a guest that left stopped arrives stopped.
 */
public final class SyntheticGuest implements Guest, IncomingGuest, AutoCloseable {
    /** Name of the block, as QEMU's machines call it. */
    public static final String BLOCK = "pc.ram";

    /** Machine name of guests that were given none. */
    public static final String MACHINE = "transhume-1.0";

    private static final int WRITERS = 2;

    private final String machine;
    private final GuestMemory memory;
    private final DirtySource source;
    private final DirtyRings rings; // null unless the writers mark their pages themselves
    private final Workload workload;
    private boolean untouched; // guarded by this, as is fresh
    private boolean fresh;
    private final UUID uuid;
    private final AtomicInteger announcements = new AtomicInteger();
    private boolean running;
    private boolean runAtSource;
    private boolean runOnArrival = true;

    /**
     * @param memory its only block; the guest owns it
     * @param source tells what the workload writes; the guest owns it
     * @param fresh whether {@code memory} was never written
     */
    public SyntheticGuest(String machine, GuestMemory memory, DirtySource source, WorkloadSpec spec, boolean fresh) {
        this(machine, memory, source, spec, fresh, null);
    }

    /**
     * @param memory its only block; the guest owns it
     * @param source tells what the workload writes; the guest owns it
     * @param fresh whether {@code memory} was never written
     * @param uuid null: it has none
     */
    public SyntheticGuest(
            String machine, GuestMemory memory, DirtySource source, WorkloadSpec spec, boolean fresh, UUID uuid) {
        this.machine = machine;
        this.uuid = uuid;
        this.memory = memory;
        this.source = source;
        this.untouched = fresh;
        this.fresh = fresh;
        this.rings = source instanceof WriterMarks ? new DirtyRings(memory, WRITERS) : null;
        this.workload = new Workload(spec, memory.blocks().getFirst(), mark(source, rings), WRITERS);
    }

    private static Workload.Mark mark(DirtySource source, DirtyRings rings) {
        if (source instanceof WriterMarks marks) {
            return (vcpu, page) -> {
                marks.mark(0, page);
                return rings.wrote(vcpu, 0, page);
            };
        }
        return (_, _) -> false;
    }

    /** Gives the working set its first content. */
    public void fill() {
        workload.fill();
    }

    @Override
    public UUID uuid() {
        return uuid;
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
        runAtSource = running;
        workload.stop();
        running = false;
    }

    @Override
    public synchronized void resume() {
        workload.start();
        running = true;
    }

    @Override
    public synchronized void throttle(int percent) {
        workload.throttle(percent);
    }

    /** With a source of marks: each of its threads then knows what it wrote. */
    @Override
    public Optional<VcpuRings> vcpuRings() {
        return rings == null ? Optional.empty() : Optional.of(new Vcpus());
    }

    /** Pages its threads have written. */
    public long pagesWritten() {
        return workload.written();
    }

    @Override
    public DeviceTail saveDevices() {
        return new DeviceSections(List.of(new RunStateDevice())).save();
    }

    @Override
    public long rehearseDevices() {
        return saveDevices().toBytes().length;
    }

    @Override
    public GuestMemory accept(String machine, List<BlockEntry> blocks) {
        ExpectedGuest.check(this.machine, memory, machine, blocks);
        synchronized (this) {
            fresh = untouched;
            untouched = false; // should this try fail, something of it is left for the next
        }
        return memory;
    }

    @Override
    public synchronized boolean fresh() {
        return fresh;
    }

    /** Its threads then reach memory in foreign functions. {@link #pause} waits for no page, {@link #close} neither. */
    @Override
    public void missing(ArrivingPages pages) {
        RamBlock block = memory.blocks().getFirst();
        if (block.hostPageSize() != PageSize.BYTES) {
            throw new MigrationException(
                    "block '%s' is in huge pages of %d bytes, and a part of one cannot follow: give the guest other memory, or switch capability postcopy-ram off on both sides"
                            .formatted(block.name(), block.hostPageSize()));
        }
        workload.missing(true);
    }

    @Override
    public void whole() {
        workload.missing(false);
        mayBeHuge();
    }

    /** Only once nothing is to come any more: a huge page would be there where its pages are not. */
    private void mayBeHuge() {
        memory.blocks().forEach(block -> block.mayBeHuge(true));
    }

    @Override
    public synchronized void abandoned() {
        pause(); // what its devices then say is how it was
    }

    @Override
    public long[] vcpuThreads() {
        return workload.threadIds();
    }

    @Override
    public void load(DeviceTail devices) {
        new DeviceSections(List.of(new RunStateDevice())).load(devices);
    }

    /** Whether the guest that arrived ran at its source. */
    public synchronized boolean ranAtSource() {
        return runOnArrival;
    }

    /** It has no network to tell: it counts. */
    @Override
    public void announce(int number) {
        announcements.incrementAndGet();
    }

    /** How often it was to tell the network where it is. */
    public int announcements() {
        return announcements.get();
    }

    @Override
    public void start() {
        if (ranAtSource()) {
            resume();
        }
        if (!workload.missing()) {
            mayBeHuge();
        }
    }

    @Override
    public void close() {
        pause();
        if (rings != null) {
            rings.close();
        }
        source.close();
        memory.close();
    }

    private final class Vcpus implements VcpuRings {
        @Override
        public int vcpus() {
            return WRITERS;
        }

        @Override
        public int ringPages() {
            return DirtyRings.ENTRIES;
        }

        @Override
        public Lease count() {
            return rings.count();
        }

        @Override
        public long dirtied(int vcpu) {
            return rings.entered(vcpu);
        }

        @Override
        public void reap() {
            rings.reap();
        }

        @Override
        public void sleep(int vcpu, long micros) {
            synchronized (SyntheticGuest.this) {
                workload.ringSleep(vcpu, TimeUnit.MICROSECONDS.toNanos(micros));
            }
        }

        @Override
        public void release(int vcpu) {
            synchronized (SyntheticGuest.this) {
                workload.release(vcpu);
            }
        }
    }

    private final class RunStateDevice implements DeviceSections.Device {
        private static final int VERSION = 1;

        @Override
        public String name() {
            return "transhume/run-state";
        }

        @Override
        public int version() {
            return VERSION;
        }

        @Override
        public void save(OutputStream out) throws IOException {
            synchronized (SyntheticGuest.this) {
                new DataOutputStream(out).writeBoolean(runAtSource);
            }
        }

        @Override
        public void load(InputStream in, int version) throws IOException {
            if (version != VERSION) {
                throw new IOException("version %d, expected %d".formatted(version, VERSION));
            }
            boolean ran = new DataInputStream(in).readBoolean();
            synchronized (SyntheticGuest.this) {
                runOnArrival = ran;
            }
        }
    }
}
