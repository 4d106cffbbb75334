package org.transhume.control.schema;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.transhume.control.process.IdleGuest;
import org.transhume.control.qmp.Json;
import org.transhume.control.qmp.QmpCommand;
import org.transhume.control.qmp.QmpDispatcher;
import org.transhume.control.qmp.QmpError;
import org.transhume.control.settings.Capability;
import org.transhume.control.settings.Parameter;
import org.transhume.control.settings.Profile;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** {@code query-qmp-schema}: closed, and true of what the commands do. */
class SchemaTest {
    private static final Set<String> BUILTINS = Set.of("string", "number", "int", "boolean", "null", "value");

    private final Map<Profile, IdleGuest> processes = new HashMap<>();

    @AfterEach
    void end() throws Exception {
        for (IdleGuest process : processes.values()) {
            process.close();
        }
    }

    @ParameterizedTest
    @EnumSource
    void everyTypeMentionedIsThereAndEveryOneThereIsMentioned(Profile profile) throws Exception {
        JsonNode schema = schema(profile);
        Set<String> types = new TreeSet<>();
        Set<String> mentioned = new TreeSet<>();

        for (JsonNode entry : schema) {
            switch (entry.get("meta-type").asString()) {
                case "command" -> {
                    mentioned.add(entry.get("arg-type").asString());
                    mentioned.add(entry.get("ret-type").asString());
                }
                case "event" -> mentioned.add(entry.get("arg-type").asString());
                default -> {
                    types.add(entry.get("name").asString());
                    entry.path("members").forEach(member -> {
                        if (member.has("type")) {
                            mentioned.add(member.get("type").asString());
                        }
                    });
                    entry.path("variants")
                            .forEach(
                                    variant -> mentioned.add(variant.get("type").asString()));
                    if (entry.has("element-type")) {
                        mentioned.add(entry.get("element-type").asString());
                    }
                }
            }
        }

        assertEquals(types, mentioned);
        assertTrue(types.stream().allMatch(name -> name.matches("\\d+|\\[.+]|str|int|bool|number|any|null")));
    }

    @ParameterizedTest
    @EnumSource
    void everyEntryIsWhatItsMetaTypeAsksForAndNoNameIsThereTwice(Profile profile) throws Exception {
        // The answer itself is held against the declaration of query-qmp-schema by the dispatcher, as every answer is.
        JsonNode schema = schema(profile);
        SchemaReader reader = new SchemaReader(schema);

        Set<String> bodies = new HashSet<>();
        for (JsonNode entry : schema) {
            ObjectNode body = ((ObjectNode) entry).deepCopy();
            body.remove("name");
            boolean type = !entry.get("meta-type").asString().matches("command|event");
            assertTrue(!type || bodies.add(body.toString()), "two names for " + body);
            if (entry.has("json-type")) {
                assertTrue(BUILTINS.contains(entry.get("json-type").asString()), entry.toString());
            }
            if (entry.has("values")) {
                List<String> words = new ArrayList<>();
                entry.get("members").forEach(m -> words.add(m.get("name").asString()));
                List<String> values = new ArrayList<>();
                entry.get("values").forEach(value -> values.add(value.asString()));
                assertEquals(words, values);
            }
        }
        assertEquals(
                List.of("array"), List.of(reader.resultOf("query-qmp-schema").kind()));
    }

    @ParameterizedTest
    @EnumSource
    void listsTheCommandsThatThereAreAndTheOnesThatRunOutOfBand(Profile profile) throws Exception {
        SchemaReader reader = new SchemaReader(schema(profile));
        Set<String> names = new TreeSet<>();
        execute(profile, "query-commands")
                .forEach(command -> names.add(command.get("name").asString()));

        assertEquals(names, reader.names("command"));
        for (QmpCommand command : dispatcher(profile).commands()) {
            assertEquals(
                    command.oob(),
                    reader.entry(command.name()).path("allow-oob").booleanValue(false),
                    command.name());
        }
        assertTrue(reader.names("event").containsAll(List.of("MIGRATION", "MIGRATION_PASS", "STOP", "RESUME")));
    }

    @ParameterizedTest
    @EnumSource
    void everyCommandAndEventSaysWhatItIsFor(Profile profile) {
        for (QmpCommand command : dispatcher(profile).commands()) {
            assertTrue(
                    command.description().matches("\\S.{10,118}[^.\\s]"),
                    command.name()
                            + ": needs describedAs(one line without a full stop), and returning(what it answers)");
            assertFalse(command.when().isBlank(), command.name());
        }
        dispatcher(profile)
                .events()
                .forEach(event -> assertTrue(event.description().matches("\\S.{10,118}[^.\\s]"), event.name()));
    }

    @Test
    void aCommandThatAnswersOtherThanItSaidIsFound() {
        QmpDispatcher dispatcher = new QmpDispatcher(Profile.V10_0, "test");
        dispatcher.register(
                QmpCommand.of("query-lies", List.of(), _ -> Json.object().put("a", 1))
                        .describedAs("says that it answers nothing"));

        QmpError error = assertThrows(QmpError.class, () -> dispatcher.execute("query-lies", null));

        assertTrue(error.getMessage().contains("Parameter 'a' is unexpected"), error.getMessage());
    }

