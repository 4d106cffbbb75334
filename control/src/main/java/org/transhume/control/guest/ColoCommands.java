package org.transhume.control.guest;

import java.util.List;
import org.transhume.control.devices.ColoStatus;
import org.transhume.control.devices.DeviceLayer;
import org.transhume.control.qmp.QmpCommand;
import org.transhume.control.qmp.QmpError;
import org.transhume.control.settings.Profile;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;

/** {@code x-colo-lost-heartbeat} and {@code query-colo-status} (spec: control.md §2.6). */
final class ColoCommands {
    private final DeviceLayer layer;
    private final Profile profile;

    private ColoCommands(DeviceLayer layer, Profile profile) {
        this.layer = layer;
        this.profile = profile;
    }

    static QmpCommand[] of(DeviceLayer layer, Profile profile) {
        ColoCommands commands = new ColoCommands(layer, profile);
        return new QmpCommand[] {
            QmpCommand.of("x-colo-lost-heartbeat", List.of(), _ -> commands.loseHeartbeat()),
            QmpCommand.of("query-colo-status", List.of(), _ -> commands.query())
        };
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
                .put("last-mode", name(status.last()))
                .put("mode", name(status.mode()))
                .put("reason", status.reason().wireName());
    }

    private String name(ColoStatus.Mode mode) {
        return profile == Profile.V3_1 && mode == ColoStatus.Mode.NONE ? "unknown" : mode.wireName();
    }
}
