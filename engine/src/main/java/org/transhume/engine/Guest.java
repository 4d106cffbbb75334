package org.transhume.engine;

import java.util.Optional;
import org.transhume.channels.qemu.DeviceTail;
import org.transhume.memory.DirtySource;
import org.transhume.memory.GuestMemory;

/**
 * A guest that can leave: what an outgoing migration needs of its hypervisor. All calls come from the thread of the
 * migration; none is made while another runs.
 */
public interface Guest extends Identified {
    /** Versioned machine name, 1..255 bytes; it decides the dialect of the stream, e.g. {@code pc-q35-10.0}. */
    String machine();

    /** RAM blocks in the order in which they are listed on the wire. Lent: the migration takes a lease. */
    GuestMemory memory();

    /** Tells which pages were written; started and stopped by the migration, closed by the guest. */
    DirtySource dirtySource();

    /** Whether virtual CPUs run now. */
    boolean running();

    /** Stops the guest; when it returns nothing writes its memory any more. Harmless when stopped. */
    void pause();

    /** Lets a guest that {@link #pause} stopped go on, after a migration that failed or was cancelled. */
    void resume();

    /** Slows the guest down: 0 not at all, 99 to a hundredth. A guest that sleeps for it is paused without delay. */
    void throttle(int percent);

    /** Its virtual CPUs, if their writes are counted one by one; else only all of them can be slowed. */
    default Optional<VcpuRings> vcpuRings() {
        return Optional.empty();
    }

    /** Device state of the stopped guest. */
    DeviceTail saveDevices();

    /**
     * Saves device state to nowhere, so that the pause can be foretold; the guest may run meanwhile.
     *
     * @return bytes it would have now, or -1 if that cannot be done
     */
    default long rehearseDevices() {
        return -1;
    }

    /** Section id under which RAM travels; must differ from those inside {@link #saveDevices}. */
    default int ramSectionId() {
        return 1;
    }
}
