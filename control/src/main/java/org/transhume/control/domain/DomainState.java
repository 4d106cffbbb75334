package org.transhume.control.domain;

/** What a domain does, and why; with libvirt's numbers. */
public enum DomainState {
    RUNNING_BOOTED(Kind.RUNNING, 1),
    RUNNING_MIGRATED(Kind.RUNNING, 2),
    RUNNING_UNPAUSED(Kind.RUNNING, 5),
    RUNNING_MIGRATION_CANCELED(Kind.RUNNING, 6),
    RUNNING_POSTCOPY(Kind.RUNNING, 10),
    RUNNING_POSTCOPY_FAILED(Kind.RUNNING, 11),
    PAUSED_USER(Kind.PAUSED, 1),
    /** Stopped for the switchover, or not started yet. */
    PAUSED_MIGRATION(Kind.PAUSED, 2),
    PAUSED_IO_ERROR(Kind.PAUSED, 5),
    PAUSED_STARTING_UP(Kind.PAUSED, 11),
    PAUSED_POSTCOPY(Kind.PAUSED, 12),
    PAUSED_POSTCOPY_FAILED(Kind.PAUSED, 13),
    /** It was to go on after a migration that failed, and could not. */
    PAUSED_API_ERROR(Kind.PAUSED, 14),
    SHUTOFF_UNKNOWN(Kind.SHUTOFF, 0),
    SHUTOFF_MIGRATED(Kind.SHUTOFF, 4),
    SHUTOFF_FAILED(Kind.SHUTOFF, 6);

    /** What it does, with libvirt's numbers. */
    public enum Kind {
        RUNNING(1),
        PAUSED(3),
        SHUTOFF(5);

        private final int code;

        Kind(int code) {
            this.code = code;
        }

        public int code() {
            return code;
        }
    }

    private final Kind kind;
    private final int reason;

    DomainState(Kind kind, int reason) {
        this.kind = kind;
        this.reason = reason;
    }

    public Kind kind() {
        return kind;
    }

    /** libvirt's number of the reason, which means something together with {@link #kind} only. */
    public int reason() {
        return reason;
    }
}
