package org.transhume.control.domain.spec;

import java.util.EnumSet;
import java.util.Optional;
import java.util.Set;

/** The flags of a migration, with libvirt's bits. What they need and exclude is in {@link SpecRule}. */
public enum MigrationFlag {
    LIVE(0, "live", null),
    PEER2PEER(1, "p2p", null),
    TUNNELLED(2, "tunnelled", "tunnelling"),
    PERSIST_DEST(3, "persistent", null),
    UNDEFINE_SOURCE(4, "undefinesource", null),
    PAUSED(5, "suspend", null),
    NON_SHARED_DISK(6, "copy-storage-all", Lacking.DISKS),
    NON_SHARED_INC(7, "copy-storage-inc", Lacking.DISKS),
    CHANGE_PROTECTION(8, "change-protection", null),
    UNSAFE(9, "unsafe", null),
    OFFLINE(10, "offline", null),
    COMPRESSED(11, "compressed", null),
    ABORT_ON_ERROR(12, "abort-on-error", "noticing guest disk errors"),
    AUTO_CONVERGE(13, "auto-converge", null),
    RDMA_PIN_ALL(14, "rdma-pin-all", Lacking.RDMA),
    POSTCOPY(15, "postcopy", null),
    TLS(16, "tls", "TLS"),
    PARALLEL(17, "parallel", null),
    NON_SHARED_SYNCHRONOUS_WRITES(18, "copy-storage-synchronous-writes", Lacking.DISKS),
    POSTCOPY_RESUME(19, "postcopy-resume", "resuming post-copy"),
    ZEROCOPY(20, "zerocopy", "zero-copy sending");

    /** What several flags and parameters have in common. */
    static final class Lacking {
        static final String DISKS = "copying disks";
        static final String RDMA = "RDMA";

        private Lacking() {}
    }

    private final int bit;
    private final String option;
    private final String lacking;

    MigrationFlag(int bit, String option, String lacking) {
        this.bit = bit;
        this.option = option;
        this.lacking = lacking;
    }

    /** Its bit in libvirt's mask, 0..20. */
    public int bit() {
        return bit;
    }

    /** The option of virsh that sets it, without hyphens in front. */
    public String option() {
        return option;
    }

    /** What this version would have to be able to do for it; empty if it can. */
    public Optional<String> lacking() {
        return Optional.ofNullable(lacking);
    }

    /** The mask of {@code flags}, as libvirt counts it. */
    public static long bits(Set<MigrationFlag> flags) {
        return flags.stream().mapToLong(flag -> 1L << flag.bit).sum();
    }

    /** @throws IllegalArgumentException if a bit is set that is no flag's */
    public static Set<MigrationFlag> ofBits(long bits) {
        Set<MigrationFlag> flags = EnumSet.noneOf(MigrationFlag.class);
        for (MigrationFlag flag : values()) {
            if ((bits >>> flag.bit & 1) != 0) {
                flags.add(flag);
            }
        }
        if (bits(flags) != bits) {
            throw new IllegalArgumentException("flags 0x%x: unknown bits 0x%x".formatted(bits, bits & ~bits(flags)));
        }
        return flags;
    }
}
