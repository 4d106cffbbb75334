package org.transhume.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.transhume.engine.guest.SyntheticGuest;
import org.transhume.engine.outgoing.Dialer;
import org.transhume.engine.outgoing.OutgoingConfig;
import org.transhume.engine.outgoing.OutgoingMigration;
import org.transhume.engine.outgoing.OutgoingReport;

/** Yanked, a migration fails as it does when the network breaks at that moment; and its threads are known. */
class YanksTest {
    private static final long RAM = 16 * Guests.MIB;
    private static final int LIMIT_SECONDS = 20;
    private static final String MACHINE = "transhume-1.0";
    private static final String BROKEN = "Unable to write to socket: Broken pipe";

    @RegisterExtension
    final NothingLeft nothingLeft = new NothingLeft();

    @ParameterizedTest
    @CsvSource({
        "Setup, 0",
        "Setup, 2",
        "Active, 0",
        "Active, 1",
        "Active, 2",
        "PreSwitchover, 0",
        "PreSwitchover, 2",
        "Device, 0",
        "Device, 2"
    })
    void atAnyStepBeforeTheHandOverItFailsAndTheGuestRunsOn(String step, int channels) throws Exception {
        OutgoingConfig config = OutgoingConfig.builder()
                .channels(channels)
                .returnPath(true)
                .pauseBeforeSwitchover(step.equals("PreSwitchover"))
                .build();
        try (SyntheticGuest source = guest();
                Arrival arrival = Arrival.of(Guests.empty(MACHINE, RAM, true), "unix", channels, false)) {
            source.resume();
            YanksAt moment = new YanksAt(step);

            OutgoingMigration migration =
                    OutgoingMigration.start(source, Dialer.to(arrival.address), config, moment, "out");
            moment.migration.complete(migration);

            assertFails(migration);
            Guests.assertRunsOn(source, "yanked at " + step);
            assertFalse(arrival.guest.running());
        }
    }

    @Test
    void whileItWaitsForSomebodyToAnswerTheCall() throws Exception {
        UnansweredDialer nobody = new UnansweredDialer();
        try (SyntheticGuest source = guest()) {
            source.resume();
            OutgoingMigration migration = OutgoingMigration.start(
                    source, nobody, OutgoingConfig.builder().build(), new MigrationObserver() {}, "out");
            nobody.calling.get(LIMIT_SECONDS, TimeUnit.SECONDS);

            migration.yank();

            assertFails(migration);
            Guests.assertRunsOn(source, "yanked while connecting");
        }
    }

    @Test
    void behindTheHandOverItIsUnknownWhoHasTheGuest() throws Exception {
        OutgoingConfig config = OutgoingConfig.builder().returnPath(true).build();
        try (SyntheticGuest source = guest();
                SilentPeer peer = new SilentPeer(true)) {
            source.resume();
            OutgoingMigration migration = OutgoingMigration.start(
                    source, Dialer.to(peer.address()), config, new MigrationObserver() {}, "out");
            while (!(migration.state() instanceof MigrationState.Device)) {
                assertFalse(migration.completion().isDone(), "it ended before the hand-over");
                LockSupport.parkNanos(1_000_000);
            }
            peer.awaitEndingWith(source.saveDevices().toBytes());

            migration.yank();

            OutgoingReport report = migration.completion().get(LIMIT_SECONDS, TimeUnit.SECONDS);
            assertTrue(report.reason().contains(BROKEN + "; the destination may run the guest"), report::reason);
            assertTrue(assertInstanceOf(MigrationState.Failed.class, migration.state())
                    .ownershipUnknown());
            assertFalse(source.running());
        }
    }

    @Test
    void itsThreadsAreThreadsOfLinux() throws Exception {
        OutgoingConfig config = OutgoingConfig.builder()
                .channels(3)
                .returnPath(true)
                .pauseBeforeSwitchover(true)
                .build();
        try (SyntheticGuest source = guest();
                Arrival arrival = Arrival.of(Guests.empty(MACHINE, RAM, true), "unix", 3, false)) {
            CompletableFuture<Boolean> allThere = new CompletableFuture<>();
            CompletableFuture<List<Crew.Member>> seen = new CompletableFuture<>();
            CompletableFuture<OutgoingMigration> started = new CompletableFuture<>();
            MigrationObserver observer = new MigrationObserver() {
                @Override
                public void state(MigrationState state) {
                    if (state instanceof MigrationState.PreSwitchover) {
                        OutgoingMigration migration = started.join();
                        allThere.complete(migration.threads().stream().allMatch(YanksTest::isThere));
                        seen.complete(migration.threads());
                        migration.proceed();
                    }
                }
            };

            OutgoingMigration migration =
                    OutgoingMigration.start(source, Dialer.to(arrival.address), config, observer, "out");
            started.complete(migration);
            List<Crew.Member> crew = seen.get(LIMIT_SECONDS, TimeUnit.SECONDS);
            migration.completion().get(LIMIT_SECONDS, TimeUnit.SECONDS);
            arrival.await();

            assertEquals(
                    Set.of("out", "out answers", "out lane 0", "out lane 1", "out lane 2"),
                    crew.stream().map(Crew.Member::name).collect(Collectors.toSet()));
            assertTrue(allThere.join(), "a thread that Linux does not know");
            assertEquals(5, crew.stream().map(Crew.Member::id).distinct().count());
        }
    }

    private static boolean isThere(Crew.Member member) {
        return Files.exists(Path.of("/proc/self/task", Long.toString(member.id())));
    }

    private static SyntheticGuest guest() {
        return Guests.source(MACHINE, RAM, "marks", "uniform:rate=20000");
    }

    private static void assertFails(OutgoingMigration migration) throws Exception {
        OutgoingReport report = migration.completion().get(LIMIT_SECONDS, TimeUnit.SECONDS);

        assertEquals("failed", report.outcome());
        assertTrue(report.reason().endsWith(": " + BROKEN), report::reason);
    }

    /** Yanks on the migration's own thread, so that the step is exact; one that waits there is let go on. */
    private static final class YanksAt implements MigrationObserver {
        final CompletableFuture<OutgoingMigration> migration = new CompletableFuture<>();
        private final String step;

        YanksAt(String step) {
            this.step = step;
        }

        @Override
        public void state(MigrationState state) {
            if (state.getClass().getSimpleName().equals(step)) {
                migration.join().yank();
                migration.join().proceed();
            }
        }
    }
}
