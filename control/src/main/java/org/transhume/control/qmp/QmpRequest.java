package org.transhume.control.qmp;

import java.util.Map;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * What a client asks for.
 *
 * @param arguments null if there are none
 */
record QmpRequest(String command, boolean outOfBand, ObjectNode arguments) {

    /**
     * Reads {@code input}.
     *
     * @throws QmpError if it is no request
     */
    static QmpRequest parse(JsonNode input, boolean oobEnabled) throws QmpError {
        if (!(input instanceof ObjectNode members)) {
            throw new QmpError("QMP input must be a JSON object");
        }
        for (Map.Entry<String, JsonNode> member : members.properties()) {
            check(member.getKey(), member.getValue(), oobEnabled);
        }
        boolean outOfBand = members.has("exec-oob");
        if (outOfBand && members.has("execute")) {
            throw new QmpError("QMP input member 'execute' clashes with 'exec-oob'");
        }
        if (!outOfBand && !members.has("execute")) {
            throw new QmpError("QMP input lacks member 'execute'");
        }
        String command = members.get(outOfBand ? "exec-oob" : "execute").stringValue();
        return new QmpRequest(command, outOfBand, (ObjectNode) members.get("arguments"));
    }

    private static void check(String name, JsonNode value, boolean oobEnabled) throws QmpError {
        switch (name) {
            case "execute" -> mustBe(value.isString(), name, "a string");
            case "arguments" -> mustBe(value.isObject(), name, "an object");
            case "id" -> {}
            default -> {
                if (!name.equals("exec-oob") || !oobEnabled) {
                    throw new QmpError("QMP input member '" + name + "' is unexpected");
                }
                mustBe(value.isString(), name, "a string");
            }
        }
    }

    private static void mustBe(boolean holds, String name, String what) throws QmpError {
        if (!holds) {
            throw new QmpError("QMP input member '" + name + "' must be " + what);
        }
    }
}
