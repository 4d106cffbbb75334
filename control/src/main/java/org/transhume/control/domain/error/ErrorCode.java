package org.transhume.control.domain.error;

import java.util.Arrays;
import java.util.Optional;

/** The kinds of errors as they travel between hosts: written out, and fixed for ever. */
public enum ErrorCode {
    ILLEGAL_MIGRATION(1),
    UNSUPPORTED_CAPABILITY(2),
    JOB_CONFLICT(3),
    POINT_OF_NO_RETURN(4),
    NOT_RECOVERABLE(5),
    STATS_UNAVAILABLE(6),
    UNSAFE_MIGRATION(7),
    MIGRATION_FAILED(8),
    NO_SUCH_DOMAIN(9),
    MIGRATION_ABORTED(10),
    HOST_LOST(11),
    /** For {@link IllegalStateException}: not now, or not with this job. */
    INVALID_OPERATION(12),
    /** For {@link IllegalArgumentException}: a value that is none. */
    INVALID_ARGUMENT(13);

    private final int code;

    ErrorCode(int code) {
        this.code = code;
    }

    public int code() {
        return code;
    }

    /** Empty for one that this version does not know. */
    public static Optional<ErrorCode> of(int code) {
        return Arrays.stream(values()).filter(e -> e.code == code).findFirst();
    }
}
