package org.transhume.control.interop;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The checks of the other tests, passed by a pair of QEMUs without us: what fails here is not ours. */
@Timeout(120)
class QemuHarnessIT {
    @TempDir
    Path folder;

    @ParameterizedTest
    @EnumSource
    void twoQemusHoldTheSameRamAfterAMigration(QemuVersion version) throws Exception {
        QemuGuest guest = QemuGuest.dirtying(folder);
        try (QemuProcess source = QemuProcess.running(version, guest, folder.resolve("source"));
                QemuProcess destination = QemuProcess.incomingPaused(version, guest, folder.resolve("destination"))) {
            source.awaitDirtying();
            if (version.losesPagesOfARunningGuest()) {
                source.stop();
            }
            source.enable(Set.of());

            source.migrate(destination.listen("unix:" + folder.resolve("migration")));
            destination.awaitMigrated();

            assertEquals(-1, Files.mismatch(source.ram(), destination.ram()));
            destination.cont();
            destination.awaitDirtying();
        }
    }
}
