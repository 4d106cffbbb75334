package org.transhume.control.guest;

import org.transhume.control.devices.ColoStatus;
import org.transhume.control.devices.DeviceEvents;
import org.transhume.control.qmp.QmpDispatcher;
import org.transhume.control.settings.Profile;
import tools.jackson.databind.node.JsonNodeFactory;

/** What a layer of devices tells, as events of the protocol (spec: control.md §1.10). */
record EmittedDeviceEvents(QmpDispatcher dispatcher) implements DeviceEvents {
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
