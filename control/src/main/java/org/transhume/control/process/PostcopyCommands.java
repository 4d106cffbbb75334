package org.transhume.control.process;

import java.util.List;
import org.transhume.control.guest.MigrationControl;
import org.transhume.control.qmp.Argument;
import org.transhume.control.qmp.ArgumentType;
import org.transhume.control.qmp.QmpCommand;
import org.transhume.control.qmp.QmpError;
import org.transhume.engine.MigrationException;
import tools.jackson.databind.JsonNode;

/** {@code migrate-start-postcopy} and its relatives (spec: control.md §2.2). */
final class PostcopyCommands {
    private PostcopyCommands() {}

    static QmpCommand[] of(MigrationControl control) {
        return new QmpCommand[] {
            QmpCommand.of("migrate-start-postcopy", List.of(), _ -> done(control::startPostcopy))
                    .describedAs("lets the guest move before all its memory has")
                    .onlyWhen("once a migration with postcopy has begun"),
            QmpCommand.outOfBand("migrate-pause", List.of(), _ -> done(control::pausePostcopy))
                    .describedAs("breaks the connection of a postcopy, which then waits for another")
                    .onlyWhen("in postcopy-active and postcopy-recover, on either side"),
            QmpCommand.outOfBand(
                            "migrate-recover",
                            List.of(Argument.required("uri", new ArgumentType.Text())),
                            arguments -> done(() -> {
                                Object _ = control.recover(arguments.text("uri").orElseThrow());
                            }))
                    .describedAs(
                            "listens for the connection on which a paused postcopy goes on; instead of where it did"
                                    + " before, if it is said again")
                    .onlyWhen("in postcopy-paused, at its destination")
        };
    }

    private static JsonNode done(Runnable order) throws QmpError {
        try {
            order.run();
            return null;
        } catch (MigrationException e) {
            throw new QmpError(e.getMessage());
        }
    }
}
