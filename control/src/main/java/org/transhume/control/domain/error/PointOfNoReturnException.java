package org.transhume.control.domain.error;

/** Too late to cancel: the source does not have the whole guest any more, or it waits for the destination's last word. */
public final class PointOfNoReturnException extends DomainException {
    private static final long serialVersionUID = 1L;

    public PointOfNoReturnException(String message) {
        super(ErrorCode.POINT_OF_NO_RETURN, message, null);
    }
}
