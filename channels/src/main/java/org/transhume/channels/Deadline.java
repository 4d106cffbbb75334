package org.transhume.channels;

import java.time.Duration;

/** The end of a wait that begins now. A limit of zero never ends. */
record Deadline(Duration limit, long start) {

    static Deadline in(Duration limit) {
        return new Deadline(limit, System.nanoTime());
    }

    /** For poll: rounded up, -1 for ever, 0 when the time is over. */
    int millisLeft() {
        if (limit.isZero()) {
            return -1;
        }
        Duration left = limit.minusNanos(System.nanoTime() - start);
        if (left.isNegative() || left.isZero()) {
            return 0;
        }
        return left.compareTo(Duration.ofDays(1)) > 0 ? (int) Duration.ofDays(1).toMillis() : (int) left.toMillis() + 1;
    }

    boolean isOver() {
        return millisLeft() == 0;
    }

    /** The limit in words. */
    String text() {
        return limit.toMillis() + " ms";
    }
}
