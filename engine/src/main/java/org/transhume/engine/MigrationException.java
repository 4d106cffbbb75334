package org.transhume.engine;

/** A migration did not succeed. The message is one line for people: the first cause and what to do about it. */
public final class MigrationException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final boolean ownershipUnknown;

    public MigrationException(String message, Throwable cause, boolean ownershipUnknown) {
        super(message, cause);
        this.ownershipUnknown = ownershipUnknown;
    }

    public MigrationException(String message) {
        this(message, null, false);
    }

    /** Whether the destination may run the guest, so that the source must not without an operator's word. */
    public boolean ownershipUnknown() {
        return ownershipUnknown;
    }

    /** What {@code t} says, in one line. */
    public static String reasonOf(Throwable t) {
        String message = t.getMessage();
        return message == null ? t.toString() : message.lines().findFirst().orElse(t.toString());
    }
}
