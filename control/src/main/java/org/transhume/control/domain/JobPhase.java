package org.transhume.control.domain;

/** Where the handshake of a job stands; only forwards. Everything from {@link #POSTCOPY_FAILED} on belongs to recovery. */
public enum JobPhase {
    NONE,
    BEGIN,
    PERFORM,
    PERFORM_DONE,
    CONFIRM_CANCELLED,
    CONFIRM,
    PREPARE,
    FINISH,
    POSTCOPY_FAILED,
    BEGIN_RESUME,
    PERFORM_RESUME,
    CONFIRM_RESUME,
    PREPARE_RESUME,
    FINISH_RESUME
}
