package org.transhume.control.interop;

import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.locks.LockSupport;
import org.transhume.channels.qemu.BlockEntry;
import org.transhume.channels.qemu.DeviceTail;
import org.transhume.engine.Guest;
import org.transhume.engine.IncomingGuest;
import org.transhume.engine.Threads;
import org.transhume.engine.guest.PassiveGuest;
import org.transhume.memory.DirtySource;
import org.transhume.memory.GuestMemory;
import org.transhume.memory.PageSize;
import org.transhume.memory.RamBlock;
import org.transhume.memory.WriterMarks;

/**
 * A guest that came from a QEMU, whose memory somebody else writes while it is said to run: pages that the guest itself does
 * not look at. A QEMU loads it as its own.
 */
final class LentGuest implements Guest, IncomingGuest, AutoCloseable {
    private static final String RAM = "pc.ram";
    private static final long UNUSED = 16 << 20;
    private static final int FEW = 256;
    private static final long TICK_NANOS = 500_000;

    private final PassiveGuest guest;
    private final WriterMarks marks;
    private final int block;
    private final int pages;
    private final int perTick;
    private Thread writer;
    private volatile boolean stop;
    private volatile int throttle;

    /**
     * One that writes 2000 pages a second.
     *
     * @param guest borrowed
     */
    LentGuest(PassiveGuest guest) {
        this(guest, FEW, 1);
    }

    /**
     * @param guest borrowed
     * @param pages that are written, one after the other
     * @param perTick of them every half a millisecond
     */
    LentGuest(PassiveGuest guest, int pages, int perTick) {
        this.guest = guest;
        this.pages = pages;
        this.perTick = perTick;
        this.marks = new WriterMarks(guest.memory());
        this.block =
                guest.memory().blocks().stream().map(RamBlock::name).toList().indexOf(RAM);
    }

    RamBlock ram() {
        return guest.memory().blocks().get(block);
    }

    private void write() {
        long n = 0;
        while (!stop) {
            for (int i = 0; i < perTick; i++, n++) {
                long page = UNUSED / PageSize.BYTES + n % pages;
                ram().segment().set(ValueLayout.JAVA_LONG, page * PageSize.BYTES, n);
                marks.mark(block, page);
            }
            LockSupport.parkNanos(TICK_NANOS * 100 / (100 - throttle));
        }
    }

    @Override
    public synchronized boolean running() {
        return writer != null;
    }

    @Override
    public synchronized void pause() {
        if (writer != null) {
            stop = true;
            Threads.join(writer);
            writer = null;
        }
    }

    @Override
    public synchronized void resume() {
        if (writer == null) {
            stop = false;
            writer = Thread.ofPlatform().daemon().name("lent vcpu").start(this::write);
        }
    }

    @Override
    public void throttle(int percent) {
        throttle = percent;
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
        return marks;
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
        throw new IllegalStateException("it is here already");
    }

    @Override
    public boolean fresh() {
        return false;
    }

    @Override
    public void load(DeviceTail devices) {
        throw new IllegalStateException("it is here already");
    }

    @Override
    public void start() {}

    @Override
    public void close() {
        pause();
        marks.close();
    }
}
