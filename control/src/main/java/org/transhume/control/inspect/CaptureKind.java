package org.transhume.control.inspect;

import org.transhume.channels.qemu.MultifdHello;

/** What a captured connection is, as far as its first eight bytes tell. */
enum CaptureKind {
    MAIN("main"),
    /** The main stream of a postcopy behind a cut: no header, its first record is a command. */
    RESUMED("resumed main"),
    MULTIFD("multifd channel"),
    RETURN_PATH("return path"),
    /** The channel of a postcopy's urgent pages: nothing but page records. */
    PREEMPT("preempt");

    private static final int COMMAND = 8;
    private static final int LAST_ANSWER = 7;
    private static final int FLAGS = 0xfff;
    private static final int ZERO = 2;
    private static final int PAGE = 8;

    /** How errors and summaries name it. */
    final String channel;

    CaptureKind(String channel) {
        this.channel = channel;
    }

    /** @param first eight bytes, big-endian, zeroes behind the end of the capture; what nothing begins with counts as a main stream */
    static CaptureKind of(long first) {
        int magic = (int) (first >>> Integer.SIZE);
        if (magic == MultifdHello.MAGIC) {
            return MULTIFD;
        }
        if (magic >>> 24 == COMMAND) {
            return RESUMED;
        }
        int answer = magic >>> 16;
        if (answer >= 1 && answer <= LAST_ANSWER) {
            return RETURN_PATH;
        }
        int flags = (int) first & FLAGS;
        return answer == 0 && (flags == ZERO || flags == PAGE) ? PREEMPT : MAIN;
    }
}
