package org.transhume.engine;

/**
 * Where a migration stands. Either side; the outgoing one alone is {@link PreSwitchover}, {@link Device}, {@link Cancelling},
 * {@link Cancelled}, {@link PostcopyRecoverSetup}.
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

    /** The guest runs at the destination, and its pages still move. Either side. */
    record PostcopyActive() implements MigrationState {}

    /**
     * As before, but without a connection: each side keeps what it has until another one is made. Either side.
     *
     * @param reason one line: what became of the connection
     */
    record PostcopyPaused(String reason) implements MigrationState {
        /** The reason if somebody here wanted it, as QEMU has it. */
        public static final String BY_CALLER = "Postcopy migration is paused by the user";
    }

    /** The source connects anew. */
    record PostcopyRecoverSetup() implements MigrationState {}

    /** The two sides compare what came. Either side. */
    record PostcopyRecover() implements MigrationState {}

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
            case PostcopyActive _, PostcopyPaused _, PostcopyRecoverSetup _, PostcopyRecover _ -> false;
            case Cancelled _, Completed _, Failed _ -> true;
        };
    }

    /** Whether the guest belongs to the destination while not all of it is there. */
    default boolean postcopy() {
        return switch (this) {
            case PostcopyActive _, PostcopyPaused _, PostcopyRecoverSetup _, PostcopyRecover _ -> true;
            default -> false;
        };
    }
}
