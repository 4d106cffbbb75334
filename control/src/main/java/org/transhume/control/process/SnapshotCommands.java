package org.transhume.control.process;

import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.transhume.control.devices.DeviceLayer;
import org.transhume.control.guest.GuestRuntime;
import org.transhume.control.guest.MigrationControl;
import org.transhume.control.guest.RunState;
import org.transhume.control.jobs.Jobs;
import org.transhume.control.qmp.Argument;
import org.transhume.control.qmp.ArgumentType;
import org.transhume.control.qmp.Arguments;
import org.transhume.control.qmp.QmpCommand;
import org.transhume.control.qmp.QmpError;
import org.transhume.control.settings.Profile;
import org.transhume.engine.MigrationException;
import tools.jackson.databind.JsonNode;

/** {@code snapshot-save} and its relatives: each is a job, all but whose id is checked in it (spec: control.md §2.4). */
final class SnapshotCommands {
    private final GuestRuntime guest;
    private final MigrationControl control;
    private final DeviceLayer layer;
    private final Jobs jobs;

    private SnapshotCommands(GuestRuntime guest, MigrationControl control, DeviceLayer layer, Jobs jobs) {
        this.guest = guest;
        this.control = control;
        this.layer = layer;
        this.jobs = jobs;
    }

    /** None in a profile from before they came. */
    static QmpCommand[] of(GuestRuntime guest, MigrationControl control, DeviceLayer layer, Jobs jobs) {
        if (control.settings().profile() == Profile.V3_1) {
            return new QmpCommand[0];
        }
        SnapshotCommands commands = new SnapshotCommands(guest, control, layer, jobs);
        ArgumentType text = new ArgumentType.Text();
        Argument id = Argument.required("job-id", text);
        Argument tag = Argument.required("tag", text);
        Argument vmstate = Argument.required("vmstate", text);
        Argument devices = Argument.required("devices", new ArgumentType.ListOf(text));
        List<Argument> whole = List.of(id, tag, vmstate, devices);
        return new QmpCommand[] {
            QmpCommand.of("snapshot-save", whole, a -> commands.begin("snapshot-save", a, commands::save))
                    .describedAs("begins a job that saves RAM, devices and disks under a tag"),
            QmpCommand.of("snapshot-load", whole, a -> commands.begin("snapshot-load", a, commands::load))
                    .describedAs("begins a job that puts RAM, devices and disks back to a tag"),
            QmpCommand.of(
                            "snapshot-delete",
                            List.of(id, tag, devices),
                            a -> commands.begin("snapshot-delete", a, commands::delete))
                    .describedAs("begins a job that forgets a tag")
        };
    }

    private interface Action {
        void on(String tag, String vmstate, List<String> devices) throws QmpError;
    }

    private JsonNode begin(String type, Arguments arguments, Action action) throws QmpError {
        String tag = arguments.text("tag").orElseThrow();
        String vmstate = arguments.text("vmstate").orElse("");
        List<String> devices = arguments.texts("devices");
        jobs.begin(arguments.text("job-id").orElseThrow(), type, () -> action.on(tag, vmstate, devices));
        return null;
    }

    private void save(String tag, String vmstate, List<String> devices) throws QmpError {
        if (withSnapshot(tag, devices) > 0) {
            throw new QmpError("Snapshot '" + tag + "' already exists in one or more devices");
        }
        checkVmstate(vmstate, devices);
        beside(() -> {
            guest.hold(RunState.SAVE_VM);
            try {
                layer.saveSnapshot(tag, vmstate, devices);
            } finally {
                guest.release(true);
            }
        });
    }

    private void load(String tag, String vmstate, List<String> devices) throws QmpError {
        guest.hold(RunState.RESTORE_VM);
        boolean loaded = false;
        try {
            if (withSnapshot(tag, devices) < devices.size()) {
                throw new QmpError("Snapshot '" + tag + "' does not exist in one or more devices");
            }
            checkVmstate(vmstate, devices);
            beside(() -> layer.loadSnapshot(tag, vmstate, devices));
            loaded = true;
        } finally {
            guest.release(loaded); // what could not be loaded may be half loaded: only the operator's cont runs it
        }
    }

    private void delete(String tag, String vmstate, List<String> devices) throws QmpError {
        withSnapshot(tag, devices);
        layer.deleteSnapshot(tag, devices);
    }

    /** How many of the devices have it; all of them are there. */
    private int withSnapshot(String tag, List<String> devices) throws QmpError {
        if (devices.isEmpty()) {
            throw new QmpError("At least one device is required for snapshot");
        }
        int count = 0;
        for (String device : devices) {
            Optional<Set<String>> tags = layer.snapshots(device);
            if (tags.isEmpty()) {
                throw new QmpError("No block device node '" + device + "'");
            }
            count += tags.get().contains(tag) ? 1 : 0;
        }
        return count;
    }

    private static void checkVmstate(String vmstate, List<String> devices) throws QmpError {
        if (!devices.contains(vmstate)) {
            throw new QmpError("vmstate block device '" + vmstate + "' does not exist");
        }
    }

    /** No migration runs, and none begins meanwhile. */
    private void beside(Jobs.Work work) throws QmpError {
        try {
            control.exclude();
        } catch (MigrationException running) {
            throw new QmpError(running.getMessage());
        }
        try {
            work.run();
        } finally {
            control.admit();
        }
    }
}
