package org.transhume.control.domain.error;

/** The other host did not answer: what was asked of it may have been done, or not. */
public final class HostLostException extends DomainException {
    private static final long serialVersionUID = 1L;

    public HostLostException(String message, Throwable cause) {
        super(ErrorCode.HOST_LOST, message, cause);
    }
}
