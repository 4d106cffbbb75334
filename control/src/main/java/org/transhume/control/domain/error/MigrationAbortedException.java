package org.transhume.control.domain.error;

/** Somebody cancelled the migration; the guest is at its source. */
public final class MigrationAbortedException extends DomainException {
    private static final long serialVersionUID = 1L;

    public MigrationAbortedException(String message) {
        super(ErrorCode.MIGRATION_ABORTED, message, null);
    }
}
