package org.transhume.engine.handover;

/** How the two sides agree on who runs the guest. Latched when a migration begins. */
public enum Agreement {
    /** QEMU's stream without a return path: its last byte lets the destination start, and nobody answers. */
    UNANSWERED,
    /** QEMU's stream with a return path: its last byte lets the destination start, and SHUT says whether it did. */
    ANSWERED,
    /** Extension {@code x-handover}: the destination loads everything, says so, and starts when it is told to. */
    GRANTED
}
