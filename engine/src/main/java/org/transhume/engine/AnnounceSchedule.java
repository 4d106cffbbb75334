package org.transhume.engine;

/**
 * When a guest that has arrived tells the network where it is now: at once, then after delays that grow (spec: control.md
 * §6.13).
 *
 * @param initial milliseconds between the first announcement and the second, 0 and up
 * @param max longest delay between two, milliseconds, 0 and up
 * @param rounds announcements in all, 0 and up
 * @param step milliseconds by which each delay is longer than the one before, 0 and up
 */
public record AnnounceSchedule(long initial, long max, int rounds, long step) {
    /** Five announcements within 0.8 s, as all QEMUs do unless told otherwise. */
    public static final AnnounceSchedule DEFAULT = new AnnounceSchedule(50, 550, 5, 100);

    public AnnounceSchedule {
        if (initial < 0 || max < 0 || rounds < 0 || step < 0) {
            throw new IllegalArgumentException("announcements initial=%d max=%d rounds=%d step=%d: expected 0 or more"
                    .formatted(initial, max, rounds, step));
        }
    }

    /**
     * Milliseconds to wait before announcement {@code number}, from the one before it.
     *
     * @param number 1..rounds
     */
    public long delayBefore(int number) {
        return number == 1 ? 0 : Math.min(max, initial + (number - 2) * step);
    }
}
