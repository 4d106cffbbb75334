package org.transhume.control.devices;

import java.util.Locale;

/**
 * Where COLO stands on one side (spec: control.md §2.6).
 *
 * @param mode this side's part
 * @param last its part before COLO ended
 * @param reason why it ended
 */
public record ColoStatus(Mode mode, Mode last, Reason reason) {
    /** Never in COLO. */
    public static final ColoStatus NONE = new ColoStatus(Mode.NONE, Mode.NONE, Reason.NONE);

    /** The part that a side plays. */
    public enum Mode {
        NONE,
        PRIMARY,
        SECONDARY;

        public String wireName() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** Why COLO ended. */
    public enum Reason {
        NONE,
        REQUEST,
        ERROR,
        PROCESSING;

        public String wireName() {
            return name().toLowerCase(Locale.ROOT);
        }
    }
}
