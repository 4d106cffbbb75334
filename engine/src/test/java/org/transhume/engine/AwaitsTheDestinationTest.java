package org.transhume.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.transhume.channels.qemu.ReturnPathMessage;
import org.transhume.engine.guest.SyntheticGuest;
import org.transhume.engine.outgoing.Dialer;
import org.transhume.engine.outgoing.OutgoingConfig;
import org.transhume.engine.outgoing.OutgoingMigration;
import org.transhume.engine.outgoing.OutgoingReport;

/** What a source waits for on the return path: consent to the switchover, and the word that the guest was loaded. */
class AwaitsTheDestinationTest {
    private static final int LIMIT_SECONDS = 20;
    private static final int ROUND_MILLIS = 100;

    private static final OutgoingConfig WITH_CONSENT =
            OutgoingConfig.builder().returnPath(true).switchoverAck(true).build();

    @RegisterExtension
    final NothingLeft nothingLeft = new NothingLeft();

    @ParameterizedTest
    @ValueSource(strings = {"uniform:rate=2000", "idle:rate=0"})
    void withoutConsentRoundsGoOnWithoutHaste(String workload) throws Exception {
        try (SyntheticGuest source = guest(workload);
                SilentPeer peer = new SilentPeer(true)) {
            long start = System.nanoTime();
            OutgoingMigration migration = start(source, peer, WITH_CONSENT);
            peer.say(new ReturnPathMessage.Pong(1));
            awaitRounds(migration, 8);

            int rounds = migration.progress().rounds();
            long millis = (System.nanoTime() - start) / 1_000_000;
            assertTrue(rounds <= 2 + millis / ROUND_MILLIS, "%d rounds in %d ms".formatted(rounds, millis));
            assertTrue(source.running());
            assertInstanceOf(MigrationState.Active.class, migration.state());
            peer.say(new ReturnPathMessage.SwitchoverAck());

            answerAtTheEnd(migration, source, peer);
            assertCompleted(migration);
            assertFalse(source.running());
        }
    }

    @Test
    void consentThatCameEarlyCostsNoRound() throws Exception {
        try (SyntheticGuest source = guest("idle:rate=0");
                SilentPeer peer = new SilentPeer(true)) {
            OutgoingMigration migration = OutgoingMigration.start(
                    source,
                    Dialer.to(peer.address()),
                    WITH_CONSENT,
                    new MigrationObserver() {
                        @Override
                        public void pass(int number) {
                            if (number == 1) {
                                agree(peer);
                            }
                        }
                    },
                    "out");

            answerAtTheEnd(migration, source, peer);
            OutgoingReport report = assertCompleted(migration);
            assertTrue(report.rounds() <= 4, report::toString);
        }
    }

    @Test
    void aGuestThatStandsNeedsNoConsent() throws Exception {
        try (SyntheticGuest source = guest("uniform:rate=2000");
                SilentPeer peer = new SilentPeer(true)) {
            OutgoingMigration migration = start(source, peer, WITH_CONSENT);
            awaitRounds(migration, 3);

            source.pause();

            answerAtTheEnd(migration, source, peer);
            assertCompleted(migration);
        }
    }

    @Test
    void aCancelEndsTheWaitForConsent() throws Exception {
        try (SyntheticGuest source = guest("uniform:rate=2000");
                SilentPeer peer = new SilentPeer(true)) {
            OutgoingMigration migration = start(source, peer, WITH_CONSENT);
            awaitRounds(migration, 3);

            migration.cancel();

            assertEquals("cancelled", end(migration).outcome());
            Guests.assertRunsOn(source, "cancelled while it waited for consent");
        }
    }

    @Test
    void aDestinationThatDiesBeforeItAgreedFailsTheMigration() throws Exception {
        try (SyntheticGuest source = guest("uniform:rate=2000")) {
            OutgoingMigration migration;
            try (SilentPeer peer = new SilentPeer(true)) {
                migration = start(source, peer, WITH_CONSENT);
                awaitRounds(migration, 3);
            }

            OutgoingReport report = end(migration);

            assertEquals("failed", report.outcome());
            assertFalse(assertInstanceOf(MigrationState.Failed.class, migration.state())
                    .ownershipUnknown());
            Guests.assertRunsOn(source, "its destination died");
        }
    }

    @Test
    void aDestinationThatNeverSaysWhetherItHasTheGuestIsNotAwaitedForEver() throws Exception {
        OutgoingConfig config = OutgoingConfig.builder()
                .returnPath(true)
                .answerLimit(Duration.ofMillis(200))
                .build();
        try (SyntheticGuest source = guest("uniform:rate=2000");
                SilentPeer peer = new SilentPeer(true)) {
            OutgoingMigration migration = start(source, peer, config);

            OutgoingReport report = end(migration);

            assertTrue(assertInstanceOf(MigrationState.Failed.class, migration.state())
                    .ownershipUnknown());
            assertFalse(source.running());
            assertTrue(
                    report.reason().startsWith("handing over: the destination did not say within 0.2 s"),
                    report.reason());
            assertTrue(report.reason().contains("stays paused here"), report.reason());
        }
    }

    private static SyntheticGuest guest(String workload) {
        SyntheticGuest guest = Guests.source("transhume-1.0", 4 * Guests.MIB, "marks", workload);
        guest.resume();
        return guest;
    }

    private static OutgoingMigration start(SyntheticGuest source, SilentPeer peer, OutgoingConfig config) {
        return OutgoingMigration.start(source, Dialer.to(peer.address()), config, new MigrationObserver() {}, "out");
    }

    private static void answerAtTheEnd(OutgoingMigration migration, SyntheticGuest source, SilentPeer peer)
            throws Exception {
        awaitState(migration, MigrationState.Device.class);
        peer.awaitEndingWith(source.saveDevices().toBytes());
        peer.say(new ReturnPathMessage.Shut(0));
    }

    private static void agree(SilentPeer peer) {
        try {
            peer.say(new ReturnPathMessage.SwitchoverAck());
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }

    private static OutgoingReport end(OutgoingMigration migration) throws Exception {
        return migration.completion().get(LIMIT_SECONDS, TimeUnit.SECONDS);
    }

    private static OutgoingReport assertCompleted(OutgoingMigration migration) throws Exception {
        OutgoingReport report = end(migration);
        assertEquals("completed", report.outcome(), report.reason());
        assertTrue(report.acknowledged());
        return report;
    }

    private static void awaitRounds(OutgoingMigration migration, int rounds) {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(LIMIT_SECONDS);
        while (migration.progress().rounds() < rounds) {
            assertTrue(System.nanoTime() - deadline < 0, "still " + migration.progress());
            LockSupport.parkNanos(1_000_000);
        }
    }

    private static void awaitState(OutgoingMigration migration, Class<? extends MigrationState> state) {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(LIMIT_SECONDS);
        while (!state.isInstance(migration.state())) {
            assertTrue(System.nanoTime() - deadline < 0, "still " + migration.state());
            LockSupport.parkNanos(1_000_000);
        }
    }
}
