package org.transhume.control.domain.error;

import java.util.Optional;

/** The migration went wrong on its way. The message has the first cause, and the source's before the destination's. */
public final class MigrationFailedException extends DomainException {
    private static final long serialVersionUID = 1L;

    private final String sourceCause;
    private final String destinationCause;

    private MigrationFailedException(String message, String sourceCause, String destinationCause, Throwable cause) {
        super(ErrorCode.MIGRATION_FAILED, message, cause);
        this.sourceCause = sourceCause;
        this.destinationCause = destinationCause;
    }

    public static MigrationFailedException atSource(String reason, Throwable cause) {
        return new MigrationFailedException(reason, reason, null, cause);
    }

    public static MigrationFailedException atDestination(String reason, Throwable cause) {
        return new MigrationFailedException(reason, null, reason, cause);
    }

    /** What the source says, and what the destination adds, if it adds anything. */
    public static MigrationFailedException joined(String source, Optional<String> destination) {
        return destination
                .map(there -> new MigrationFailedException(source + "; destination: " + there, source, there, null))
                .orElseGet(() -> atSource(source, null));
    }

    public Optional<String> sourceCause() {
        return Optional.ofNullable(sourceCause);
    }

    public Optional<String> destinationCause() {
        return Optional.ofNullable(destinationCause);
    }
}
