package org.transhume.control.monitor;

import java.util.ArrayList;
import java.util.List;
import org.transhume.control.settings.Parameter;
import org.transhume.control.settings.ParameterType;
import org.transhume.control.settings.Profile;
import tools.jackson.databind.JsonNode;

/** {@code info migrate_capabilities} and {@code info migrate_parameters}. */
final class SettingsText {
    /** The order in which QEMU prints them, which is not that of the wire; it leaves levels of compression out. */
    private static final List<Parameter> ORDER = List.of(
            Parameter.ANNOUNCE_INITIAL,
            Parameter.ANNOUNCE_MAX,
            Parameter.ANNOUNCE_ROUNDS,
            Parameter.ANNOUNCE_STEP,
            Parameter.COMPRESS_LEVEL,
            Parameter.COMPRESS_THREADS,
            Parameter.COMPRESS_WAIT_THREAD,
            Parameter.DECOMPRESS_THREADS,
            Parameter.THROTTLE_TRIGGER_THRESHOLD,
            Parameter.CPU_THROTTLE_INITIAL,
            Parameter.CPU_THROTTLE_INCREMENT,
            Parameter.CPU_THROTTLE_TAILSLOW,
            Parameter.MAX_CPU_THROTTLE,
            Parameter.TLS_CREDS,
            Parameter.TLS_HOSTNAME,
            Parameter.MAX_BANDWIDTH,
            Parameter.AVAIL_SWITCHOVER_BANDWIDTH,
            Parameter.DOWNTIME_LIMIT,
            Parameter.X_CHECKPOINT_DELAY,
            Parameter.BLOCK_INCREMENTAL,
            Parameter.X_MULTIFD_CHANNELS,
            Parameter.X_MULTIFD_PAGE_COUNT,
            Parameter.MULTIFD_CHANNELS,
            Parameter.MULTIFD_COMPRESSION,
            Parameter.ZERO_PAGE_DETECTION,
            Parameter.XBZRLE_CACHE_SIZE,
            Parameter.MAX_POSTCOPY_BANDWIDTH,
            Parameter.TLS_AUTHZ,
            Parameter.BLOCK_BITMAP_MAPPING,
            Parameter.X_VCPU_DIRTY_LIMIT_PERIOD,
            Parameter.VCPU_DIRTY_LIMIT,
            Parameter.MODE,
            Parameter.DIRECT_IO);

    private SettingsText() {}

    /** @param list the answer to {@code query-migrate-capabilities} */
    static String capabilities(JsonNode list) {
        StringBuilder text = new StringBuilder();
        for (JsonNode capability : list) {
            text.append("%s: %s\n"
                    .formatted(
                            capability.get("capability").asString(),
                            onOff(capability.get("state").booleanValue())));
        }
        return text.toString();
    }

    /** @param values the answer to {@code query-migrate-parameters} */
    static String parameters(JsonNode values) {
        StringBuilder text = new StringBuilder();
        for (Parameter parameter : ORDER) {
            JsonNode value = values.get(parameter.wireName());
            if (parameter == Parameter.BLOCK_BITMAP_MAPPING && value != null) {
                text.append(parameter.wireName()).append(":\n");
                mapping(value).forEach(line -> text.append(line).append('\n'));
            } else if (value != null) {
                text.append("%s: %s\n".formatted(parameter.wireName(), value(parameter, value)));
            }
        }
        return text.toString();
    }

    private static String value(Parameter parameter, JsonNode value) {
        return switch (parameter.type(Profile.V10_0)) {
            case ParameterType.Flag _ -> onOff(value.booleanValue());
            case ParameterType.Text _ -> "'" + value.asString() + "'";
            case ParameterType.Choice _, ParameterType.Mapping _ -> value.asString();
            case ParameterType.Whole _ -> value.asString() + unit(parameter);
        };
    }

    private static String unit(Parameter parameter) {
        if (parameter == Parameter.MAX_POSTCOPY_BANDWIDTH) {
            return ""; // QEMU prints the bare number
        }
        return switch (parameter.unit()) {
            case "ms", "bytes", "bytes/second" -> " " + parameter.unit();
            case "MiB/s" -> " MB/s";
            default -> "";
        };
    }

    private static List<String> mapping(JsonNode nodes) {
        List<String> lines = new ArrayList<>();
        for (JsonNode node : nodes) {
            lines.add("  '%s' -> '%s'"
                    .formatted(
                            node.get("node-name").asString(), node.get("alias").asString()));
            for (JsonNode bitmap : node.get("bitmaps")) {
                lines.add("    '%s' -> '%s'"
                        .formatted(
                                bitmap.get("name").asString(),
                                bitmap.get("alias").asString()));
            }
        }
        return lines;
    }

    private static String onOff(boolean on) {
        return on ? "on" : "off";
    }
}
