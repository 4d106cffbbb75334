package org.transhume.control.display;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** Reports for machines: one JSON object, its members named as the report's components; a number that is not known is left out. */
public final class JsonText {
    private static final ObjectMapper JSON = JsonMapper.builder().build();

    private JsonText() {}

    public static String of(Object report) {
        JsonNode tree = JSON.valueToTree(report);
        leaveOutUnknown(tree);
        return JSON.writerWithDefaultPrettyPrinter().writeValueAsString(tree);
    }

    /** The same with one member more: how pages were packed. */
    public static String of(Object report, String packing) {
        ObjectNode tree = JSON.valueToTree(report);
        return of(tree.put("packing", packing));
    }

    /** JSON has no word for what is no number, and none for the infinite. */
    private static void leaveOutUnknown(JsonNode tree) {
        if (tree instanceof ObjectNode members) {
            members.removeIf(value -> value.isFloatingPointNumber() && !Double.isFinite(value.doubleValue()));
        }
        tree.forEach(JsonText::leaveOutUnknown);
    }
}
