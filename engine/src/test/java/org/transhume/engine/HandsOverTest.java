package org.transhume.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.transhume.channels.Connection;
import org.transhume.channels.qemu.BlockEntry;
import org.transhume.channels.qemu.DeviceTail;
import org.transhume.channels.qemu.HandoverRecord;
import org.transhume.engine.guest.SyntheticGuest;
import org.transhume.engine.incoming.IncomingConfig;
import org.transhume.engine.incoming.IncomingReport;
import org.transhume.engine.outgoing.Dialer;
import org.transhume.engine.outgoing.OutgoingConfig;
import org.transhume.engine.outgoing.OutgoingMigration;
import org.transhume.engine.outgoing.OutgoingReport;
import org.transhume.memory.GuestMemory;

/** Extension x-handover over real connections: whatever breaks, one side runs the guest, or none and that is said. */
class HandsOverTest {
    private static final long RAM = Guests.MIB;
    private static final int LIMIT_SECONDS = 20;
    private static final String MACHINE = SyntheticGuest.MACHINE;
    /** SWITCHOVER_START, an END section of RAM without pages (type and id, EOS, footer), and a PING. */
    private static final int BEFORE_THE_DEVICES = 5 + 5 + 8 + 5 + 9;
    /** What the destination says: PONGs, of which the first counts, READY, SHUT, each behind its type and length. */
    private static final int PONG = 8;

    private static final int READY = 4 + HandoverRecord.BYTES;
    private static final int SHUT = 8;

    private static final OutgoingConfig CONFIG = config(Duration.ofSeconds(10));
    /** For a network that stays as it is. */
    private static final OutgoingConfig HASTY = config(Duration.ofMillis(1));

    private static final IncomingConfig INCOMING =
            IncomingConfig.DEFAULT.withShared(Set.of(Extensions.HANDOVER)).withChannelLimit(Duration.ofSeconds(5));

    @RegisterExtension
    final NothingLeft nothingLeft = new NothingLeft();

    private static OutgoingConfig config(Duration inquiryLimit) {
        return OutgoingConfig.builder()
                .returnPath(true)
                .handover(true)
                .inquiryLimit(inquiryLimit)
                .build();
    }

