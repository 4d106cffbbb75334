package org.transhume.channels.qemu;

/** A command of the main stream, source to destination (spec: stream.md §7.1), as far as this release knows them. */
public sealed interface Command {
    /** From here on the destination may write on the same connection. */
    record OpenReturnPath() implements Command {}

    /** To be answered by a PONG with the same value. */
    record Ping(int value) implements Command {}

    /** The guest has stopped; the final data follows. */
    record SwitchoverStart() implements Command {}

    /**
     * The guest may be started here before all of its pages came.
     *
     * @param hostPages the sizes of the source's host pages, or'ed
     */
    record PostcopyAdvise(long hostPages) implements Command {}

    /** On the new connection of a recovery: all was answered, pages follow again. */
    record PostcopyResume() implements Command {}

    /** On the new connection of a recovery: tell which pages of this block came. */
    record RecvBitmap(String block) implements Command {}

    /** Codes on the wire. */
    int OPEN_RETURN_PATH = 1;

    int PING = 2;
    int POSTCOPY_ADVISE = 3;
    int POSTCOPY_LISTEN = 4;
    int POSTCOPY_RUN = 5;
    int POSTCOPY_RAM_DISCARD = 6;
    int PACKAGED = 7;
    int POSTCOPY_RESUME = 9;
    int RECV_BITMAP = 10;
    int SWITCHOVER_START = 11;
}
