package org.transhume.control.process;

import java.util.Arrays;
import java.util.List;
import org.transhume.control.devices.ColoStatus;
import org.transhume.control.devices.DeviceLayer;
import org.transhume.control.qmp.Argument;
import org.transhume.control.qmp.ArgumentType;
import org.transhume.control.qmp.QmpCommand;
import org.transhume.control.qmp.QmpError;
import org.transhume.control.settings.Profile;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;

/** {@code x-colo-lost-heartbeat} and {@code query-colo-status} (spec: control.md §2.6). */
final class ColoCommands {
    static final ArgumentType REASONS = new ArgumentType.Choice(Arrays.stream(ColoStatus.Reason.values())
            .map(ColoStatus.Reason::wireName)
            .toList());

    private final DeviceLayer layer;
    private final Profile profile;

    private ColoCommands(DeviceLayer layer, Profile profile) {
        this.layer = layer;
        this.profile = profile;
    }

    static QmpCommand[] of(DeviceLayer layer, Profile profile) {
        ColoCommands commands = new ColoCommands(layer, profile);
        return new QmpCommand[] {
            QmpCommand.of("x-colo-lost-heartbeat", List.of(), _ -> commands.loseHeartbeat())
                    .describedAs("tells a machine in COLO that the other is gone: it goes on alone")
                    .onlyWhen("in COLO, once"),
            QmpCommand.of("query-colo-status", List.of(), _ -> commands.query())
                    .returning(new ArgumentType.Struct(
                            Argument.required("mode", modes(profile)),
                            Argument.required("last-mode", modes(profile)),
                            Argument.required("reason", REASONS)))
                    .describedAs("this side's part in COLO, and why COLO ended")
        };
    }

    static ArgumentType modes(Profile profile) {
        return new ArgumentType.Choice(Arrays.stream(ColoStatus.Mode.values())
                .map(mode -> name(mode, profile))
                .toList());
    }

    private JsonNode loseHeartbeat() throws QmpError {
        ColoStatus status = layer.coloStatus();
        if (status.mode() == ColoStatus.Mode.NONE) {
            throw new QmpError(
                    profile == Profile.V3_1 ? "The feature 'colo' is not enabled" : "VM is not in COLO mode");
        }
        if (status.reason() == ColoStatus.Reason.PROCESSING) {
            throw new QmpError("COLO failover is already activated");
        }
        layer.loseHeartbeat();
        return null;
    }

    private JsonNode query() {
        ColoStatus status = layer.coloStatus();
        return JsonNodeFactory.instance
                .objectNode()
                .put("last-mode", name(status.last(), profile))
                .put("mode", name(status.mode(), profile))
                .put("reason", status.reason().wireName());
    }

    private static String name(ColoStatus.Mode mode, Profile profile) {
        return profile == Profile.V3_1 && mode == ColoStatus.Mode.NONE ? "unknown" : mode.wireName();
    }
}
