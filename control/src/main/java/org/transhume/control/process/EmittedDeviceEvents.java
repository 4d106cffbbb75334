package org.transhume.control.process;

import java.util.List;
import org.transhume.control.devices.ColoStatus;
import org.transhume.control.devices.DeviceEvents;
import org.transhume.control.qmp.Argument;
import org.transhume.control.qmp.ArgumentType;
import org.transhume.control.qmp.QmpDispatcher;
import org.transhume.control.qmp.QmpEvent;
import org.transhume.control.settings.Profile;
import tools.jackson.databind.node.JsonNodeFactory;

/** What a layer of devices tells, as events of the protocol (spec: control.md §1.10). */
record EmittedDeviceEvents(QmpDispatcher dispatcher) implements DeviceEvents {
    static List<QmpEvent> of(Profile profile) {
        QmpEvent colo = new QmpEvent(
                "COLO_EXIT",
                List.of(
                        Argument.required("mode", ColoCommands.modes(profile)),
                        Argument.required("reason", ColoCommands.REASONS)),
                "COLO has ended on this side");
        QmpEvent unplugged = new QmpEvent(
                "UNPLUG_PRIMARY",
                List.of(Argument.required("device-id", new ArgumentType.Text())),
                "the guest has released a failover device, and the migration that waits may go on");
        return profile == Profile.V3_1 ? List.of(colo) : List.of(colo, unplugged);
    }

    @Override
    public void coloExited(ColoStatus.Mode mode, ColoStatus.Reason reason) {
        dispatcher.emit(
                "COLO_EXIT",
                JsonNodeFactory.instance
                        .objectNode()
                        .put("mode", mode.wireName())
                        .put("reason", reason.wireName()));
    }

    @Override
    public void primaryUnplugged(String id) {
        if (dispatcher.profile() == Profile.V10_0) {
            dispatcher.emit(
                    "UNPLUG_PRIMARY", JsonNodeFactory.instance.objectNode().put("device-id", id));
        }
    }
}
