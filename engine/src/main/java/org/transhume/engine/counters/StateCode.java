package org.transhume.engine.counters;

import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;
import org.transhume.engine.MigrationState;

/** States as numbers: part of the counters file, so a code never changes its meaning. */
public enum StateCode {
    SETUP(1),
    ACTIVE(2),
    DEVICE(3),
    CANCELLING(4),
    CANCELLED(5),
    COMPLETED(6),
    FAILED(7),
    PRE_SWITCHOVER(8),
    POSTCOPY_ACTIVE(9),
    POSTCOPY_PAUSED(10),
    POSTCOPY_RECOVER_SETUP(11),
    POSTCOPY_RECOVER(12);

    private final int code;

    StateCode(int code) {
        this.code = code;
    }

    public int code() {
        return code;
    }

    public static StateCode of(MigrationState state) {
        return switch (state) {
            case MigrationState.Setup _ -> SETUP;
            case MigrationState.Active _ -> ACTIVE;
            case MigrationState.PreSwitchover _ -> PRE_SWITCHOVER;
            case MigrationState.Device _ -> DEVICE;
            case MigrationState.PostcopyActive _ -> POSTCOPY_ACTIVE;
            case MigrationState.PostcopyPaused _ -> POSTCOPY_PAUSED;
            case MigrationState.PostcopyRecoverSetup _ -> POSTCOPY_RECOVER_SETUP;
            case MigrationState.PostcopyRecover _ -> POSTCOPY_RECOVER;
            case MigrationState.Cancelling _ -> CANCELLING;
            case MigrationState.Cancelled _ -> CANCELLED;
            case MigrationState.Completed _ -> COMPLETED;
            case MigrationState.Failed _ -> FAILED;
        };
    }

    /** The state's name, or the number itself if a newer version made it. */
    public static String name(long code) {
        return Arrays.stream(values())
                .filter(state -> state.code == code)
                .findFirst()
                .map(StateCode::wireName)
                .orElse("state " + code);
    }

    private String wireName() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /** All of them for a person. */
    static String text() {
        return Arrays.stream(values())
                .map(state -> "%d %s".formatted(state.code, state.wireName()))
                .collect(Collectors.joining(", "));
    }
}
