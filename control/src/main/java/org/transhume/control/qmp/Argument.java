package org.transhume.control.qmp;

/** A member of a command's arguments, or of an object inside them. */
public record Argument(String name, ArgumentType type, boolean optional) {
    /** One that has to be there. */
    public static Argument required(String name, ArgumentType type) {
        return new Argument(name, type, false);
    }

    /** One that may be left out. */
    public static Argument optional(String name, ArgumentType type) {
        return new Argument(name, type, true);
    }
}
