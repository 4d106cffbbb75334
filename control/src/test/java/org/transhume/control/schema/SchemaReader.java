package org.transhume.control.schema;

import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import tools.jackson.databind.JsonNode;

/** Follows the names of an answer to {@code query-qmp-schema} as a client does, whoever answered. */
public final class SchemaReader {
    private final Map<String, JsonNode> entries = new HashMap<>();

    public SchemaReader(JsonNode schema) {
        schema.forEach(entry -> {
            if (entries.put(entry.get("name").asString(), entry) != null) {
                throw new IllegalArgumentException("there twice: " + entry.get("name"));
            }
        });
    }

    /** Names of all commands or all events. */
    public Set<String> names(String metaType) {
        Set<String> names = new TreeSet<>();
        entries.forEach((name, entry) -> {
            if (entry.get("meta-type").asString().equals(metaType)) {
                names.add(name);
            }
        });
        return names;
    }

    public JsonNode entry(String name) {
        JsonNode entry = entries.get(name);
        if (entry == null) {
            throw new IllegalArgumentException("mentioned and not there: " + name);
        }
        return entry;
    }

    /** The arguments of a command or the data of an event. */
    public Shape argumentsOf(String name) {
        return shape(entry(name).get("arg-type").asString());
    }

    public Shape resultOf(String command) {
        return shape(entry(command).get("ret-type").asString());
    }

    /**
     * A type with everything in it.
     *
     * @param kind its meta-type, or the JSON type of a builtin
     * @param words of an enum
     * @param members of an object, those of a variant behind the word that chooses it and a dot, an optional one with
     *     {@code ?} behind its name; the element of an array is called {@code []}
     */
    public record Shape(String kind, List<String> words, Map<String, Shape> members) {
        /** Each place in it with what is there, for instance {@code channels?[].addr.file.filename = string}. */
        public Map<String, String> places() {
            Map<String, String> places = new TreeMap<>();
            collect("", places);
            return places;
        }

        private void collect(String path, Map<String, String> places) {
            if (!path.isEmpty()) {
                places.put(path, kind);
            }
            words.forEach(word -> places.put(path + "=" + word, "word"));
            members.forEach((name, member) ->
                    member.collect(path + (path.isEmpty() || name.equals("[]") ? "" : ".") + name, places));
        }

        /** The member called {@code name}, be it optional or not. */
        public Shape member(String name) {
            Shape found = members.getOrDefault(name, members.get(name + "?"));
            if (found == null) {
                throw new IllegalArgumentException("no " + name + " in " + members.keySet());
            }
            return found;
        }
    }

    private Shape shape(String name) {
        JsonNode type = entry(name);
        return switch (type.get("meta-type").asString()) {
            case "builtin" -> new Shape(type.get("json-type").asString(), List.of(), Map.of());
            case "enum" ->
                new Shape(
                        "enum",
                        type.get("members")
                                .valueStream()
                                .map(member -> member.get("name").asString())
                                .toList(),
                        Map.of());
            case "array" ->
                new Shape(
                        "array",
                        List.of(),
                        Map.of("[]", shape(type.get("element-type").asString())));
            case "alternate" -> {
                List<String> kinds = type.get("members")
                        .valueStream()
                        .map(member -> shape(member.get("type").asString()).kind())
                        .toList();
                yield new Shape("alternate of " + kinds, List.of(), Map.of());
            }
            case "object" -> new Shape("object", List.of(), members(type));
            default -> throw new IllegalArgumentException("no type: " + type);
        };
    }

    private Map<String, Shape> members(JsonNode object) {
        Map<String, Shape> members = new LinkedHashMap<>();
        for (JsonNode member : object.get("members")) {
            String name = member.get("name").asString() + (member.has("default") ? "?" : "");
            members.put(name, shape(member.get("type").asString()));
        }
        if (object.has("tag")) {
            Set<String> cases = new TreeSet<>();
            for (JsonNode variant : object.get("variants")) {
                cases.add(variant.get("case").asString());
                String branch = variant.get("case").asString() + ".";
                members(entry(variant.get("type").asString()))
                        .forEach((name, member) -> members.put(branch + name, member));
            }
            Shape tag = members.get(object.get("tag").asString());
            if (tag == null || !cases.equals(new TreeSet<>(tag.words()))) {
                throw new IllegalArgumentException("the words of the tag are not its cases: " + object);
            }
        }
        return members;
    }
}
