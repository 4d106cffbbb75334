package org.transhume.channels.qemu;

/** A command of the main stream, source to destination (spec: stream.md §7.1), as far as this release knows them. */
public sealed interface Command {
    /** From here on the destination may write on the same connection. */
    record OpenReturnPath() implements Command {}

    /** To be answered by a PONG with the same value. */
    record Ping(int value) implements Command {}

    /** The guest has stopped; the final data follows. */
    record SwitchoverStart() implements Command {}

    /** Codes on the wire. */
    int OPEN_RETURN_PATH = 1;

    int PING = 2;
    int SWITCHOVER_START = 11;
}
