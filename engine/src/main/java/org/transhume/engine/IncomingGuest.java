package org.transhume.engine;

import java.util.List;
import org.transhume.channels.qemu.BlockEntry;
import org.transhume.channels.qemu.DeviceTail;
import org.transhume.memory.GuestMemory;

/**
 * A guest that is to arrive. The calls come in this order from one thread of the migration; each may refuse with an
 * exception whose message says what came and what was expected, and the migration then fails without a trace.
 */
public interface IncomingGuest {
    /** The RAM for these blocks, in this order and of these lengths. Lent: the migration takes a lease. */
    GuestMemory accept(String machine, List<BlockEntry> blocks);

    /** Whether that RAM was mapped fresh and never written: zero pages need not be written then. */
    boolean fresh();

    /** RAM is complete; this is the device state that belongs to it. */
    void load(DeviceTail devices);

    /** This side owns the guest from here on: run it, unless it arrived stopped or was told to stay so. */
    void start();
}
