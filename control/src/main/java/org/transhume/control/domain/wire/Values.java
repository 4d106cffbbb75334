package org.transhume.control.domain.wire;

import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.transhume.control.domain.Cookie;
import org.transhume.control.domain.DomainDefinition;
import org.transhume.control.domain.DomainId;
import org.transhume.control.domain.JobId;
import org.transhume.control.domain.Verdict;
import org.transhume.control.domain.host.JsonValues;
import org.transhume.control.domain.spec.MigrationFlag;
import org.transhume.control.domain.spec.MigrationParameter;
import org.transhume.control.domain.spec.MigrationSpec;
import org.transhume.control.domain.spec.TypedMigration;
import org.transhume.control.domain.spec.TypedParameter;
import org.transhume.control.domain.stats.JobStats;
import org.transhume.control.domain.stats.JobType;
import org.transhume.control.qmp.Json;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Values in frames. Whatever is not as expected is an {@link IllegalArgumentException} that says what came. */
final class Values {
    /** Sections, parameters and violations in one frame. */
    private static final int MOST = 64;

    private static final int LONGEST_NAME = 255;

    private Values() {}

    static String text(JsonNode object, String member) {
        return Optional.ofNullable(object.get(member))
                .filter(JsonNode::isString)
                .map(JsonNode::stringValue)
                .orElseThrow(() -> unexpected(object, member, "a string"));
    }

    static String name(JsonNode object, String member) {
        String name = text(object, member);
        if (name.isEmpty() || name.length() > LONGEST_NAME) {
            throw unexpected(object, member, "1 to %d characters".formatted(LONGEST_NAME));
        }
        return name;
    }

    static long number(JsonNode object, String member) {
        return Optional.ofNullable(object.get(member))
                .filter(node -> node.isIntegralNumber() && node.canConvertToLong())
                .map(JsonNode::longValue)
                .orElseThrow(() -> unexpected(object, member, "a number"));
    }

    static boolean flag(JsonNode object, String member) {
        return Optional.ofNullable(object.get(member))
                .filter(JsonNode::isBoolean)
                .map(JsonNode::booleanValue)
                .orElseThrow(() -> unexpected(object, member, "true or false"));
    }

    static JsonNode object(JsonNode object, String member) {
        return Optional.ofNullable(object.get(member))
                .filter(JsonNode::isObject)
                .orElseThrow(() -> unexpected(object, member, "an object"));
    }

    static List<JsonNode> list(JsonNode object, String member) {
        JsonNode list = object.get(member);
        if (list == null || !list.isArray() || list.size() > MOST) {
            throw unexpected(object, member, "a list of at most " + MOST);
        }
        List<JsonNode> nodes = new ArrayList<>();
        list.forEach(nodes::add);
        return nodes;
    }

    private static IllegalArgumentException unexpected(JsonNode object, String member, String expected) {
        JsonNode came = object.get(member);
        return new IllegalArgumentException("member '%s' is %s, expected %s"
                .formatted(member, came == null ? "missing" : "of type " + came.getNodeType(), expected));
    }

    static UUID uuid(JsonNode object, String member) {
        return UUID.fromString(name(object, member));
    }

    static Instant instant(JsonNode object, String member) {
        return Instant.ofEpochMilli(number(object, member));
    }

    static JobId job(JsonNode object) {
        return new JobId(uuid(object, "job"));
    }

    static Verdict verdict(JsonNode object) {
        long code = number(object, "verdict");
        return Arrays.stream(Verdict.values())
                .filter(verdict -> verdict.code() == code)
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("verdict %d is unknown".formatted(code)));
    }

    static ObjectNode json(MigrationSpec spec) {
        TypedMigration typed = spec.toTyped();
        ObjectNode object = Json.object().put("flags", MigrationFlag.bits(typed.flags()));
        ArrayNode parameters = object.putArray("parameters");
        for (TypedParameter parameter : typed.parameters()) {
            ObjectNode one = parameters.addObject().put("key", parameter.key());
            switch (parameter.value()) {
                case Long number -> one.put("value", number);
                case Integer number -> one.put("value", number);
                default -> one.put("value", parameter.value().toString());
            }
        }
        return object;
    }

    /** Looked at as if a caller of this host had given it. */
    static MigrationSpec spec(JsonNode object) {
        List<TypedParameter> parameters = list(object, "parameters").stream()
                .map(one -> new TypedParameter(name(one, "key"), value(one)))
                .toList();
        return MigrationSpec.fromTyped(MigrationFlag.ofBits(number(object, "flags")), parameters);
    }

    private static Object value(JsonNode parameter) {
        boolean small = MigrationParameter.of(name(parameter, "key"))
                .filter(known -> known.kind() == MigrationParameter.Kind.INT)
                .isPresent();
        JsonNode value = parameter.get("value");
        if (value != null && value.isString()) {
            return value.stringValue();
        }
        long number = number(parameter, "value");
        if (small && (int) number == number) {
            return (int) number;
        }
        return number;
    }

    static ArrayNode json(Cookie cookie) {
        ArrayNode sections = Json.object().putArray("sections");
        cookie.sections()
                .forEach(section -> sections.addObject()
                        .put("name", section.name())
                        .put("mandatory", section.mandatory())
                        .put("data", section.data()));
        return sections;
    }

    static Cookie cookie(JsonNode object) {
        return new Cookie(list(object, "cookie").stream()
                .map(one -> new Cookie.Section(name(one, "name"), flag(one, "mandatory"), text(one, "data")))
                .toList());
    }

    static ObjectNode json(DomainDefinition definition) {
        return Json.object()
                .put("name", definition.name())
                .put("uuid", definition.uuid().toString())
                .put("text", definition.text());
    }

    static DomainDefinition definition(JsonNode object) {
        return new DomainDefinition(name(object, "name"), uuid(object, "uuid"), text(object, "text"));
    }

    static ObjectNode json(DomainId id) {
        return Json.object()
                .put("name", id.name())
                .put("uuid", id.uuid().toString())
                .put("run", id.runId());
    }

    static DomainId domain(JsonNode object) {
        return new DomainId(name(object, "name"), uuid(object, "uuid"), number(object, "run"));
    }

    static ObjectNode json(JobStats stats) {
        ObjectNode object = Json.object()
                .put("type", stats.type().code())
                .put("at", stats.sampledAt().toEpochMilli());
        object.set("fields", JsonValues.json(stats.toTyped()));
        return object;
    }

    static JobStats stats(JsonNode object) {
        long code = number(object, "type");
        JobType type = JobType.of(code)
                .orElseThrow(() -> new IllegalArgumentException("job type %d is unknown".formatted(code)));
        return JobStats.fromTyped(type, instant(object, "at"), JsonValues.figures(object(object, "fields")));
    }
}
