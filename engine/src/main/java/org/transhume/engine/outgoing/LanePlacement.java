package org.transhume.engine.outgoing;

/** Where the lanes of an outgoing migration do their work. */
public enum LanePlacement {
    /** Behind the ring where there are several, in the scanner's thread where there is one. */
    AUTOMATIC,
    /** In the scanner's thread. */
    INLINE,
    /** Each in a thread of its own, behind the ring. */
    RING
}
