package org.transhume.control.domain.error;

/** Moving the guest may lose data; the flag UNSAFE does it all the same. */
public final class UnsafeMigrationException extends DomainException {
    private static final long serialVersionUID = 1L;

    public UnsafeMigrationException(String message) {
        super(ErrorCode.UNSAFE_MIGRATION, message, null);
    }
}
