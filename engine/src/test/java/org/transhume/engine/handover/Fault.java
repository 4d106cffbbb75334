package org.transhume.engine.handover;

/** What may go wrong on the way; an exploration says which. */
enum Fault {
    /** The connection breaks in one direction: of what is in flight, a beginning of any length still arrives. */
    CUT,
    /** The caller gives the migration up at the source. */
    CANCEL,
    /** The caller gives it up at the destination. */
    ABORT,
    /** A side loses patience with the other though nothing is broken. */
    IMPATIENCE,
    LOAD_FAILS,
    START_FAILS,
    SOURCE_DIES,
    DESTINATION_DIES,
    /** A question, or its answer, is lost. */
    QUESTION_LOST,
    /** The source stops asking while somebody could still answer. */
    STOPS_ASKING,
    /** The destination stops listening for questions. */
    STOPS_LISTENING
}
