package org.transhume.control.domain.error;

/** The host knows no such domain. */
public final class NoSuchDomainException extends DomainException {
    private static final long serialVersionUID = 1L;

    public NoSuchDomainException(String message) {
        super(ErrorCode.NO_SUCH_DOMAIN, message, null);
    }
}
