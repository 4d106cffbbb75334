package org.transhume.control.guest;

import java.util.Locale;

/** What {@code query-status} says of a guest (spec: control.md §1.9); those that a guest here can reach. */
public enum RunState {
    PRELAUNCH,
    RUNNING,
    PAUSED,
    INMIGRATE,
    FINISH_MIGRATE,
    POSTMIGRATE,
    SAVE_VM,
    RESTORE_VM;

    public String wireName() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}
