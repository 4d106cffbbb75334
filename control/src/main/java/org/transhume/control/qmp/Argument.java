package org.transhume.control.qmp;

/**
 * A member of a command's arguments or result, or of an object inside them.
 *
 * @param about unit and meaning, for readers; empty where the name says it. Tells no two arguments apart
 */
public record Argument(String name, ArgumentType type, boolean optional, String about) {
    /** One that has to be there. */
    public static Argument required(String name, ArgumentType type) {
        return new Argument(name, type, false, "");
    }

    /** One that may be left out. */
    public static Argument optional(String name, ArgumentType type) {
        return new Argument(name, type, true, "");
    }

    /** The same, with its unit and meaning. */
    public Argument about(String text) {
        return new Argument(name, type, optional, text);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Argument that
                && name.equals(that.name)
                && type.equals(that.type)
                && optional == that.optional;
    }

    @Override
    public int hashCode() {
        return name.hashCode() * 31 + type.hashCode();
    }
}
