package org.transhume.control.domain.error;

/** There is no broken post-copy migration to go on with. */
public final class NotRecoverableException extends DomainException {
    private static final long serialVersionUID = 1L;

    public NotRecoverableException(String message) {
        super(ErrorCode.NOT_RECOVERABLE, message, null);
    }
}
