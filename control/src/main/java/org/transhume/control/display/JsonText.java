package org.transhume.control.display;

import tools.jackson.databind.ObjectMapper;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** Reports for machines: one JSON object, its members named as the report's components. */
public final class JsonText {
    private static final ObjectMapper JSON = JsonMapper.builder().build();

    private JsonText() {}

    public static String of(Object report) {
        return JSON.writerWithDefaultPrettyPrinter().writeValueAsString(report);
    }

    /** The same with one member more: how pages were packed. */
    public static String of(Object report, String packing) {
        ObjectNode tree = JSON.valueToTree(report);
        return of(tree.put("packing", packing));
    }
}
