package org.transhume.engine.counters;

/** The counters of a process cannot be read. The message says why and what to do. */
public final class CountersUnavailableException extends Exception {
    private static final long serialVersionUID = 1L;

    private final boolean gone;

    CountersUnavailableException(String message, boolean gone) {
        super(message);
        this.gone = gone;
    }

    /** Whether the process has ended, or closed its counters: there is nothing to try again. */
    public boolean gone() {
        return gone;
    }
}
