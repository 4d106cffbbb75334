package org.transhume.engine.counters;

/** The end of a migration that counts. Codes are part of the counters file. */
public enum Side {
    /** The end that the guest leaves. */
    SOURCE(1),
    /** The end that it comes to. */
    DESTINATION(2);

    final int code;

    Side(int code) {
        this.code = code;
    }

    /** @return null for a code that is none */
    static Side of(int code) {
        for (Side side : values()) {
            if (side.code == code) {
                return side;
            }
        }
        return null;
    }
}
