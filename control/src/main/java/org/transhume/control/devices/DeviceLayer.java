package org.transhume.control.devices;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.transhume.control.qmp.QmpError;

/**
 * The devices of a guest as far as commands reach them. Arguments are checked before they come here. A method that is not
 * overridden answers as a QEMU does that has no such device, or was built without it. Calls may come from any thread, those
 * of snapshots from one of their own; whatever refuses throws a {@link QmpError}, whose text the client gets.
 */
public interface DeviceLayer {
    /** No devices at all. */
    DeviceLayer NONE = new DeviceLayer() {};

    /** Says where events go; once, before any other call. */
    default void attach(DeviceEvents events) {}

    /** The tags of the snapshots in block node {@code node}; empty if there is no such node. */
    default Optional<Set<String>> snapshots(String node) throws QmpError {
        return Optional.empty();
    }

    /**
     * Saves the guest, which stands still; none of {@code devices} has a snapshot called {@code tag}.
     *
     * @param vmstate which of the devices takes RAM and device state
     * @param devices block nodes that there are, at least one
     */
    default void saveSnapshot(String tag, String vmstate, List<String> devices) throws QmpError {
        throw notBuilt("snapshot-save");
    }

    /** Puts the guest, which stands still, back; each of {@code devices} has a snapshot called {@code tag}. */
    default void loadSnapshot(String tag, String vmstate, List<String> devices) throws QmpError {
        throw notBuilt("snapshot-load");
    }

    /** Deletes the snapshots called {@code tag}, of which there may be none. The guest may run. */
    default void deleteSnapshot(String tag, List<String> devices) throws QmpError {
        throw notBuilt("snapshot-delete");
    }

    /** Where COLO stands. */
    default ColoStatus coloStatus() {
        return ColoStatus.NONE;
    }

    /** The other side is lost: this one leaves COLO and runs on alone. Only while {@link #coloStatus} is in a mode. */
    default void loseHeartbeat() throws QmpError {
        throw notBuilt("x-colo-lost-heartbeat");
    }

    /**
     * Writes device state, without RAM and disks, for Xen's tools. The guest stands still.
     *
     * @param live whether this is part of a live migration
     */
    default void saveXenState(Path file, boolean live) throws QmpError {
        throw new QmpError("saving Xen device state failed");
    }

    /** Loads what {@link #saveXenState} wrote. The guest stands still. */
    default void loadXenState(Path file) throws QmpError {
        throw new QmpError("loading Xen device state failed");
    }

    /**
     * Starts or stops the replication of disks.
     *
     * @param primary whether this side is the primary one
     * @param failover when stopping: whether the secondary's disks take over
     */
    default void replicate(boolean enable, boolean primary, boolean failover) throws QmpError {
        throw notBuilt("xen-set-replication");
    }

    /** What is wrong with the replication of disks; empty if nothing is. */
    default Optional<String> replicationError() {
        return Optional.empty();
    }

    /** A checkpoint of replicated disks and packet filters. */
    default void checkpointReplication() throws QmpError {
        throw notBuilt("xen-colo-do-checkpoint");
    }

    /** Whether a SPICE server shows the guest. */
    default boolean spice() {
        return false;
    }

    /** Tells the SPICE client where the guest goes. Only where {@link #spice} is in use. */
    default void handSpiceOver(SpiceTarget target) throws QmpError {
        throw notBuilt("client_migrate_info");
    }

    /** Has the VNC server read its TLS certificates again. */
    default void reloadVncCertificates() throws QmpError {
        throw new QmpError("Can not find vnc display");
    }

    /** The names of the guest's network interfaces. */
    default Set<String> interfaces() {
        return Set.of();
    }

    /**
     * Tells the network of one interface where the guest is. From the thread of a monitor, then from one of its own.
     *
     * @param number 1 and up
     */
    default void announce(String interfaceName, int number) {}

    private static QmpError notBuilt(String command) {
        return new QmpError(QmpError.Kind.COMMAND_NOT_FOUND, "The command " + command + " has not been found");
    }
}
