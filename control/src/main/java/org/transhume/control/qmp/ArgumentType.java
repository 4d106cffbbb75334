package org.transhume.control.qmp;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.transhume.control.settings.IntegerType;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.BigIntegerNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;
import tools.jackson.databind.node.StringNode;

/** What an argument or a result may be. The check a value has to pass, and what a client is told, follow from it. */
public sealed interface ArgumentType {
    /** Where a value stands: {@code path} from the top, {@code name} of the member, null in a list. */
    record Place(String path, String name) {
        static final Place TOP = new Place("", null);

        Place member(String member) {
            return new Place(path.isEmpty() ? member : path + "." + member, member);
        }

        Place element(int index) {
            return new Place(path + "[" + index + "]", null);
        }

        QmpError expected(String what) {
            return new QmpError("Invalid parameter type for '" + path + "', expected: " + what);
        }
    }

    /**
     * The value in the form that commands see.
     *
     * @throws QmpError if it is not of this type
     */
    JsonNode checked(Place place, JsonNode value) throws QmpError;

    /** A string. */
    record Text() implements ArgumentType {
        @Override
        public JsonNode checked(Place place, JsonNode value) throws QmpError {
            if (!value.isString()) {
                throw place.expected("string");
            }
            return value;
        }
    }

    /** A string, or null for the empty one. */
    record TextOrNull() implements ArgumentType {
        @Override
        public JsonNode checked(Place place, JsonNode value) throws QmpError {
            if (value.isNull()) {
                return StringNode.valueOf("");
            }
            if (!value.isString()) {
                throw place.expected("StrOrNull");
            }
            return value;
        }
    }

    /** True or false. */
    record Flag() implements ArgumentType {
        @Override
        public JsonNode checked(Place place, JsonNode value) throws QmpError {
            if (!value.isBoolean()) {
                throw place.expected("boolean");
            }
            return value;
        }
    }

    /** An integer; a negative one that wraps is seen as the unsigned one. */
    record Whole(IntegerType type) implements ArgumentType {
        @Override
        public JsonNode checked(Place place, JsonNode value) throws QmpError {
            if (!value.isIntegralNumber()) {
                throw new QmpError(type.mistyped(place.path));
            }
            BigInteger number = value.bigIntegerValue();
            long bits = type.fit(number).orElseThrow(() -> new QmpError(type.refusal(place.path, place.name, number)));
            return type.unsigned() && bits < 0
                    ? BigIntegerNode.valueOf(new BigInteger(Long.toUnsignedString(bits)))
                    : value;
        }
    }

    /** Any number. */
    record Decimal() implements ArgumentType {
        @Override
        public JsonNode checked(Place place, JsonNode value) throws QmpError {
            if (!value.isNumber()) {
                throw place.expected("number");
            }
            return value;
        }
    }

    /**
     * One of several words.
     *
     * @param accepted words that pass the check
     * @param lacking those of them that no client is told of, as the command then says why it cannot have them
     * @param deprecated those of them that may go
     */
    record Choice(List<String> accepted, Set<String> lacking, Set<String> deprecated) implements ArgumentType {
        public Choice {
            accepted = List.copyOf(accepted);
            lacking = Set.copyOf(lacking);
            deprecated = Set.copyOf(deprecated);
        }

        public Choice(List<String> accepted) {
            this(accepted, Set.of(), Set.of());
        }

        /** The words that a client may count on. */
        public List<String> told() {
            return accepted.stream().filter(word -> !lacking.contains(word)).toList();
        }

        @Override
        public JsonNode checked(Place place, JsonNode value) throws QmpError {
            if (!value.isString()) {
                throw place.expected("string");
            }
            if (!accepted.contains(value.stringValue())) {
                // Only the last name, and "null" in a list: so does QEMU.
                throw new QmpError(
                        "Parameter '" + place.name + "' does not accept value '" + value.stringValue() + "'");
            }
            return value;
        }
    }

    /** Any number of values of one type. */
    record ListOf(ArgumentType element) implements ArgumentType {
        @Override
        public JsonNode checked(Place place, JsonNode value) throws QmpError {
            if (!value.isArray()) {
                throw place.expected("array");
            }
            ArrayNode checked = JsonNodeFactory.instance.arrayNode(value.size());
            for (int i = 0; i < value.size(); i++) {
                checked.add(element.checked(place.element(i), value.get(i)));
            }
            return checked;
        }
    }

    /** An object with the given members and no others. */
    record Struct(List<Argument> members) implements ArgumentType {
        public Struct {
            members = List.copyOf(members);
        }

        public Struct(Argument... members) {
            this(List.of(members));
        }

        @Override
        public JsonNode checked(Place place, JsonNode value) throws QmpError {
            return checkedMembers(place, value, members);
        }
    }

    /**
     * An object whose member {@code selector}, besides the common ones, decides which others there are.
     *
     * @param lacking branches that no client is told of, as the command then says why it cannot have them
     */
    record Union(List<Argument> common, String selector, Map<String, ArgumentType> branches, Set<String> lacking)
            implements ArgumentType {
        public Union {
            common = List.copyOf(common);
            // In an order of their own, so that clients are told the same by every process.
            branches = Collections.unmodifiableSortedMap(new TreeMap<>(branches));
            lacking = Set.copyOf(lacking);
        }

        @Override
        public JsonNode checked(Place place, JsonNode value) throws QmpError {
            return checkedMembers(place, value, membersFor(place, value));
        }

        public Union(List<Argument> common, String selector, Map<String, ArgumentType> branches) {
            this(common, selector, branches, Set.of());
        }

        /** The words of the deciding member. */
        public Choice selectorType() {
            return new Choice(List.copyOf(branches.keySet()), lacking, Set.of());
        }

        private List<Argument> membersFor(Place place, JsonNode value) throws QmpError {
            Argument selecting = Argument.required(selector, selectorType());
            JsonNode selected = value.get(selector);
            List<Argument> members = new ArrayList<>(common);
            members.add(selecting);
            if (selected == null || !selected.isString() || !branches.containsKey(selected.stringValue())) {
                return members; // the check of the selector itself will say what is wrong
            }
            switch (branches.get(selected.stringValue())) {
                case Struct struct -> members.addAll(struct.members);
                case Union union -> members.addAll(union.membersFor(place, value));
                default -> throw new IllegalStateException("a branch is an object: " + selected);
            }
            return members;
        }
    }

    /** Anything at all. */
    record Anything() implements ArgumentType {
        @Override
        public JsonNode checked(Place place, JsonNode value) {
            return value;
        }
    }

    /** What is wrong with {@code value} as one of these, for whoever wrote the command that answered it; empty if nothing. */
    default Optional<String> flawOf(JsonNode value) {
        try {
            checked(Place.TOP, value);
            return Optional.empty();
        } catch (QmpError e) {
            return Optional.of(e.getMessage());
        }
    }

    private static ObjectNode checkedMembers(Place place, JsonNode value, List<Argument> members) throws QmpError {
        if (!value.isObject()) {
            throw place.expected("object");
        }
        ObjectNode checked = Json.object();
        for (Argument member : members) {
            Place there = place.member(member.name());
            JsonNode given = value.get(member.name());
            if (given != null) {
                checked.set(member.name(), member.type().checked(there, given));
            } else if (!member.optional()) {
                throw new QmpError("Parameter '" + there.path + "' is missing");
            }
        }
        for (String name : value.propertyNames()) {
            if (!checked.has(name)) {
                throw new QmpError("Parameter '" + place.member(name).path + "' is unexpected");
            }
        }
        return checked;
    }
}
