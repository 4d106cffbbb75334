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
        Optional<String> cause = control.incoming().flatMap(incoming -> ended(incoming, why));
        runtime.awaitAnother();
        control.awaitAnother();
        return cause;
    }

    /** Why it failed, if not because it was asked to end: what went wrong before may still be on its way out. */
    private static Optional<String> ended(IncomingMigration incoming, String why) {
        incoming.abort(why);
        IncomingReport report = incoming.completion().join();
        incoming.endAnnouncements();
        return Optional.ofNullable(report.reason()).filter(reason -> !reason.equals(why));
    }
}
