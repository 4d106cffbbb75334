package org.transhume.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.transhume.engine.guest.SyntheticGuest;
import org.transhume.engine.outgoing.Dialer;
import org.transhume.engine.outgoing.LanePlacement;
import org.transhume.engine.outgoing.OutgoingConfig;
import org.transhume.engine.outgoing.OutgoingMigration;
import org.transhume.engine.outgoing.OutgoingReport;

/** Connections that break and orders to stop while pages are packed: the guest runs on and can leave at once. */
class LosesPackedPagesTest {
    private static final long RAM = 4 * Guests.MIB;
    private static final String MACHINE = "transhume-1.0";
    private static final int LIMIT_SECONDS = 20;
    private static final int TRIES = 3;
    /** In bytes behind a pass: some rounds of pages, and some of what the main channel says beside them. */
    private static final int PAGES_AHEAD = 600_000;

    private static final int MAIN_AHEAD = 1_000;

    @RegisterExtension
    final NothingLeft nothingLeft = new NothingLeft();

    record Try(Packing packing, int seed) {}

    static Stream<Try> tries() {
        List<Try> tries = new ArrayList<>();
        for (Packing packing : Packing.values()) {
            for (int i = 0; i < TRIES; i++) {
                tries.add(new Try(packing, tries.size()));
            }
        }
        return tries.stream();
    }

    @ParameterizedTest
    @MethodSource("tries")
    void aCutAnywhereLeavesTheGuestWholeAndTheNextTrySucceeds(Try cut) throws Exception {
        Random random = new Random(cut.seed);
        int lanes = 1 + cut.seed % 2;
        int channels = cut.packing.channels(lanes);
        OutgoingConfig config = config(cut.packing, lanes, random);
        int cutPass = 1 + random.nextInt(5);
        int cutChannel = random.nextInt(channels + 1);
        int cutAhead = random.nextInt(3) == 0 || (cutChannel == 0 && channels > 0)
                ? random.nextInt(MAIN_AHEAD)
                : random.nextInt(PAGES_AHEAD);
        String where = "%s: channel %d cut %d bytes behind pass %d".formatted(cut, cutChannel, cutAhead, cutPass);

        try (SyntheticGuest source = guest()) {
            try (Arrival arrival = arrival(cut.packing, lanes)) {
                CutDialer dialer = new CutDialer(arrival.address);
                Rewrites cutter = new Rewrites(source, Integer.MAX_VALUE, cut.seed) {
                    @Override
                    public void pass(int number) {
                        super.pass(number);
                        if (number == cutPass) {
                            CutConnection connection = dialer.connections.get(cutChannel);
                            connection.afterWriting(connection.bytesWritten() + cutAhead);
                        }
                    }
                };
                OutgoingMigration migration = OutgoingMigration.start(source, dialer, config, cutter, "out");
                OutgoingReport report = migration.completion().get(LIMIT_SECONDS, TimeUnit.SECONDS);

                assertEquals("failed", report.outcome(), where);
                assertEquals(1, report.reason().lines().count(), where);
                assertFalse(assertInstanceOf(MigrationState.Failed.class, migration.state())
                        .ownershipUnknown());
                assertEquals("failed", arrival.await().outcome(), where);
                assertFalse(arrival.guest.running(), where);
                Guests.assertRunsOn(source, where);
                assertEquals(Set.of(), cutter.forgotten(), where + ": pages written on the way, not told again");
            }
            assertMoves(source, cut.packing, lanes, config, where);
        }
    }

