package org.transhume.control.domain;

/** Why a domain is gone, with libvirt's numbers. */
public enum StoppedDetail {
    SHUTDOWN(0),
    DESTROYED(1),
    CRASHED(2),
    MIGRATED(3),
    SAVED(4),
    FAILED(5),
    FROM_SNAPSHOT(6);

    private final int code;

    StoppedDetail(int code) {
        this.code = code;
    }

    public int code() {
        return code;
    }
}
