package org.transhume.engine;

/**
 * Where a migration stands. Either side; the outgoing one alone is {@link PreSwitchover}, {@link Device}, {@link Cancelling},
 * {@link Cancelled}.
 */
public sealed interface MigrationState {
    /** Connecting or listening. */
    record Setup() implements MigrationState {}

    /** Pages move; the source's guest runs. */
    record Active() implements MigrationState {}

    /** The guest is stopped, and nothing is sent until the caller lets it go on. */
    record PreSwitchover() implements MigrationState {}

    /** The guest is stopped, the last pages and its devices move. */
    record Device() implements MigrationState {}

    record Cancelling() implements MigrationState {}

    record Cancelled() implements MigrationState {}

    record Completed() implements MigrationState {}

    /**
     * It ended with an error.
     *
     * @param during what it was at, one or two words
     * @param reason one line: the first thing that went wrong, and what to do about it
     * @param ownershipUnknown the destination may run the guest: the source stays paused until its operator decides
     */
    record Failed(String during, String reason, Throwable cause, boolean ownershipUnknown) implements MigrationState {}

    /** Whether nothing moves any more and nothing is held. */
    default boolean ended() {
        return switch (this) {
            case Setup _, Active _, PreSwitchover _, Device _, Cancelling _ -> false;
            case Cancelled _, Completed _, Failed _ -> true;
        };
    }
}
