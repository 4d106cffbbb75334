package org.transhume.control.domain;

/** What Confirm is told of Finish. */
public enum Verdict {
    /** The destination has the guest. */
    ARRIVED(1),
    /** It does not, and never will. */
    CANCELLED(2),
    /** It did not answer, nor when it was asked again: it may run the guest, or not. */
    UNKNOWN(3);

    private final int code;

    Verdict(int code) {
        this.code = code;
    }

    /** On the wire. */
    public int code() {
        return code;
    }
}
