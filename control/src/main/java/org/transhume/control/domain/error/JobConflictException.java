package org.transhume.control.domain.error;

/** The domain has a job already, or there is no room for one. */
public final class JobConflictException extends DomainException {
    private static final long serialVersionUID = 1L;

    public JobConflictException(String message) {
        super(ErrorCode.JOB_CONFLICT, message, null);
    }
}
