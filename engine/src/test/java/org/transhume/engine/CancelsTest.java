package org.transhume.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.transhume.engine.guest.SyntheticGuest;
import org.transhume.engine.outgoing.Dialer;
import org.transhume.engine.outgoing.OutgoingConfig;
import org.transhume.engine.outgoing.OutgoingMigration;
import org.transhume.engine.outgoing.OutgoingReport;

/** A cancel at any moment before the hand-over gives the guest back at once; behind it nothing is changed any more. */
class CancelsTest {
    private static final long RAM = 16 * Guests.MIB;
    private static final int LIMIT_SECONDS = 20;
    /** A second is promised; the machine that tests may be busy. */
    private static final Duration AT_ONCE = Duration.ofSeconds(5);

    private static final String MACHINE = "transhume-1.0";

    @RegisterExtension
    final NothingLeft nothingLeft = new NothingLeft();

    @ParameterizedTest
    @CsvSource({
        "Setup, 0, 0",
        "Setup, 0, 2",
        "Active, 0, 0",
        "Active, 0, 1",
        "Active, 0, 2",
        "PreSwitchover, 0, 0",
        "PreSwitchover, 0, 2",
        "Device, 0, 0",
        "Device, 0, 2",
        "pass, 1, 0",
        "pass, 1, 2",
        "pass, 2, 0",
        "pass, 2, 2",
        "pass, 3, 0",
        "pass, 3, 3",
    })
    void atAnyStepTheGuestRunsOnAndTheNextTrySucceeds(String step, int pass, int channels) throws Exception {
        OutgoingConfig config =
                OutgoingConfig.builder().channels(channels).returnPath(true).build();
        OutgoingConfig pausing = OutgoingConfig.builder()
                .channels(channels)
                .returnPath(true)
                .pauseBeforeSwitchover(step.equals("PreSwitchover"))
                .build();
        try (SyntheticGuest source = guest()) {
            source.resume();
            try (Arrival arrival = arrival(channels)) {
                CancelsAt moment = new CancelsAt(step, pass);

                OutgoingMigration migration =
                        OutgoingMigration.start(source, Dialer.to(arrival.address), pausing, moment, "out");
                moment.migration.complete(migration);

                assertCancelled(migration);
                Guests.assertRunsOn(source, "cancelled at " + step);
                assertFalse(arrival.guest.running());
            }
            assertMoves(source, config);
        }
    }

    @Test
    void whileItWaitsForSomebodyToAnswerTheCall() throws Exception {
        try (SyntheticGuest source = guest()) {
            source.resume();
            UnansweredDialer nobody = new UnansweredDialer();

            OutgoingMigration migration = OutgoingMigration.start(
                    source, nobody, OutgoingConfig.builder().build(), new MigrationObserver() {}, "out");
            nobody.calling.get(LIMIT_SECONDS, TimeUnit.SECONDS);
            migration.cancel();

            assertCancelled(migration);
            Guests.assertRunsOn(source, "cancelled while connecting");
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2})
    void whileItWaitsForTheRateLimitToLetPagesThrough(int channels) throws Exception {
        OutgoingConfig config = OutgoingConfig.builder()
                .channels(channels)
                .returnPath(true)
                .maxBandwidth(Guests.MIB)
                .build();
        try (SyntheticGuest source = guest()) {
            source.resume();
            try (Arrival arrival = arrival(channels)) {
                OutgoingMigration migration = OutgoingMigration.start(
                        source, Dialer.to(arrival.address), config, new MigrationObserver() {}, "out");
                awaitBytes(migration, 64 << 10);

                migration.cancel();

                assertCancelled(migration);
                Guests.assertRunsOn(source, "cancelled under a cap");
                assertEquals("failed", arrival.await().outcome());
            }
            assertMoves(source, OutgoingConfig.builder().channels(channels).build());
        }
    }

    @Test
    void whileTheDestinationReadsNothing() throws Exception {
        OutgoingConfig config = OutgoingConfig.builder().build();
        try (SyntheticGuest source = Guests.source(MACHINE, 4 * RAM, "marks", "uniform:rate=20000");
                SilentPeer peer = new SilentPeer(false)) {
            source.resume();
            OutgoingMigration migration = OutgoingMigration.start(
                    source, Dialer.to(peer.address()), config, new MigrationObserver() {}, "out");
            awaitState(migration, MigrationState.Active.class);

            migration.cancel();

            assertCancelled(migration);
            Guests.assertRunsOn(source, "cancelled while it could not write");
        }
    }