    @Test
    void describesTheArgumentsOfMigrate() throws Exception {
        Map<String, String> today =
                new SchemaReader(schema(Profile.V10_0)).argumentsOf("migrate").places();
        Map<String, String> then =
                new SchemaReader(schema(Profile.V3_1)).argumentsOf("migrate").places();

        assertEquals("string", today.get("uri?"));
        assertEquals("boolean", today.get("resume?"));
        assertEquals("array", today.get("channels?"));
        assertEquals("enum", today.get("channels?[].channel-type"));
        assertEquals("word", today.get("channels?[].addr.transport=socket"));
        assertEquals("string", today.get("channels?[].addr.socket.unix.path"));
        assertEquals("int", today.get("channels?[].addr.file.offset"));
        assertFalse(today.containsKey("blk?"));
        assertEquals(
                Map.of(
                        "uri", "string", "blk?", "boolean", "inc?", "boolean", "detach?", "boolean", "resume?",
                        "boolean"),
                then);
    }

    @ParameterizedTest
    @EnumSource
    void namesTheCapabilitiesAndParametersOfTheProfile(Profile profile) throws Exception {
        SchemaReader reader = new SchemaReader(schema(profile));

        List<String> capabilities = reader.argumentsOf("migrate-set-capabilities")
                .member("capabilities")
                .member("[]")
                .member("capability")
                .words();
        Set<String> settable =
                reader.argumentsOf("migrate-set-parameters").members().keySet();
        Set<String> shown =
                reader.resultOf("query-migrate-parameters").members().keySet();

        assertEquals(Capability.of(profile).stream().map(Capability::wireName).toList(), capabilities);
        assertEquals(
                Set.copyOf(Parameter.of(profile).stream()
                        .map(p -> p.wireName() + "?")
                        .toList()),
                settable);
        assertEquals(settable, shown);
    }

    /** Each enum that an argument may be: its words pass, and nothing else does. */
    @ParameterizedTest
    @EnumSource
    void anEnumIsWhatTheChecksAccept(Profile profile) throws Exception {
        SchemaReader reader = new SchemaReader(schema(profile));
        int seen = 0;
        for (String command : reader.names("command")) {
            for (Map.Entry<String, SchemaReader.Shape> argument :
                    reader.argumentsOf(command).members().entrySet()) {
                if (argument.getValue().kind().equals("enum")) {
                    seen++;
                    String name = argument.getKey().replace("?", "");
                    for (String word : argument.getValue().words()) {
                        assertNotEquals(unknown(name, word), refusal(profile, command, name, word), command);
                    }
                    assertEquals(unknown(name, "nosuch"), refusal(profile, command, name, "nosuch"), command);
                }
            }
        }
        assertTrue(seen > 0, "no command takes a word");

        for (String word :
                Capability.of(profile).stream().map(Capability::wireName).toList()) {
            String off = "{\"capabilities\": [{\"capability\": \"%s\", \"state\": false}]}".formatted(word);
            assertDoesNotThrow(() -> dispatcher(profile).execute("migrate-set-capabilities", object(off)));
        }
        if (profile == Profile.V10_0) {
            assertEquals(
                    List.of("none", "zlib", "zstd"),
                    reader.argumentsOf("migrate-set-parameters")
                            .member("multifd-compression")
                            .words(),
                    "words that are known, but not built, are not told");
        }
    }

    @Test
    void marksWhatMayChangeAndWhatMayGo() throws Exception {
        SchemaReader reader = new SchemaReader(schema(Profile.V10_0));
        JsonNode parameters = reader.entry(
                reader.entry("migrate-set-parameters").get("arg-type").asString());
        Map<String, String> features = new HashMap<>();
        parameters.get("members").forEach(m -> features.put(m.get("name").asString(), features(m)));
        for (JsonNode entry : schema(Profile.V10_0)) {
            if (entry.has("values") && entry.toString().contains("\"zero-blocks\"")) {
                entry.get("members").forEach(m -> features.put(m.get("name").asString(), features(m)));
            }
        }

        assertEquals("[\"unstable\"]", features.get("x-checkpoint-delay"));
        assertEquals("", features.get("max-bandwidth"));
        assertEquals("[\"deprecated\"]", features.get("zero-blocks"));
        assertEquals("[\"unstable\"]", features.get("x-ignore-shared"));
        assertEquals("[\"unstable\"]", features(reader.entry("x-plan")));
        assertEquals("", features(reader.entry("migrate")));
    }

    private static String features(JsonNode node) {
        return node.path("features").toString();
    }

    /** What is said to {@code command} with nothing but this argument; empty if nothing. */
    private String refusal(Profile profile, String command, String name, String word) {
        ObjectNode arguments = Json.object().put(name, word);
        new ArrayList<>(dispatcher(profile).commands())
                .stream()
                        .filter(c -> c.name().equals(command))
                        .flatMap(c -> c.arguments().stream())
                        .filter(argument ->
                                !argument.optional() && !argument.name().equals(name))
                        .forEach(argument -> arguments.put(argument.name(), 1));
        try {
            dispatcher(profile).execute(command, arguments);
            return "";
        } catch (QmpError e) {
            return e.getMessage();
        }
    }

    private static String unknown(String name, String word) {
        return "Parameter '%s' does not accept value '%s'".formatted(name, word);
    }

    private JsonNode schema(Profile profile) throws QmpError {
        return execute(profile, "query-qmp-schema");
    }

    private JsonNode execute(Profile profile, String command) throws QmpError {
        return dispatcher(profile).execute(command, null);
    }

    private QmpDispatcher dispatcher(Profile profile) {
        return processes.computeIfAbsent(profile, IdleGuest::new).dispatcher();
    }

    private static ObjectNode object(String json) {
        return (ObjectNode) Json.parse(json.getBytes(java.nio.charset.StandardCharsets.UTF_8));
    }
}
