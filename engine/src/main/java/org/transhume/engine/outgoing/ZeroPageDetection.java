package org.transhume.engine.outgoing;

/** Who looks for pages that are all zero. */
public enum ZeroPageDetection {
    /** Nobody: every page that was ever written travels in full. */
    NONE,
    /** The scanner, which records them on the main channel. */
    LEGACY,
    /** Each lane for its own pages, where the dialect has a place for them in a packet. */
    MULTIFD
}
