package org.transhume.control.process;

import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.transhume.control.devices.DeviceLayer;
import org.transhume.control.guest.GuestRuntime;
import org.transhume.control.guest.RunState;
import org.transhume.control.qmp.Argument;
import org.transhume.control.qmp.ArgumentType;
import org.transhume.control.qmp.Arguments;
import org.transhume.control.qmp.QmpCommand;
import org.transhume.control.qmp.QmpError;
import org.transhume.control.settings.Profile;
import org.transhume.memory.DirtySource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** What Xen's tools ask for (spec: control.md §2.6). Closing it ends the dirty log. */
final class XenCommands implements AutoCloseable {
    private final GuestRuntime guest;
    private final DeviceLayer layer;
    private final Profile profile;
    private DirtySource log; // null while it is off; guarded by this

    XenCommands(GuestRuntime guest, DeviceLayer layer, Profile profile) {
        this.guest = guest;
        this.layer = layer;
        this.profile = profile;
    }

    QmpCommand[] commands() {
        ArgumentType flag = new ArgumentType.Flag();
        Argument filename = Argument.required("filename", new ArgumentType.Text());
        Argument enable = Argument.required("enable", flag);
        return new QmpCommand[] {
            QmpCommand.of("xen-save-devices-state", List.of(filename, Argument.optional("live", flag)), this::save)
                    .describedAs("writes the devices' state to a file, for Xen's tools"),
            QmpCommand.of("xen-load-devices-state", List.of(filename), this::load)
                    .describedAs("reads the devices' state from a file, for Xen's tools")
                    .onlyWhen("while the guest does not run"),
            QmpCommand.of("xen-set-global-dirty-log", List.of(enable), this::log)
                    .describedAs("logs which pages are written, beside any migration"),
            QmpCommand.of(
                            "xen-set-replication",
                            List.of(enable, Argument.required("primary", flag), Argument.optional("failover", flag)),
                            this::replicate)
                    .describedAs("begins or ends replication of disks, for COLO under Xen"),
            QmpCommand.of("query-xen-replication-status", List.of(), _ -> replicationStatus())
                    .returning(new ArgumentType.Struct(
                            Argument.required("error", flag), Argument.optional("desc", new ArgumentType.Text())))
                    .describedAs("whether replication met an error, and which"),
            QmpCommand.of("xen-colo-do-checkpoint", List.of(), _ -> checkpoint())
                    .describedAs("has replication take a checkpoint now")
        };
    }

    private JsonNode save(Arguments arguments) throws QmpError {
        guest.hold(RunState.SAVE_VM);
        try {
            layer.saveXenState(target(arguments.text("filename").orElseThrow()), arguments.flag("live", true));
        } finally {
            guest.release(true);
        }
        return null;
    }

    private JsonNode load(Arguments arguments) throws QmpError {
        if (guest.running()) {
            throw new QmpError("Cannot update device state while vm is running");
        }
        guest.hold(RunState.RESTORE_VM);
        try {
            layer.loadXenState(existing(arguments.text("filename").orElseThrow()));
        } finally {
            guest.release(false);
        }
        return null;
    }

    /** Where a file can be made or overwritten. */
    private Path target(String name) throws QmpError {
        String refused = refused("create", name);
        Path file = path(name, refused);
        Path folder = file.toAbsolutePath().getParent();
        if (!name.isEmpty() && Files.isDirectory(file)) {
            throw new QmpError(refused + "Is a directory");
        }
        if (name.isEmpty() || !Files.isDirectory(folder)) {
            throw new QmpError(refused + "No such file or directory");
        }
        if (!Files.isWritable(Files.exists(file) ? file : folder)) {
            throw new QmpError(refused + "Permission denied");
        }
        return file;
    }

    private Path existing(String name) throws QmpError {
        String refused = refused("open", name);
        Path file = path(name, refused);
        if (name.isEmpty() || !Files.exists(file)) {
            throw new QmpError(refused + "No such file or directory");
        }
        if (!Files.isReadable(file)) {
            throw new QmpError(refused + "Permission denied");
        }
        return file;
    }

    private String refused(String verb, String name) {
        return profile == Profile.V3_1 ? "Unable to open " + name + ": " : "Could not " + verb + " '" + name + "': ";
    }

    private static Path path(String name, String refused) throws QmpError {
        try {
            return Path.of(name);
        } catch (InvalidPathException e) {
            throw new QmpError(refused + "Invalid argument");
        }
    }

    /** A log of its own beside that of a migration, which goes on whether this one is on or off. */
    private synchronized JsonNode log(Arguments arguments) throws QmpError {
        boolean enable = arguments.flag("enable", false);
        if (enable && log == null) {
            if (guest.state() == RunState.INMIGRATE) {
                throw new QmpError("Guest is waiting for an incoming migration"); // whose RAM is still to come
            }
            DirtySource view = guest.observeWrites();
            view.start();
            log = view;
        } else if (!enable) {
            close();
        }
        return null;
    }

    private JsonNode replicate(Arguments arguments) throws QmpError {
        boolean enable = arguments.flag("enable", false);
        if (enable && arguments.has("failover")) {
            throw new QmpError("Parameter 'failover' is only for stopping replication");
        }
        layer.replicate(enable, arguments.flag("primary", false), arguments.flag("failover", false));
        return null;
    }

    private JsonNode replicationStatus() {
        Optional<String> error = layer.replicationError();
        ObjectNode status = JsonNodeFactory.instance.objectNode().put("error", error.isPresent());
        error.ifPresent(desc -> status.put("desc", desc));
        return status;
    }

    private JsonNode checkpoint() throws QmpError {
        layer.checkpointReplication();
        return null;
    }

    @Override
    public synchronized void close() {
        if (log != null) {
            log.close();
            log = null;
        }
    }
}