    @ParameterizedTest
    @MethodSource("tries")
    void aCancelAtAnyStepLeavesTheGuestWholeAndTheNextTrySucceeds(Try cancel) throws Exception {
        Random random = new Random(cancel.seed);
        int lanes = 1 + cancel.seed % 2;
        OutgoingConfig config = config(cancel.packing, lanes, random);
        int passes = 5;
        int step = 1 + random.nextInt(passes + 1); // one more: when the guest stands
        String where = "%s: cancelled at step %d".formatted(cancel, step);

        try (SyntheticGuest source = guest()) {
            try (Arrival arrival = arrival(cancel.packing, lanes)) {
                Rewrites canceller = new Rewrites(source, passes, cancel.seed) {
                    @Override
                    public void pass(int number) {
                        super.pass(number);
                        if (number == step) {
                            migration.join().cancel();
                        }
                    }

                    @Override
                    public void state(MigrationState state) {
                        super.state(state);
                        if (state instanceof MigrationState.Device) {
                            migration.join().cancel();
                        }
                    }
                };
                OutgoingMigration migration =
                        OutgoingMigration.start(source, Dialer.to(arrival.address), config, canceller, "out");
                canceller.migration.complete(migration);
                OutgoingReport report = migration.completion().get(LIMIT_SECONDS, TimeUnit.SECONDS);

                assertEquals("cancelled", report.outcome(), () -> where + ": " + report.reason());
                assertEquals("failed", arrival.await().outcome(), where);
                assertFalse(arrival.guest.running(), where);
                Guests.assertRunsOn(source, where);
                assertEquals(Set.of(), canceller.forgotten(), where + ": pages written on the way, not told again");
            }
            assertMoves(source, cancel.packing, lanes, config, where);
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"XBZRLE", "COMPRESS_1", "COMPRESS_8_WAITING", "COMPRESS_XBZRLE"})
    void aCancelEndsTheWaitForADestinationThatReadsNothing(Packing packing) throws Exception {
        OutgoingConfig config = packing.outgoing(0).build();
        try (SyntheticGuest source = Guests.source(MACHINE, 64 * Guests.MIB, "marks", "uniform:rate=20000");
                SilentPeer peer = new SilentPeer(false)) {
            source.resume();
            OutgoingMigration migration = OutgoingMigration.start(
                    source, Dialer.to(peer.address()), config, new MigrationObserver() {}, "out");
            long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(LIMIT_SECONDS);
            while (migration.progress().transferredBytes() < Guests.MIB) {
                assertTrue(System.nanoTime() - deadline < 0, "still " + migration.progress());
                LockSupport.parkNanos(1_000_000);
            }

            migration.cancel();

            assertEquals(
                    "cancelled",
                    migration.completion().get(LIMIT_SECONDS, TimeUnit.SECONDS).outcome());
            Guests.assertRunsOn(source, packing.toString());
        }
    }

    private static OutgoingConfig config(Packing packing, int lanes, Random random) {
        return packing.outgoing(lanes)
                .placement(lanes == 1 ? LanePlacement.INLINE : LanePlacement.RING)
                .returnPath(random.nextBoolean())
                .downtimeLimit(Rewrites.NO_PAUSE)
                .build();
    }

    private static SyntheticGuest guest() {
        SyntheticGuest source = Guests.source(MACHINE, RAM, "marks", "sparse-words:rate=20000");
        source.resume();
        return source;
    }

    private static Arrival arrival(Packing packing, int lanes) throws Exception {
        return Arrival.of(Guests.empty(MACHINE, RAM, true), "unix", packing.incoming(lanes));
    }

    private static void assertMoves(
            SyntheticGuest source, Packing packing, int lanes, OutgoingConfig config, String where) throws Exception {
        try (Arrival arrival = arrival(packing, lanes)) {
            Rewrites rewrites = new Rewrites(source, 3, 0);
            OutgoingMigration migration =
                    OutgoingMigration.start(source, Dialer.to(arrival.address), config, rewrites, "out");
            rewrites.migration.complete(migration);
            OutgoingReport report = migration.completion().get(LIMIT_SECONDS, TimeUnit.SECONDS);

            assertEquals("completed", report.outcome(), () -> where + ": " + report.reason());
            assertEquals("completed", arrival.await().outcome(), where);
            Guests.assertSameRam(source, arrival.guest, where + ", second try");
        }
    }
}
