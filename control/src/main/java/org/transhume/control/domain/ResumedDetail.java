package org.transhume.control.domain;

/** Why a domain runs again, with libvirt's numbers. */
public enum ResumedDetail {
    UNPAUSED(0),
    MIGRATED(1),
    FROM_SNAPSHOT(2),
    POSTCOPY(3),
    POSTCOPY_FAILED(4);

    private final int code;

    ResumedDetail(int code) {
        this.code = code;
    }

    public int code() {
        return code;
    }
}
