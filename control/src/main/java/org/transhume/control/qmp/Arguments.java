package org.transhume.control.qmp;

import java.util.List;
import java.util.Optional;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** The arguments of one command, or an object inside them, checked against their declaration. */
public final class Arguments {
    private final JsonNode members;

    private Arguments(JsonNode members) {
        this.members = members;
    }

    /**
     * Checks {@code given}, null if there were none.
     *
     * @throws QmpError if they are not as declared
     */
    static Arguments checked(List<Argument> declared, ObjectNode given) throws QmpError {
        JsonNode members = given == null ? Json.object() : given;
        return new Arguments(new ArgumentType.Struct(declared).checked(ArgumentType.Place.TOP, members));
    }

    /** Whether {@code name} was given. */
    public boolean has(String name) {
        return members.has(name);
    }

    /** The string {@code name}, if given. */
    public Optional<String> text(String name) {
        return node(name).map(JsonNode::stringValue);
    }

    /** The boolean {@code name}, or {@code otherwise} if not given. */
    public boolean flag(String name, boolean otherwise) {
        return node(name).map(JsonNode::booleanValue).orElse(otherwise);
    }

    /** The 64 bits of the integer {@code name}, or {@code otherwise} if not given. */
    public long whole(String name, long otherwise) {
        return node(name).map(n -> n.bigIntegerValue().longValue()).orElse(otherwise);
    }

    /** The number {@code name}, or {@code otherwise} if not given. */
    public double decimal(String name, double otherwise) {
        return node(name).map(JsonNode::asDouble).orElse(otherwise);
    }

    /** The object {@code name}, if given. */
    public Optional<Arguments> struct(String name) {
        return node(name).map(Arguments::new);
    }

    /** The objects of the list {@code name}; none if it was not given. */
    public List<Arguments> structs(String name) {
        return node(name)
                .map(list -> list.valueStream().map(Arguments::new).toList())
                .orElse(List.of());
    }

    /** The strings of the list {@code name}; none if it was not given. */
    public List<String> texts(String name) {
        return node(name)
                .map(list -> list.valueStream().map(JsonNode::stringValue).toList())
                .orElse(List.of());
    }

    /** The value {@code name} as JSON, if given. */
    public Optional<JsonNode> node(String name) {
        return members.optional(name);
    }
}
