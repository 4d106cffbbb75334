package org.transhume.engine.outgoing;

/** Where the lanes of an outgoing migration do their work. */
public enum LanePlacement {
    /** Behind the ring where there are several or there is something to compute, else in the scanner's thread. */
    AUTOMATIC,
    /** In the scanner's thread. */
    INLINE,
    /** Each in a thread of its own, behind the ring. */
    RING
}
