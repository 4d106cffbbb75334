package org.transhume.control.schema;

import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.transhume.control.qmp.Argument;
import org.transhume.control.qmp.ArgumentType;
import org.transhume.control.qmp.Feature;
import org.transhume.control.qmp.Json;
import org.transhume.control.qmp.QmpCommand;
import org.transhume.control.qmp.QmpEvent;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * The entries of {@code query-qmp-schema} (spec: control.md §1.8): commands and events, then every type they mention, each
 * once. Types are named by numbers that mean nothing.
 */
final class Schema {
    /** The number of each type so far that has one, by all else that is said of it. */
    private final Map<String, String> numbers = new HashMap<>();

    /** Types so far that have a name: builtins, and arrays, which are named after their elements. */
    private final Set<String> names = new HashSet<>();

    private final List<ObjectNode> commandsAndEvents = new ArrayList<>();
    private final List<ObjectNode> types = new ArrayList<>();

    private Schema() {}

    static ArrayNode of(Collection<QmpCommand> commands, Collection<QmpEvent> events) {
        Schema schema = new Schema();
        commands.forEach(schema::add);
        events.forEach(schema::add);
        ArrayNode entries = JsonNodeFactory.instance.arrayNode();
        return entries.addAll(schema.commandsAndEvents).addAll(schema.types);
    }

    private void add(QmpCommand command) {
        ObjectNode entry = entry(command.name(), "command");
        entry.put("arg-type", name(new ArgumentType.Struct(command.arguments())));
        entry.put("ret-type", name(command.result()));
        if (command.oob()) {
            entry.put("allow-oob", true);
        }
        put(entry, command.features());
        commandsAndEvents.add(entry);
    }

    private void add(QmpEvent event) {
        commandsAndEvents.add(
                entry(event.name(), "event").put("arg-type", name(new ArgumentType.Struct(event.data()))));
    }

    /** The name of {@code type}, which is added if it is met for the first time. */
    private String name(ArgumentType type) {
        return switch (type) {
            case ArgumentType.Text _ -> builtin("str", "string");
            case ArgumentType.Flag _ -> builtin("bool", "boolean");
            case ArgumentType.Decimal _ -> builtin("number", "number");
            case ArgumentType.Anything _ -> builtin("any", "value");
            case ArgumentType.Whole _ -> builtin("int", "int"); // whatever its width: clients know only one
            case ArgumentType.ListOf(ArgumentType element) -> {
                String of = name(element);
                yield named("[" + of + "]", "array", "element-type", of);
            }
            case ArgumentType.Choice choice -> numbered("enum", entry -> putWords(entry, choice));
            case ArgumentType.Struct(List<Argument> members) -> numbered("object", entry -> putMembers(entry, members));
            case ArgumentType.Union union -> numbered("object", entry -> putUnion(entry, union));
            case ArgumentType.TextOrNull _ ->
                numbered("alternate", entry -> {
                    ArrayNode members = entry.putArray("members");
                    members.addObject().put("type", builtin("str", "string"));
                    members.addObject().put("type", builtin("null", "null"));
                });
        };
    }

    private String builtin(String name, String json) {
        return named(name, "builtin", "json-type", json);
    }

    /** What a type is besides its name. */
    @FunctionalInterface
    private interface Description {
        void addTo(ObjectNode entry);
    }

    /** Types that look the same to clients are one: it does not matter to them what else a check knows. */
    private String numbered(String metaType, Description description) {
        ObjectNode described = entry("", metaType);
        description.addTo(described);
        return numbers.computeIfAbsent(described.toString(), _ -> {
            String number = Integer.toString(numbers.size());
            types.add(described.put("name", number));
            return number;
        });
    }

    private String named(String name, String metaType, String member, String value) {
        if (names.add(name)) {
            types.add(entry(name, metaType).put(member, value));
        }
        return name;
    }

    private static void putWords(ObjectNode entry, ArgumentType.Choice choice) {
        ArrayNode members = entry.putArray("members");
        ArrayNode values = entry.putArray("values");
        for (String word : choice.told()) {
            Set<Feature> features = EnumSet.noneOf(Feature.class);
            features.addAll(Feature.impliedBy(word));
            if (choice.deprecated().contains(word)) {
                features.add(Feature.DEPRECATED);
            }
            put(members.addObject().put("name", word), features);
            values.add(word);
        }
    }

    private void putMembers(ObjectNode entry, List<Argument> arguments) {
        ArrayNode members = entry.putArray("members");
        for (Argument argument : arguments) {
            ObjectNode member = members.addObject().put("name", argument.name()).put("type", name(argument.type()));
            if (argument.optional()) {
                member.putNull("default");
            }
            put(member, Feature.impliedBy(argument.name()));
        }
    }

    private void putUnion(ObjectNode entry, ArgumentType.Union union) {
        List<Argument> members = new ArrayList<>(union.common());
        members.add(Argument.required(union.selector(), union.selectorType()));
        putMembers(entry, members);
        entry.put("tag", union.selector());
        ArrayNode variants = entry.putArray("variants");
        for (String word : union.selectorType().told()) {
            variants.addObject()
                    .put("case", word)
                    .put("type", name(union.branches().get(word)));
        }
    }

    private static void put(ObjectNode entry, Set<Feature> features) {
        if (!features.isEmpty()) {
            ArrayNode names = entry.putArray("features");
            features.forEach(feature -> names.add(feature.wireName()));
        }
    }

    private static ObjectNode entry(String name, String metaType) {
        return Json.object().put("name", name).put("meta-type", metaType);
    }
}
