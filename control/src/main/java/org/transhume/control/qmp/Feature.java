package org.transhume.control.qmp;

import java.util.Locale;
import java.util.Set;

/** What a client is told of a command, an argument or a word besides its type. */
public enum Feature {
    /** There is a better way, and it may go. */
    DEPRECATED,
    /** It may change or go without notice. */
    UNSTABLE;

    /** What goes without saying of a command, an argument or a word with this name: all that begin with x- may change. */
    public static Set<Feature> impliedBy(String name) {
        return name.startsWith("x-") ? Set.of(UNSTABLE) : Set.of();
    }

    public String wireName() {
        return name().toLowerCase(Locale.ROOT);
    }
}
