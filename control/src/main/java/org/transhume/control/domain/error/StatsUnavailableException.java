package org.transhume.control.domain.error;

/** Figures of a running migration are its source's alone. */
public final class StatsUnavailableException extends DomainException {
    private static final long serialVersionUID = 1L;

    public StatsUnavailableException(String message) {
        super(ErrorCode.STATS_UNAVAILABLE, message, null);
    }
}
