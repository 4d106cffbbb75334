package org.transhume.control.domain.host;

import java.util.LinkedHashMap;
import java.util.Map;
import org.transhume.control.domain.stats.StatsField;
import org.transhume.control.qmp.Json;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** Typed figures as JSON and back; what comes is looked at before it is believed. */
public final class JsonValues {
    private JsonValues() {}

    /** Of {@code typed}, whose values are of the types of {@link StatsField.Type}. */
    public static ObjectNode json(Map<String, ?> typed) {
        ObjectNode object = Json.object();
        typed.forEach((key, value) -> {
            switch (value) {
                case Long number -> object.put(key, number);
                case Integer number -> object.put(key, number);
                case Boolean flag -> object.put(key, flag);
                default -> object.put(key, value.toString());
            }
        });
        return object;
    }

    /**
     * The fields that this version knows.
     *
     * @throws IllegalArgumentException if one of them is not of its type
     */
    public static Map<String, Object> figures(JsonNode object) {
        Map<String, Object> typed = new LinkedHashMap<>();
        object.properties()
                .forEach(member -> StatsField.named(member.getKey())
                        .ifPresent(field -> typed.put(field.key(), value(field, member.getValue()))));
        return typed;
    }

    private static Object value(StatsField field, JsonNode node) {
        boolean fits = switch (field.type()) {
            case UNSIGNED -> node.isIntegralNumber() && node.canConvertToLong() && node.longValue() >= 0;
            case INT -> node.isIntegralNumber() && node.canConvertToInt();
            case BOOLEAN -> node.isBoolean();
            case TEXT -> node.isString();
        };
        if (!fits) {
            throw new IllegalArgumentException("%s: '%s' came, expected %s".formatted(field.key(), node, field.type()));
        }
        return switch (field.type()) {
            case UNSIGNED -> node.longValue();
            case INT -> node.intValue();
            case BOOLEAN -> node.booleanValue();
            case TEXT -> node.stringValue();
        };
    }
}
