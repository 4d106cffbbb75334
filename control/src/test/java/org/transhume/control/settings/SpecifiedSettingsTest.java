package org.transhume.control.settings;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The tables of capabilities and parameters against the specified ones, row by row. */
class SpecifiedSettingsTest {
    private static final Set<String> LATER_OR_ELSEWHERE =
            Set.of("cpr-exec-command", "mc-delay (set by migrate-set-mc-delay)");

    private static List<JsonNode> rows(String file) throws IOException {
        try (InputStream in = SpecifiedSettingsTest.class.getResourceAsStream(file)) {
            return new JsonMapper().readTree(in).valueStream().toList();
        }
    }

    private static String name(JsonNode row) {
        return row.get("name").asString();
    }

    private static boolean ofTheRfc(JsonNode row) {
        return row.get("status").asString().startsWith("RFC");
    }

    /** Since before 3.1, and still there in it. */
    private static boolean in31(JsonNode row) {
        String since = row.get("since").asString();
        String[] parts = since.split("\\.", 2);
        return Integer.parseInt(parts[0]) < 3 || since.equals("3.0") || since.equals("3.1");
    }

    @Test
    void everyCapabilityIsInItsProfilesWithItsDefaultAndNoOtherIs() throws Exception {
        List<String> specified = new ArrayList<>();
        for (JsonNode row : rows("capabilities.json")) {
            for (Profile profile : Profile.values()) {
                boolean expected = ofTheRfc(row)
                        || (profile == Profile.V3_1
                                ? in31(row)
                                : row.get("present_in_10_0_2").booleanValue());
                Optional<Capability> ours = Capability.named(name(row), profile);
                assertEquals(expected, ours.isPresent(), () -> name(row) + " in " + profile);
                // One default is neither on nor off but depends on a transport that is not built.
                ours.ifPresent(capability -> assertEquals(
                        row.get("default").isBoolean() && row.get("default").booleanValue(),
                        new Settings(profile).enabled(capability),
                        () -> name(row) + " at first"));
            }
            specified.add(name(row));
        }

        assertEquals(
                List.of(
                        "x-hole-runs",
                        "x-lz4",
                        "x-multifd-xbzrle",
                        "x-multifd-postcopy",
                        "x-adaptive",
                        "x-ram-digest",
                        "x-handover",
                        "x-report"),
                Stream.of(Capability.values())
                        .map(Capability::wireName)
                        .filter(name -> !specified.contains(name))
                        .toList());
    }

    @Test
    void everyConflictAndRequirementBetweenCapabilitiesIsARule() throws Exception {
        List<JsonNode> rows = rows("capabilities.json");
        Map<String, Capability> byName = Stream.of(Capability.values())
                .collect(Collectors.toMap(Capability::wireName, capability -> capability));
        int checked = 0;
        for (JsonNode row : rows) {
            Capability ours = byName.get(name(row));
            for (JsonNode other : row.get("conflicts")) {
                Capability against = byName.get(other.asString()); // others are no capabilities, or not in our profiles
                if (against != null) {
                    assertTrue(ours.conflicts().contains(against), () -> ours + " and " + against);
                    checked++;
                }
            }
            for (JsonNode other : row.get("requires")) {
                if (byName.containsKey(other.asString())) {
                    Settings settings = new Settings(Profile.V10_0);
                    assertThrows(
                            SettingRefusedException.class,
                            () -> settings.setCapabilities(Map.of(ours, true), Circumstances.IDLE),
                            () -> ours + " without " + other);
                    checked++;
                }
            }
        }
        assertTrue(checked > 40, "only " + checked + " were checked");
    }

    @Test
    void everyParameterIsInItsProfilesWithItsTypeDefaultAndRangeAndNoOtherIs() throws Exception {
        List<String> specified = new ArrayList<>();
        for (JsonNode row : rows("parameters.json")) {
            specified.add(name(row));
            if (LATER_OR_ELSEWHERE.contains(name(row))) {
                continue;
            }
            for (Profile profile : Profile.values()) {
                boolean old = profile == Profile.V3_1;
                Optional<Parameter> ours = Parameter.named(name(row), profile);
                assertEquals(
                        row.get(old ? "present_in_3_1" : "present_in_10_0_2").booleanValue(),
                        ours.isPresent(),
                        () -> name(row) + " in " + profile);
                ours.ifPresent(parameter -> {
                    assertType(row, parameter, profile);
                    assertDefault(row.get(old ? "default_3_1" : "default"), parameter, profile);
                    assertRange(row, parameter, profile);
                });
            }
        }

        assertEquals(
                List.of(),
                Stream.of(Parameter.values())
                        .map(Parameter::wireName)
                        .filter(name -> !specified.contains(name))
                        .toList());
    }

    private static void assertType(JsonNode row, Parameter parameter, Profile profile) {
        String type = row.get("type").asString();
        String ours = switch (parameter.type(profile)) {
            case ParameterType.Whole(IntegerType kind) -> kind.name().toLowerCase(Locale.ROOT);
            case ParameterType.Flag _ -> "bool";
            case ParameterType.Text _ -> "str or null";
            case ParameterType.Choice _ -> "enum";
            case ParameterType.Mapping _ -> "list of BitmapMigrationNodeAlias";
        };
        String expected = profile == Profile.V3_1 && type.matches("(size|u?int).*")
                ? "int64"
                : type.startsWith("size") || type.startsWith("uint64")
                        ? "uint64"
                        : type.startsWith("uint32") ? "uint32" : type.startsWith("uint8") ? "uint8" : type;
        assertEquals(expected, ours, () -> parameter + " in " + profile);
        if (parameter.type(profile) instanceof ParameterType.Choice choice) {
            List<String> values = row.get("values")
                    .valueStream()
                    .map(value -> value.asString().replaceFirst(" \\(.*", ""))
                    .toList();
            assertTrue(values.containsAll(choice.known()), () -> parameter + " has " + choice.known());
        }
    }

    private static void assertDefault(JsonNode expected, Parameter parameter, Profile profile) {
        Object ours = parameter.defaultIn(profile);
        assertEquals(
                expected.asString(),
                ours == Parameter.Unset.INSTANCE ? "absent" : ours.toString(),
                () -> parameter + " in " + profile);
    }

    private static void assertRange(JsonNode row, Parameter parameter, Profile profile) {
        if (!(parameter.type(profile) instanceof ParameterType.Whole)) {
            return;
        }
        String text = row.get("error").asString();
        if (!text.isEmpty()) {
            assertEquals(
                    text.replace("SIZE_MAX", "18446744073709551615"),
                    parameter.refusal(),
                    () -> parameter + " out of range");
        }
        if (row.get("min").isIntegralNumber()) {
            assertEquals(row.get("min").longValue(), parameter.min(), () -> "least " + parameter);
        }
        if (row.get("max").isIntegralNumber() && !parameter.wireName().equals("xbzrle-cache-size")) {
            assertEquals(row.get("max").bigIntegerValue().longValue(), parameter.max(), () -> "most " + parameter);
        }
    }
}