    @ParameterizedTest
    @CsvSource({"unix, 0", "tcp, 0", "tcp, 2"})
    void aGuestThatWasGrantedRunsThereAndBothSidesEndAtOnce(String transport, int channels) throws Exception {
        OutgoingConfig config = OutgoingConfig.builder()
                .returnPath(true)
                .handover(true)
                .channels(channels)
                .build();
        try (SyntheticGuest source = guest("uniform:rate=1000");
                Arrival arrival =
                        Arrival.of(Guests.empty(MACHINE, RAM, true), transport, INCOMING.withChannels(channels))) {
            source.resume();

            OutgoingReport report = await(start(source, Dialer.to(arrival.address), config));
            IncomingReport arrived = arrival.await();

            assertEquals("completed", report.outcome(), report.reason());
            assertEquals("completed", arrived.outcome(), arrived.reason());
            assertTrue(report.acknowledged());
            assertTrue(arrival.guest.running());
            assertFalse(source.running());
            Guests.assertSameRam(source, arrival.guest, "granted");
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aCutAtAnyByteOfWhatTheSourceSaysLeavesOneOwnerOrSaysThatNobodyMayRun(boolean mends) throws Exception {
        try (SyntheticGuest source = guest("idle:rate=0")) {
            source.resume();
            source.pause();
            int grant = BEFORE_THE_DEVICES + source.saveDevices().toBytes().length;
            int behind = grant + HandoverRecord.BYTES;
            int end = behind + HandoverRecord.BYTES;
            int unknown = 0;
            for (int cut = 0; cut <= end; cut++) {
                String where = "cut %d bytes behind the stop, GRANT at %d to %d, network %s"
                        .formatted(cut, grant, behind, mends ? "mends" : "stays down");
                boolean lost = new CutAt(mends, cut, Long.MAX_VALUE).check(source, where);
                assertEquals(!mends && cut >= grant && cut < behind, lost, where);
                unknown += lost ? 1 : 0;
            }
            System.out.printf(
                    "source to destination: %d cuts, network %s: %d leave the owner unknown%n",
                    end + 1, mends ? "mends" : "stays down", unknown);
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aCutAtAnyByteOfWhatTheDestinationSaysLeavesOneOwnerOrSaysThatNobodyMayRun(boolean mends) throws Exception {
        try (SyntheticGuest source = guest("idle:rate=0")) {
            int unknown = 0;
            for (int cut = 0; cut <= PONG + READY + SHUT; cut++) {
                String where =
                        "cut behind %d bytes of the answers, network %s".formatted(cut, mends ? "mends" : "stays down");
                boolean lost = new CutAt(mends, Long.MAX_VALUE, cut).check(source, where);
                assertEquals(!mends && cut >= PONG + READY && cut < PONG + READY + SHUT, lost, where);
                unknown += lost ? 1 : 0;
            }
            System.out.printf(
                    "destination to source: %d cuts, network %s: %d leave the owner unknown%n",
                    PONG + READY + SHUT + 1, mends ? "mends" : "stays down", unknown);
        }
    }

    /** A network that breaks the first connection, and lets others through only if it mends. */
    private static final class CutAt implements Dialer, MigrationObserver {
        private final boolean mends;
        private final long sent;
        private final long answered;
        private Arrival arrival;
        private CutConnection main;

        /**
         * @param sent bytes that get out once the guest stands
         * @param answered bytes that come in from the first on, without later PONGs
         */
        CutAt(boolean mends, long sent, long answered) {
            this.mends = mends;
            this.sent = sent;
            this.answered = answered;
        }

        @Override
        public Connection dial(Duration limit) throws IOException {
            if (main == null) {
                main = new CutConnection(Dialer.to(arrival.address).dial(limit)).afterAnswers(answered);
                return main;
            }
            if (!mends) {
                throw new IOException("the network is down");
            }
            return Dialer.to(arrival.address).dial(limit);
        }

        @Override
        public boolean multiChannel() {
            return true;
        }

        @Override
        public void state(MigrationState state) {
            if (state instanceof MigrationState.Device && sent != Long.MAX_VALUE) {
                main.afterWriting(main.bytesWritten() + sent);
            }
        }

        /** @return whether the source does not know who owns the guest */
        boolean check(SyntheticGuest source, String where) throws Exception {
            source.resume();
            try (Arrival to = Arrival.of(Guests.empty(MACHINE, RAM, true), "unix", INCOMING)) {
                arrival = to;
                OutgoingMigration migration =
                        OutgoingMigration.start(source, this, mends ? CONFIG : HASTY, this, "out");
                OutgoingReport report = await(migration);
                // Where nobody comes to ask, the destination would wait for it; what it decided stays decided.
                to.abort();
                IncomingReport there = to.await();

                assertFalse(source.running() && to.guest.running(), where + ": runs on both sides");
                assertFalse(mends && !source.running() && !to.guest.running(), where + ": and nobody found out");
                boolean unknown =
                        migration.state() instanceof MigrationState.Failed failed && failed.ownershipUnknown();
                if (!source.running() && !to.guest.running()) {
                    assertTrue(unknown, where + ": nobody runs it, and " + report.reason());
                }
                if (unknown) {
                    assertFalse(source.running(), where);
                    assertTrue(report.reason().contains("stays paused here"), report.reason());
                }
                assertEquals(to.guest.running(), there.outcome().equals("completed"), where + ": " + there.reason());
                if (to.guest.running()) {
                    Guests.assertSameRam(source, to.guest, where);
                }
                return unknown;
            }
        }
    }

    @Test
    void aCancelThatRacesWithReadyLeavesTheGuestWhereItSays() throws Exception {
        int cancelled = 0;
        try (SyntheticGuest source = guest("idle:rate=0")) {
            for (int seed = 0; seed < 100; seed++) {
                long nanos = new Random(seed).nextInt(400_000);
                String where = "seed %d: cancelled %d ns behind the load".formatted(seed, nanos);
                source.resume();
                CompletableFuture<OutgoingMigration> started = new CompletableFuture<>();
                CompletableFuture<Long> loadedAt = new CompletableFuture<>();
                Thread canceller = Thread.ofPlatform().name("out cancel").start(() -> {
                    long from = loadedAt.join();
                    while (System.nanoTime() - from < nanos) {
                        Thread.onSpinWait();
                    }
                    started.join().cancel();
                });
                SyntheticGuest empty = Guests.empty(MACHINE, RAM, true);
                Late guest = new Late(empty, () -> loadedAt.complete(System.nanoTime()), () -> {});
                try (Arrival arrival = Arrival.as(guest, empty, INCOMING)) {
                    OutgoingMigration migration = start(source, Dialer.to(arrival.address), CONFIG);
                    started.complete(migration);
                    OutgoingReport report = await(migration);
                    canceller.join();
                    if (source.running()) {
                        arrival.abort(); // it may wait for a question
                    }
                    arrival.await();

                    assertEquals(
                            report.outcome().equals("cancelled"), source.running(), where + ": " + report.reason());
                    assertEquals(report.outcome().equals("completed"), empty.running(), where + ": " + report.reason());
                    assertNotEquals(source.running(), empty.running(), where);
                    cancelled += source.running() ? 1 : 0;
                }
            }
        }
        System.out.printf("cancel races with READY: %d of 100 were in time%n", cancelled);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aDestinationThatRefusesGivesTheGuestBackBeforeTheWordAndBehindIt(boolean behind) throws Exception {
        SyntheticGuest empty = Guests.empty(MACHINE, RAM, true);
        Runnable refusal = () -> {
            throw new MigrationException("device 'x' is missing");
        };
        Runnable nothing = () -> {};
        Late guest = new Late(empty, behind ? nothing : refusal, behind ? refusal : nothing);
        try (SyntheticGuest source = guest("uniform:rate=1000");
                Arrival arrival = Arrival.as(guest, empty, INCOMING)) {
            source.resume();

            OutgoingMigration migration = start(source, Dialer.to(arrival.address), CONFIG);
            OutgoingReport report = await(migration);
            IncomingReport there = arrival.await();

            assertEquals("failed", report.outcome());
            assertTrue(report.reason().contains("status 1"), report.reason());
            assertFalse(assertInstanceOf(MigrationState.Failed.class, migration.state())
                    .ownershipUnknown());
            Guests.assertRunsOn(source, "after SHUT 1");
            assertEquals("failed", there.outcome());
            assertFalse(empty.running());
        }
    }

    @Test
    void aDestinationThatIsGivenUpWhileItWaitsRenouncesAndTheSourceGoesOn() throws Exception {
        try (SyntheticGuest source = guest("uniform:rate=1000");
                Arrival arrival = Arrival.of(Guests.empty(MACHINE, RAM, true), "unix", INCOMING)) {
            source.resume();
            Dialer dialer = beforeGrant(arrival, arrival::abort);

            OutgoingMigration migration = start(source, dialer, CONFIG);
            OutgoingReport report = await(migration);
            IncomingReport there = arrival.await();

            assertEquals("failed", report.outcome());
            assertEquals("failed", there.outcome());
            assertFalse(arrival.guest.running());
            // The word was on its way: whether it is heard that the destination renounced depends on who is faster.
            boolean unknown = assertInstanceOf(MigrationState.Failed.class, migration.state())
                    .ownershipUnknown();
            assertNotEquals(unknown, source.running());
        }
    }

    /** Dials connections that do something right before the word of the source goes out. */
    private static Dialer beforeGrant(Arrival arrival, Runnable hook) {
        return new Dialer() {
            @Override
            public Connection dial(Duration limit) throws IOException {
                return new GrantWatcher(Dialer.to(arrival.address).dial(limit), hook);
            }

            @Override
            public boolean multiChannel() {
                return true;
            }
        };
    }

    @Test
    void bothSidesMustHaveItOn() throws Exception {
        for (boolean atTheSource : List.of(true, false)) {
            OutgoingConfig config = OutgoingConfig.builder()
                    .returnPath(true)
                    .handover(atTheSource)
                    .build();
            try (SyntheticGuest source = guest("uniform:rate=1000");
                    Arrival arrival = Arrival.of(
                            Guests.empty(MACHINE, RAM, true),
                            "unix",
                            atTheSource ? IncomingConfig.DEFAULT : INCOMING)) {
                source.resume();

                OutgoingReport report = await(start(source, Dialer.to(arrival.address), config));
                String reason = arrival.await().reason();

                assertEquals("failed", report.outcome());
                assertTrue(
                        reason.contains("'x-handover' is " + (atTheSource ? "on" : "off") + " at the source"), reason);
                Guests.assertRunsOn(source, "refused");
            }
        }
    }

    private static SyntheticGuest guest(String workload) {
        return Guests.source(MACHINE, RAM, "marks", workload);
    }

    private static OutgoingMigration start(SyntheticGuest source, Dialer dialer, OutgoingConfig config) {
        return OutgoingMigration.start(source, dialer, config, new MigrationObserver() {}, "out");
    }

    private static OutgoingReport await(OutgoingMigration migration) throws Exception {
        return migration.completion().get(LIMIT_SECONDS, TimeUnit.SECONDS);
    }

    /** A guest at which something happens when it was loaded, and before it starts. */
    private record Late(SyntheticGuest guest, Runnable whenLoaded, Runnable beforeStart) implements IncomingGuest {
        @Override
        public GuestMemory accept(String machine, List<BlockEntry> blocks) {
            return guest.accept(machine, blocks);
        }

        @Override
        public boolean fresh() {
            return guest.fresh();
        }

        @Override
        public void load(DeviceTail devices) {
            guest.load(devices);
            whenLoaded.run();
        }

        @Override
        public void start() {
            beforeStart.run();
            guest.start();
        }
    }
}
