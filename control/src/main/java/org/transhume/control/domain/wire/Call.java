package org.transhume.control.domain.wire;

import java.util.Arrays;

/** What may be asked, as it travels: written out, and fixed for ever. */
enum Call {
    BEGIN(1),
    PREPARE(2),
    PERFORM(3),
    FINISH(4),
    CONFIRM(5),
    MIGRATE_TO_URI(6),
    JOB_STATS(7),
    COMPLETED_STATS(8),
    ABORT(9),
    START_POSTCOPY(10),
    GET_MAX_DOWNTIME(11),
    SET_MAX_DOWNTIME(12),
    GET_MAX_SPEED(13),
    SET_MAX_SPEED(14),
    GET_COMPRESSION_CACHE(15),
    SET_COMPRESSION_CACHE(16);

    private final int code;

    Call(int code) {
        this.code = code;
    }

    int code() {
        return code;
    }

    static Call of(long code) {
        return Arrays.stream(values())
                .filter(call -> call.code == code)
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException(
                        "call %d is unknown here: use the same version on both hosts".formatted(code)));
    }
}