    @Test
    void aGuestThatStoodBeforeStandsAfterwards() throws Exception {
        try (SyntheticGuest source = guest();
                Arrival arrival = arrival(0)) {
            CancelsAt moment = new CancelsAt("Device", 0);

            OutgoingMigration migration = OutgoingMigration.start(
                    source, Dialer.to(arrival.address), OutgoingConfig.builder().build(), moment, "out");
            moment.migration.complete(migration);

            assertCancelled(migration);
            assertFalse(source.running());
        }
    }

    @Test
    void behindTheHandOverItChangesNothing() throws Exception {
        OutgoingConfig config = OutgoingConfig.builder().returnPath(true).build();
        try (SyntheticGuest source = guest()) {
            source.resume();
            OutgoingMigration migration;
            try (SilentPeer peer = new SilentPeer(true)) {
                migration = OutgoingMigration.start(
                        source, Dialer.to(peer.address()), config, new MigrationObserver() {}, "out");
                awaitState(migration, MigrationState.Device.class);
                peer.awaitEndingWith(source.saveDevices().toBytes());

                migration.cancel();

                assertFalse(migration.completion().isDone());
                assertInstanceOf(MigrationState.Device.class, migration.state());
            }
            migration.completion().get(LIMIT_SECONDS, TimeUnit.SECONDS);
            assertTrue(assertInstanceOf(MigrationState.Failed.class, migration.state())
                    .ownershipUnknown());
            assertFalse(source.running());
        }
    }

    @Test
    void afterTheEndItChangesNothing() throws Exception {
        try (SyntheticGuest source = guest();
                Arrival arrival = arrival(0)) {
            source.resume();
            OutgoingMigration migration = OutgoingMigration.start(
                    source,
                    Dialer.to(arrival.address),
                    OutgoingConfig.builder().build(),
                    new MigrationObserver() {},
                    "out");
            migration.completion().get(LIMIT_SECONDS, TimeUnit.SECONDS);

            migration.cancel();
            migration.cancel();

            assertInstanceOf(MigrationState.Completed.class, migration.state());
            assertFalse(source.running());
        }
    }

    private static SyntheticGuest guest() {
        return Guests.source(MACHINE, RAM, "marks", "uniform:rate=20000");
    }

    private static Arrival arrival(int channels) throws Exception {
        return Arrival.of(Guests.empty(MACHINE, RAM, true), "unix", channels, false);
    }

    private static void assertCancelled(OutgoingMigration migration) throws Exception {
        OutgoingReport report = migration.completion().get(AT_ONCE.toSeconds(), TimeUnit.SECONDS);

        assertEquals("cancelled", report.outcome(), report.reason());
        assertInstanceOf(MigrationState.Cancelled.class, migration.state());
    }

    private static void assertMoves(SyntheticGuest source, OutgoingConfig config) throws Exception {
        try (Arrival arrival = arrival(config.channels())) {
            OutgoingReport report = OutgoingMigration.start(
                            source, Dialer.to(arrival.address), config, new MigrationObserver() {}, "out")
                    .completion()
                    .get(LIMIT_SECONDS, TimeUnit.SECONDS);

            assertEquals("completed", report.outcome(), report.reason());
            arrival.await();
            Guests.assertSameRam(source, arrival.guest, "the try after the cancelled one");
        }
    }

    private static void awaitState(OutgoingMigration migration, Class<? extends MigrationState> state) {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(LIMIT_SECONDS);
        while (!state.isInstance(migration.state())) {
            assertTrue(System.nanoTime() - deadline < 0, "still " + migration.state());
            LockSupport.parkNanos(1_000_000);
        }
    }

    private static void awaitBytes(OutgoingMigration migration, long bytes) {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(LIMIT_SECONDS);
        while (migration.progress().transferredBytes() < bytes) {
            assertTrue(System.nanoTime() - deadline < 0, "still " + migration.progress());
            LockSupport.parkNanos(1_000_000);
        }
    }

    /** Cancels on the migration's own thread, so that the step is exact. */
    private static final class CancelsAt implements MigrationObserver {
        final CompletableFuture<OutgoingMigration> migration = new CompletableFuture<>();
        private final String step;
        private final int pass;

        CancelsAt(String step, int pass) {
            this.step = step;
            this.pass = pass;
        }

        @Override
        public void state(MigrationState state) {
            if (state.getClass().getSimpleName().equals(step)) {
                migration.join().cancel();
            }
        }

        @Override
        public void pass(int number) {
            if (number == pass) {
                migration.join().cancel();
            }
        }
    }
}
