package org.transhume.control.qmp;

import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import tools.jackson.databind.JsonNode;

/** One command of the protocol. Registered with {@link QmpDispatcher#register}. */
public interface QmpCommand {
    /** What a command answers that has nothing to say. */
    ArgumentType NOTHING = new ArgumentType.Struct(List.of());

    /** {@link #when} of most commands. */
    String ANY_TIME = "at any time";

    String name();

    /** What it takes; checked in this order before {@link #execute}. */
    default List<Argument> arguments() {
        return List.of();
    }

    /** What it answers. */
    default ArgumentType result() {
        return NOTHING;
    }

    /** One line for a reader who knows migration; empty if nobody has said yet, and {@link #result} counts for nothing then. */
    default String description() {
        return "";
    }

    /** When it does what it is for, in a few words; otherwise it is refused. */
    default String when() {
        return ANY_TIME;
    }

    /** What is said of it besides, in the order of {@link Feature}. */
    default Set<Feature> features() {
        return Feature.impliedBy(name());
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

    /** A command in band; what it answers, if anything, and what it is for are added to it. */
    static Declared of(String name, List<Argument> arguments, Action action) {
        return new Declared(name, arguments, NOTHING, "", ANY_TIME, Feature.impliedBy(name), false, action);
    }

    /** A command that may also run out of band. */
    static Declared outOfBand(String name, List<Argument> arguments, Action action) {
        return new Declared(name, arguments, NOTHING, "", ANY_TIME, Feature.impliedBy(name), true, action);
    }

    /** A command whose parts were given one by one. */
    record Declared(
            String name,
            List<Argument> arguments,
            ArgumentType result,
            String description,
            String when,
            Set<Feature> features,
            boolean oob,
            Action action)
            implements QmpCommand {
        public Declared {
            arguments = List.copyOf(arguments);
        }

        /** The same, answering a {@code type}. */
        public Declared returning(ArgumentType type) {
            return new Declared(name, arguments, type, description, when, features, oob, action);
        }

        /** The same, with one line for a reader who knows migration. */
        public Declared describedAs(String line) {
            return new Declared(name, arguments, result, line, when, features, oob, action);
        }

        /** The same, refused at other times than these. */
        public Declared onlyWhen(String times) {
            return new Declared(name, arguments, result, description, times, features, oob, action);
        }

        /** The same, and clients are told not to count on it. */
        public Declared with(Feature feature) {
            Set<Feature> more = EnumSet.of(feature);
            more.addAll(features);
            return new Declared(name, arguments, result, description, when, more, oob, action);
        }

        @Override
        public JsonNode execute(Arguments given) throws QmpError {
            return action.execute(given);
        }
    }
}
