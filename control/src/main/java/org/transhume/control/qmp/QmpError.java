package org.transhume.control.qmp;

/** A command was refused or failed; the message is the {@code desc} for the client. */
public final class QmpError extends Exception {
    private static final long serialVersionUID = 1;

    /** The kinds of error that a client may tell apart. */
    public enum Kind {
        GENERIC("GenericError"),
        COMMAND_NOT_FOUND("CommandNotFound"),
        DEVICE_NOT_ACTIVE("DeviceNotActive"),
        DEVICE_NOT_FOUND("DeviceNotFound"),
        KVM_MISSING_CAP("KVMMissingCap");

        private final String wireName;

        Kind(String wireName) {
            this.wireName = wireName;
        }

        public String wireName() {
            return wireName;
        }

        /** The kind called {@code wireName}; generic if there is none. */
        static Kind named(String wireName) {
            for (Kind kind : values()) {
                if (kind.wireName.equals(wireName)) {
                    return kind;
                }
            }
            return GENERIC;
        }
    }

    private final Kind kind;

    public QmpError(Kind kind, String desc) {
        super(desc);
        this.kind = kind;
    }

    /** A {@code GenericError}. */
    public QmpError(String desc) {
        this(Kind.GENERIC, desc);
    }

    public Kind kind() {
        return kind;
    }
}
