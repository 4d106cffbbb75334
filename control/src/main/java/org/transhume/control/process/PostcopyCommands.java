package org.transhume.control.process;

import java.util.List;
import org.transhume.control.guest.MigrationControl;
import org.transhume.control.qmp.Argument;
import org.transhume.control.qmp.ArgumentType;
import org.transhume.control.qmp.QmpCommand;
import org.transhume.control.qmp.QmpError;
import org.transhume.control.settings.Capability;
import org.transhume.control.settings.Profile;
import org.transhume.control.settings.SettingsValues;
import tools.jackson.databind.JsonNode;

/**
 * {@code migrate-start-postcopy} and its relatives (spec: control.md §2.2). Postcopy is not built yet, and no capability for it can
 * be switched on, so that no state is ever reached in which one of them succeeds.
 */
final class PostcopyCommands {
    private final MigrationControl control;
    private final Profile profile;

    private PostcopyCommands(MigrationControl control) {
        this.control = control;
        this.profile = control.settings().profile();
    }

    static QmpCommand[] of(MigrationControl control) {
        PostcopyCommands commands = new PostcopyCommands(control);
        return new QmpCommand[] {
            QmpCommand.of("migrate-start-postcopy", List.of(), _ -> commands.start())
                    .describedAs("lets the guest move before all its memory has")
                    .onlyWhen("once a migration with postcopy has begun"),
            QmpCommand.outOfBand("migrate-pause", List.of(), _ -> commands.pause())
                    .describedAs("breaks the connection of a postcopy, which then waits for another")
                    .onlyWhen("in postcopy"),
            QmpCommand.outOfBand(
                            "migrate-recover",
                            List.of(Argument.required("uri", new ArgumentType.Text())),
                            _ -> commands.recover())
                    .describedAs("listens for the connection on which a paused postcopy goes on")
                    .onlyWhen("while a postcopy is paused, at its destination")
        };
    }

    private JsonNode start() throws QmpError {
        SettingsValues settings = control.settings().values();
        if (!settings.enabled(Capability.POSTCOPY_RAM) && !settings.enabled(Capability.DIRTY_BITMAPS)) {
            throw new QmpError("Enable postcopy with migrate_set_capability before the start of migration");
        }
        if (control.outgoing().isEmpty()) {
            throw new QmpError("Postcopy must be started after migration has been started");
        }
        throw new QmpError("Postcopy is not built into this version of Transhume");
    }

    private JsonNode pause() throws QmpError {
        throw new QmpError("migrate-pause is currently only supported during postcopy-active"
                + (profile == Profile.V3_1 ? " state" : " or postcopy-recover state"));
    }

    private JsonNode recover() throws QmpError {
        throw new QmpError("Migrate recover can only be run when postcopy is paused.");
    }
}
