package org.transhume.control.settings;

import java.util.Optional;

/**
 * What host and build can do, as far as capabilities depend on it.
 *
 * @param postcopyProblem why missing pages cannot be fetched on demand here, for instance {@code Userfaultfd not
 *     available: Operation not permitted}; empty if they can
 * @param writeProtection whether the kernel can trap writes to guest memory
 * @param snapshotMemory whether all of this guest's memory can be write-protected
 * @param dirtyRing whether the hypervisor reports writes per vCPU
 * @param replication whether the build can replicate disks
 */
public record HostSupport(
        Optional<String> postcopyProblem,
        boolean writeProtection,
        boolean snapshotMemory,
        boolean dirtyRing,
        boolean replication) {
    /** Everything but a dirty ring, as on an ordinary host. */
    public static final HostSupport USUAL = new HostSupport(Optional.empty(), true, true, false, true);

    /** The same, where it was looked why missing pages cannot be fetched, if they cannot. */
    public HostSupport withPostcopyProblem(Optional<String> reason) {
        return new HostSupport(reason, writeProtection, snapshotMemory, dirtyRing, replication);
    }

    /** The same, where it is known whether the guest's writes are counted per vCPU. */
    public HostSupport withDirtyRing(boolean there) {
        return new HostSupport(postcopyProblem, writeProtection, snapshotMemory, there, replication);
    }
}
