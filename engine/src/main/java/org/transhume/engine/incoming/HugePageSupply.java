package org.transhume.engine.incoming;

/**
 * Whether huge pages are at hand. Those that are cost a tenth of small ones; those that the kernel, or the host below it, has to
 * find first cost ten times as much. Only taking one tells: after one that was slow the next is tried later and later. One
 * thread.
 */
final class HugePageSupply {
    /** Small pages of the same size take twice that. */
    private static final long SLOW_NANOS = 350_000;

    private static final int FIRST_PAUSE = 16;
    private static final int LONGEST_PAUSE = 1024;

    private int pause; // after the next slow one
    private int left; // to go without

    HugePageSupply() {
        took(0);
    }

    /** Whether to take the next one. Asked once for each that could be taken. */
    boolean worthTrying() {
        if (left == 0) {
            return true;
        }
        left--;
        return false;
    }

    /** It was taken. */
    void took(long nanos) {
        if (nanos <= SLOW_NANOS) {
            pause = FIRST_PAUSE;
            left = 0;
        } else {
            left = pause;
            pause = Math.min(2 * pause, LONGEST_PAUSE);
        }
    }
}
