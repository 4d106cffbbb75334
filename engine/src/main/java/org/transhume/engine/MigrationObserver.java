package org.transhume.engine;

/** Hears of a migration on the migration's own thread, which waits meanwhile: be quick. No lock is held. */
public interface MigrationObserver {
    /** After every change; the last call is for a state that has {@linkplain MigrationState#ended ended}. */
    default void state(MigrationState state) {}

    /** After each harvest of the dirty source, 1 and up. */
    default void pass(int number) {}
}
