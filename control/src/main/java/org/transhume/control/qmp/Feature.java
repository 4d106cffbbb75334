package org.transhume.control.qmp;

import java.util.Locale;

/** What a client is told of a command, an argument or a word besides its type. */
public enum Feature {
    /** There is a better way, and it may go. */
    DEPRECATED,
    /** It may change or go without notice. */
    UNSTABLE;

    public String wireName() {
        return name().toLowerCase(Locale.ROOT);
    }
}
