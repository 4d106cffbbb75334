package org.transhume.control.domain.host;

import java.util.Optional;
import org.transhume.control.guest.GuestRuntime;
import org.transhume.control.guest.MigrationControl;
import org.transhume.engine.incoming.IncomingMigration;
import org.transhume.engine.incoming.IncomingReport;

/** A guest that waits for what another host sends it. */
record Place(GuestRuntime runtime, MigrationControl control) {
    /** Ends what is under way, and makes it wait again; what the destination has to add, if it was not asked to end. */
    Optional<String> vacate(String why) {
        Optional<IncomingMigration> incoming = control.incoming();
        Optional<String> cause = incoming.filter(m -> m.completion().isDone())
                .map(m -> m.completion().join())
                .filter(report -> !report.outcome().equals("completed"))
                .map(IncomingReport::reason);
        incoming.ifPresent(migration -> {
            migration.abort(why);
            IncomingReport _ = migration.completion().join();
            migration.endAnnouncements();
        });
        runtime.awaitAnother();
        control.awaitAnother();
        return cause;
    }
}
