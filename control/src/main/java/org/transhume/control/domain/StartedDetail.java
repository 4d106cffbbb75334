package org.transhume.control.domain;

/** Why a domain began to exist, with libvirt's numbers. */
public enum StartedDetail {
    BOOTED(0),
    MIGRATED(1),
    RESTORED(2),
    FROM_SNAPSHOT(3),
    WAKEUP(4);

    private final int code;

    StartedDetail(int code) {
        this.code = code;
    }

    public int code() {
        return code;
    }
}
