package org.transhume.control.qmp;

import java.util.List;
import tools.jackson.databind.JsonNode;

/** One command of the protocol. Registered with {@link QmpDispatcher#register}. */
public interface QmpCommand {
    String name();

    /** What it takes; checked in this order before {@link #execute}. */
    default List<Argument> arguments() {
        return List.of();
    }

    /** Whether it may also run out of band: on the reader's thread, beside a command in band, never waiting for it. */
    default boolean oob() {
        return false;
    }

    /**
     * Runs it. In band only one command runs at a time in the process.
     *
     * @return the result, or null for the empty object
     * @throws QmpError if it is refused
     */
    JsonNode execute(Arguments arguments) throws QmpError;

    /** What a command does. */
    @FunctionalInterface
    interface Action {
        JsonNode execute(Arguments arguments) throws QmpError;
    }

    /** A command in band. */
    static QmpCommand of(String name, List<Argument> arguments, Action action) {
        return new Declared(name, arguments, false, action);
    }

    /** A command that may also run out of band. */
    static QmpCommand outOfBand(String name, List<Argument> arguments, Action action) {
        return new Declared(name, arguments, true, action);
    }

    /** A command whose parts were given one by one. */
    record Declared(String name, List<Argument> arguments, boolean oob, Action action) implements QmpCommand {
        public Declared {
            arguments = List.copyOf(arguments);
        }

        @Override
        public JsonNode execute(Arguments given) throws QmpError {
            return action.execute(given);
        }
    }
}
