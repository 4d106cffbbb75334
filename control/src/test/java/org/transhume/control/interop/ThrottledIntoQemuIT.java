package org.transhume.control.interop;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.transhume.channels.Address;
import org.transhume.channels.Connections;
import org.transhume.control.throttle.AutoConverge;
import org.transhume.engine.MigrationObserver;
import org.transhume.engine.guest.PassiveGuest;
import org.transhume.engine.incoming.IncomingConfig;
import org.transhume.engine.incoming.IncomingMigration;
import org.transhume.engine.outgoing.Dialer;
import org.transhume.engine.outgoing.OutgoingConfig;
import org.transhume.engine.outgoing.OutgoingMigration;
import org.transhume.engine.outgoing.OutgoingReport;

/** A guest that writes faster than its pages go to a QEMU. */
@Timeout(120)
class ThrottledIntoQemuIT {
    private static final Duration LIMIT = Duration.ofSeconds(60);
    /** 8 MiB, again and again, 60 MB a second: four times what the link carries. */
    private static final int PAGES = 2048;

    private static final int PER_TICK = 10;
    private static final int LINK = 16 << 20;

    @TempDir
    Path folder;

    @ParameterizedTest
    @EnumSource(names = {"V10_0", "V7_2"})
    void itArrivesWithAutoConvergeOnlyAndIsTheSame(QemuVersion version) throws Exception {
        QemuGuest kind = QemuGuest.dirtying(folder);
        try (PassiveGuest received = new PassiveGuest()) {
            try (QemuProcess source = QemuProcess.running(version, kind, folder.resolve("source"))) {
                source.awaitDirtying();
                String uri = "unix:" + folder.resolve("in");
                IncomingMigration incoming = IncomingMigration.start(
                        received,
                        Connections.listen(Address.parse(uri)),
                        IncomingConfig.DEFAULT,
                        new MigrationObserver() {},
                        "in");
                source.enable(Set.of());
                source.migrate(uri);
                assertEquals(
                        "completed",
                        incoming.completion()
                                .get(LIMIT.toSeconds(), TimeUnit.SECONDS)
                                .outcome());
            }
            try (LentGuest guest = new LentGuest(received, PAGES, PER_TICK)) {
                guest.resume();
                try (QemuProcess destination = QemuProcess.incomingPaused(version, kind, folder.resolve("free"))) {
                    OutgoingMigration free = start(guest, destination, OutgoingConfig.builder());
                    Await.until("fifth round", LIMIT, () -> free.progress().rounds() >= 5 || ended(free));
                    free.cancel();
                    assertEquals("cancelled", end(free).outcome());
                    assertTrue(guest.running());
                }
                try (QemuProcess destination = QemuProcess.incomingPaused(version, kind, folder.resolve("slowed"))) {
                    AutoConverge throttle = new AutoConverge(() -> new AutoConverge.Tuning(50, 80, 15, false, 99));
                    OutgoingReport report = end(
                            start(guest, destination, OutgoingConfig.builder().throttle(throttle)));

                    assertEquals("completed", report.outcome(), report.reason());
                    destination.awaitMigrated();
                    assertSameRam(guest, destination.ram());
                    destination.cont();
                    destination.awaitDirtying();
                }
            }
        }
    }

    private static OutgoingMigration start(LentGuest guest, QemuProcess destination, OutgoingConfig.Builder config)
            throws Exception {
        return OutgoingMigration.start(
                guest,
                Dialer.to(Address.parse(destination.listen("tcp:127.0.0.1:0"))),
                config.returnPath(true)
                        .maxBandwidth(LINK)
                        .downtimeLimit(Duration.ofMillis(50))
                        .build(),
                new MigrationObserver() {},
                "out");
    }

    private static boolean ended(OutgoingMigration migration) {
        return migration.completion().isDone();
    }

    private static OutgoingReport end(OutgoingMigration migration) throws Exception {
        return migration.completion().get(LIMIT.toSeconds(), TimeUnit.SECONDS);
    }

    private static void assertSameRam(LentGuest ours, Path theirs) throws Exception {
        try (Arena arena = Arena.ofConfined();
                FileChannel file = FileChannel.open(theirs)) {
            MemorySegment mapped = file.map(FileChannel.MapMode.READ_ONLY, 0, file.size(), arena);
            assertEquals(-1, ours.ram().segment().mismatch(mapped), "RAM differs from " + theirs);
        }
    }
}
