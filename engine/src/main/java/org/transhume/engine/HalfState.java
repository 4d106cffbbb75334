package org.transhume.engine;

import java.util.UUID;
import org.transhume.channels.qemu.DeviceTail;
import org.transhume.memory.GuestMemory;

/**
 * What one side holds of a guest whose postcopy was given up. Valid while it is handed over only. Memory of a page that is zero may
 * not exist: it is read from the block's descriptor, or with {@link org.transhume.memory.GuestAccess}, and not from Java.
 *
 * @param side which one
 * @param machine of the guest
 * @param handover what the two sides called the migration, with {@code x-handover}; null without
 * @param memory borrowed
 * @param present which pages are here: at the destination those that came, at the source those not given back
 * @param devices as the guest left the source; null at the destination, where it has run since
 */
public record HalfState(
        Side side, String machine, UUID handover, GuestMemory memory, ArrivingPages present, DeviceTail devices) {
    /** The end of the migration. */
    public enum Side {
        SOURCE,
        DESTINATION
    }
}
