package org.transhume.control.domain.error;

/** One of the two hosts has not built what was asked for. */
public final class UnsupportedCapabilityException extends DomainException {
    private static final long serialVersionUID = 1L;

    public UnsupportedCapabilityException(String message) {
        super(ErrorCode.UNSUPPORTED_CAPABILITY, message, null);
    }
}
