package org.transhume.control.qmp;

/** Where the lines for one client go. Safe for any thread. */
interface QmpOutput {
    /** Waits for room: an answer is lost only with its client. */
    void answer(byte[] line);

    /** Never waits: a client that has no room for an event loses its connection. */
    void event(byte[] line);
}
