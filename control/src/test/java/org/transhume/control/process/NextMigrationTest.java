package org.transhume.control.process;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.transhume.control.qmp.QmpError;
import org.transhume.control.settings.Profile;

/** What a script may do that has heard how its last migration ended. */
@Timeout(60)
class NextMigrationTest {
    private static final long RAM = 1 << 20;

    @TempDir
    Path folder;

    @Test
    void mayBeginAsSoonAsTheLastOneWasToldToHaveFailed() throws Exception {
        try (DrivenGuest guest = leaving()) {
            for (int i = 1; i <= 50; i++) {
                guest.migrate("unix:" + folder.resolve("nobody"));
                guest.awaitTold("(setup failed ){%d}".formatted(i));
            }
        }
    }

    @Test
    void mayBeginAndMayBePreparedAsSoonAsTheLastOneWasToldToBeCancelled() throws Exception {
        try (DrivenGuest guest = leaving()) {
            guest.enable("pause-before-switchover");
            for (int i = 1; i <= 10; i++) {
                guest.migrate("exec:cat > /dev/null");
                guest.awaitStatus("pre-switchover");
                guest.qmp.execute("migrate_cancel");
                guest.awaitTold(".*(cancelled .*){%d}".formatted(i));
                guest.enable("return-path");
                guest.execute(
                        "migrate-set-capabilities",
                        "{'capabilities': [{'capability': 'return-path', 'state': false}]}");
            }
        }
    }

    @Test
    void isRefusedAtOnceWhereItCannotBeOpenedAndHasFailedThen() throws Exception {
        try (DrivenGuest guest = leaving()) {
            Path file = folder.resolve("nosuch/file");
            QmpError refused = assertThrows(QmpError.class, () -> guest.migrate("file:" + file));

            assertEquals("Could not create '" + file + "': No such file or directory", refused.getMessage());
            assertEquals(refused.getMessage(), guest.info().path("error-desc").asString());
            guest.awaitTold("setup failed ");
        }
    }

    private DrivenGuest leaving() throws Exception {
        DrivenGuest guest = DrivenGuest.leaving(folder.resolve("monitor"), Profile.V10_0, null, RAM);
        guest.enable("events");
        return guest;
    }
}
