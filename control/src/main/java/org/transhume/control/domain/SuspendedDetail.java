package org.transhume.control.domain;

/** Why a domain stands, with libvirt's numbers. */
public enum SuspendedDetail {
    PAUSED(0),
    MIGRATED(1),
    IO_ERROR(2),
    WATCHDOG(3),
    RESTORED(4),
    FROM_SNAPSHOT(5),
    API_ERROR(6),
    POSTCOPY(7),
    POSTCOPY_FAILED(8);

    private final int code;

    SuspendedDetail(int code) {
        this.code = code;
    }

    public int code() {
        return code;
    }
}
