package org.transhume.control.display;

import tools.jackson.databind.ObjectMapper;
import tools.jackson.databind.json.JsonMapper;

/** Reports for machines: one JSON object, its members named as the report's components. */
public final class JsonText {
    private static final ObjectMapper JSON = JsonMapper.builder().build();

    private JsonText() {}

    public static String of(Object report) {
        return JSON.writerWithDefaultPrettyPrinter().writeValueAsString(report);
    }
}
