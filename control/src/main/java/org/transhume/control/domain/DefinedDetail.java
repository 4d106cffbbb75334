package org.transhume.control.domain;

/** Why a definition was stored, with libvirt's numbers. */
public enum DefinedDetail {
    ADDED(0),
    UPDATED(1);

    private final int code;

    DefinedDetail(int code) {
        this.code = code;
    }

    public int code() {
        return code;
    }
}
