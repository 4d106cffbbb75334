package org.transhume.control.domain.error;

/** Something about a domain or its job that was refused or failed. */
public abstract sealed class DomainException extends RuntimeException
        permits HostLostException,
                IllegalMigrationException,
                JobConflictException,
                MigrationAbortedException,
                MigrationFailedException,
                NoSuchDomainException,
                NotRecoverableException,
                PointOfNoReturnException,
                StatsUnavailableException,
                UnsafeMigrationException,
                UnsupportedCapabilityException {
    private static final long serialVersionUID = 1L;

    private final ErrorCode code;

    DomainException(ErrorCode code, String message, Throwable cause) {
        super(message, cause);
        this.code = code;
    }

    public final ErrorCode code() {
        return code;
    }
}
