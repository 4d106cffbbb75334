package org.transhume.control.process;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.random.RandomGenerator;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** Requests spoilt in one to three places: a byte, a token, or a member of the value. Everything follows from the random numbers. */
final class Mutation {
    private static final JsonMapper JSON = new JsonMapper();
    private static final Pattern TOKEN = Pattern.compile("\"(?:[^\"\\\\]|\\\\.)*\"|[{}\\[\\]:,]|[^\\s{}\\[\\]:,\"]+");
    private static final List<String> STRANGE = List.of(
            "{",
            "}",
            "[",
            "]",
            ":",
            ",",
            "'",
            "\"",
            "\"\\ud800\"",
            "\"\\u0000\"",
            "1e999999999",
            "-",
            "-0",
            "01",
            "1.",
            "nul",
            "18446744073709551616",
            "-9223372036854775809",
            "\u00ff",
            "\\",
            "\u0001",
            "%s",
            "//",
            "\"" + "x".repeat(5000) + "\"",
            "[".repeat(1100),
            "{\"a\":".repeat(600));

    private final RandomGenerator random;
    private final List<String> requests;
    private final List<String> tokens;
    private final List<JsonNode> values;

    /** @param requests in order, each a JSON object */
    Mutation(List<String> requests, RandomGenerator random) {
        this.random = random;
        this.requests = requests;
        tokens = new ArrayList<>(STRANGE);
        requests.forEach(request -> tokens.addAll(tokensOf(request)));
        values = requests.stream().<JsonNode>map(JSON::readTree).toList();
    }

    byte[] next() {
        int which = random.nextInt(requests.size());
        int places = 1 + random.nextInt(3);
        return switch (random.nextInt(3)) {
            case 0 -> bytes(requests.get(which).getBytes(UTF_8), places);
            case 1 -> tokens(requests.get(which), places);
            default -> structure(values.get(which).deepCopy(), places);
        };
    }

    private byte[] bytes(byte[] request, int places) {
        StringBuilder spoilt = new StringBuilder(new String(request, ISO_8859_1));
        for (int i = 0; i < places && !spoilt.isEmpty(); i++) {
            int at = random.nextInt(spoilt.length());
            switch (random.nextInt(4)) {
                case 0 -> spoilt.setCharAt(at, (char) (spoilt.charAt(at) ^ 1 << random.nextInt(8)));
                case 1 -> spoilt.insert(at, (char) random.nextInt(256));
                case 2 -> spoilt.delete(at, at + 1 + random.nextInt(4));
                default -> spoilt.insert(at, spoilt.substring(at, Math.min(spoilt.length(), at + random.nextInt(20))));
            }
        }
        return spoilt.toString().getBytes(ISO_8859_1);
    }

    private byte[] tokens(String request, int places) {
        List<String> spoilt = new ArrayList<>(tokensOf(request));
        for (int i = 0; i < places && !spoilt.isEmpty(); i++) {
            int at = random.nextInt(spoilt.size());
            switch (random.nextInt(4)) {
                case 0 -> spoilt.set(at, one(tokens));
                case 1 -> spoilt.add(at, one(tokens));
                case 2 -> spoilt.remove(at);
                default -> spoilt.set(at, spoilt.set(random.nextInt(spoilt.size()), spoilt.get(at)));
            }
        }
        return String.join(random.nextBoolean() ? " " : "", spoilt).getBytes(UTF_8);
    }

    private byte[] structure(JsonNode value, int places) {
        for (int i = 0; i < places; i++) {
            spoil(value);
        }
        return value.toString().getBytes(UTF_8);
    }

    /** Goes down by chance, and changes a member or an element where it stops. */
    private void spoil(JsonNode value) {
        if (value.isContainer() && !value.isEmpty() && random.nextInt(3) > 0) {
            List<JsonNode> inside = value.valueStream().toList();
            spoil(one(inside));
        } else if (value instanceof ObjectNode object) {
            List<Map.Entry<String, JsonNode>> members = List.copyOf(object.properties());
            String name = members.isEmpty() ? "id" : one(members).getKey();
            switch (random.nextInt(3)) {
                case 0 -> object.set(name, other());
                case 1 -> object.remove(name);
                default -> object.set(random.nextBoolean() ? name + "x" : "execute", other());
            }
        } else if (value instanceof ArrayNode array) {
            array.add(other());
        }
    }

    private JsonNode other() {
        JsonNodeFactory make = JsonNodeFactory.instance;
        return switch (random.nextInt(8)) {
            case 0 -> make.nullNode();
            case 1 -> make.numberNode(random.nextLong());
            case 2 -> make.numberNode(random.nextDouble());
            case 3 -> make.booleanNode(random.nextBoolean());
            case 4 -> make.arrayNode().add(1);
            case 5 -> make.objectNode();
            case 6 -> make.stringNode("\u00e9\u0000\"");
            default -> one(values).deepCopy();
        };
    }

    private <T> T one(List<T> list) {
        return list.get(random.nextInt(list.size()));
    }

    private static List<String> tokensOf(String request) {
        return TOKEN.matcher(request).results().map(MatchResult::group).toList();
    }
}
