package org.transhume.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.transhume.channels.qemu.BlockEntry;
import org.transhume.channels.qemu.DeviceTail;
import org.transhume.engine.guest.SyntheticGuest;
import org.transhume.engine.outgoing.Dialer;
import org.transhume.engine.outgoing.LanePlacement;
import org.transhume.engine.outgoing.OutgoingConfig;
import org.transhume.engine.outgoing.OutgoingMigration;
import org.transhume.engine.outgoing.OutgoingReport;
import org.transhume.memory.DirtyBitmap;
import org.transhume.memory.GuestMemory;
import org.transhume.memory.PageSize;
import org.transhume.memory.WriterMarks;

/** Connections break at any byte: the guest is whole and runs on one side, never on both, and can try again at once. */
class LosesConnectionsTest {
    static final long RAM = 4 * Guests.MIB;
    private static final int LIMIT_SECONDS = 20;
    private static final String MACHINE = "transhume-1.0";
    /** SWITCHOVER_START, and an END section of RAM without pages: type and id, EOS, footer. */
    private static final int BEFORE_THE_DEVICES = 5 + 5 + 8 + 5;
    /** Behind them, if there is a return path. */
    private static final int PING = 9;

    /** What a main channel carries at least when pages have channels of their own. */
    private static final long MAIN_ALONE = 400;

    @RegisterExtension
    final NothingLeft nothingLeft = new NothingLeft();

    static IntStream seeds() {
        return IntStream.range(0, 48);
    }

    @ParameterizedTest
    @MethodSource("seeds")
    void aCutAnywhereLeavesTheGuestWholeAndTheNextTrySucceeds(int seed) throws Exception {
        Random random = new Random(seed);
        int channels = seed % 4;
        String machine = random.nextBoolean() ? MACHINE : "pc-q35-7.2";
        String transport = random.nextBoolean() ? "unix" : "tcp";
        OutgoingConfig config = OutgoingConfig.builder()
                .channels(channels)
                .placement(channels == 2 ? LanePlacement.RING : LanePlacement.INLINE)
                .returnPath(random.nextBoolean())
                .holeRuns(random.nextBoolean())
                .build();
        int cutChannel = random.nextInt(channels + 1);
        long cutAt = random.nextInt(4) == 0
                ? random.nextInt(200)
                : random.nextLong(cutChannel == 0 && channels > 0 ? MAIN_ALONE : leastOfEach(Math.max(1, channels)));
        String where = "seed %d: %s, %s, channel %d of %s cut at byte %d"
                .formatted(seed, machine, transport, cutChannel, config, cutAt);

        try (SyntheticGuest source = Guests.source(machine, RAM, "marks", "uniform:rate=20000")) {
            source.resume();
            WritesOnTheWay writes = new WritesOnTheWay(source);
            try (Arrival arrival = arrival(machine, transport, config)) {
                OutgoingMigration migration = OutgoingMigration.start(
                        source, new CutDialer(arrival.address, cutChannel, cutAt), config, writes, "out");
                OutgoingReport report = migration.completion().get(LIMIT_SECONDS, TimeUnit.SECONDS);
                if (cutChannel == 0 && cutAt < 4) {
                    arrival.abort(); // it never knew that somebody was there
                }
                arrival.await();

                assertEquals("failed", report.outcome(), where);
                assertEquals(1, report.reason().lines().count(), where);
                assertFalse(source.running() && arrival.guest.running(), where + ": runs on both sides");
                if (ownershipUnknown(migration)) {
                    assertFalse(source.running(), where);
                    if (arrival.guest.running()) {
                        Guests.assertSameRam(source, arrival.guest, where);
                    }
                    source.resume(); // as its operator finds out
                }
            }
            Guests.assertRunsOn(source, where);
            assertEquals(Set.of(), writes.forgotten(), where + ": pages written on the way, not told again");
            assertMoves(source, machine, transport, config, where);
        }
    }

    /** Bytes that every page channel carries at least: the guest is half noise, in packets dealt out in turn. */
    private static long leastOfEach(int channels) {
        long packet = 128L * PageSize.BYTES;
        return RAM / 2 / packet / channels * packet;
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aCutBeforeTheHandOverByteResumesTheGuestAndFromItOnNobodyGuesses(boolean returnPath) throws Exception {
        try (SyntheticGuest source = Guests.source(MACHINE, RAM, "marks", "idle:rate=0")) {
            source.resume();
            source.pause();
            DeviceTail tail = source.saveDevices();
            int before = BEFORE_THE_DEVICES + (returnPath ? PING : 0);
            int handOver = before + tail.sections().length;
            int end = before + tail.toBytes().length;
            long[] cuts = LongStream.concat(
                            LongStream.of(handOver - 1, handOver, handOver + 1, handOver + 2, end - 1),
                            LongStream.iterate(0, at -> at < end, at -> at + 13))
                    .toArray();
            for (long cut : cuts) {
                String where = "cut %d bytes behind the stop, hand-over at %d, end at %d, return path %s"
                        .formatted(cut, handOver, end, returnPath);
                OutgoingConfig config =
                        OutgoingConfig.builder().returnPath(returnPath).build();
                source.resume();
                try (Arrival arrival = arrival(MACHINE, "unix", config)) {
                    OutgoingMigration migration = cutBehindTheStop(source, arrival, config, cut);

                    arrival.await();
                    assertEquals(cut >= handOver, ownershipUnknown(migration), where);
                    assertEquals(cut < handOver, source.running(), where);
                    assertFalse(source.running() && arrival.guest.running(), where);
                    if (arrival.guest.running()) {
                        Guests.assertSameRam(source, arrival.guest, where);
                    }
                }
            }
        }
    }

    @Test
    void aPageChannelThatBreaksUnderALowCapIsNoticed() throws Exception {
        OutgoingConfig config = OutgoingConfig.builder()
                .channels(2)
                .placement(LanePlacement.RING)
                .maxBandwidth(Guests.MIB) // a batch takes several windows
                .build();
        try (SyntheticGuest source = Guests.source(MACHINE, RAM, "marks", "uniform:rate=20000");
                Arrival arrival = arrival(MACHINE, "unix", config)) {
            source.resume();

            OutgoingReport report = OutgoingMigration.start(
                            source,
                            new CutDialer(arrival.address, 1, 300_000),
                            config,
                            new MigrationObserver() {},
                            "out")
                    .completion()
                    .get(LIMIT_SECONDS, TimeUnit.SECONDS);

            assertEquals("failed", report.outcome());
            Guests.assertRunsOn(source, "a page channel broke");
        }
    }

    @Test
    void aWholeStreamIsAsLongAsTheCutsReckon() throws Exception {
        OutgoingConfig config = OutgoingConfig.builder().returnPath(true).build();
        try (SyntheticGuest source = Guests.source(MACHINE, RAM, "marks", "idle:rate=0");
                Arrival arrival = arrival(MACHINE, "unix", config)) {
            source.resume();
            OutgoingMigration migration = cutBehindTheStop(
                    source,
                    arrival,
                    config,
                    BEFORE_THE_DEVICES + PING + source.saveDevices().toBytes().length);

            assertInstanceOf(MigrationState.Completed.class, migration.state());
        }
    }

    @Test
    void anAnswerThatIsLostLeavesTheGuestPausedAndSaysWhy() throws Exception {
        OutgoingConfig config = OutgoingConfig.builder().returnPath(true).build();
        int pong = 8;
        try (SyntheticGuest source = Guests.source(MACHINE, RAM, "marks", "uniform:rate=1000");
                Arrival arrival = arrival(MACHINE, "unix", config)) {
            source.resume();
            Dialer dialer = dialing(arrival, connection -> connection.afterAnswers(pong));

            OutgoingMigration migration =
                    OutgoingMigration.start(source, dialer, config, new MigrationObserver() {}, "out");
            OutgoingReport report = migration.completion().get(LIMIT_SECONDS, TimeUnit.SECONDS);

            assertEquals("completed", arrival.await().outcome());
            assertTrue(ownershipUnknown(migration));
            assertFalse(source.running());
            assertTrue(arrival.guest.running());
            assertTrue(report.reason().contains("stays paused here"), report.reason());
            Guests.assertSameRam(source, arrival.guest, "the guest that was handed over");
        }
    }

    @Test
    void aDestinationThatCouldNotLoadTheGuestGivesItBack() throws Exception {
        OutgoingConfig config = OutgoingConfig.builder().returnPath(true).build();
        SyntheticGuest empty = Guests.empty(MACHINE, RAM, true);
        try (SyntheticGuest source = Guests.source(MACHINE, RAM, "marks", "uniform:rate=20000")) {
            source.resume();
            try (Arrival arrival = Arrival.as(new Refusing(empty), empty)) {
                OutgoingMigration migration = OutgoingMigration.start(
                        source, Dialer.to(arrival.address), config, new MigrationObserver() {}, "out");
                OutgoingReport report = migration.completion().get(LIMIT_SECONDS, TimeUnit.SECONDS);

                assertEquals("failed", arrival.await().outcome());
                assertEquals("failed", report.outcome());
                assertTrue(report.reason().contains("status 1"), report.reason());
                assertFalse(ownershipUnknown(migration));
                assertFalse(empty.running());
            }
            Guests.assertRunsOn(source, "after SHUT 1");
            assertMoves(source, MACHINE, "unix", config, "after SHUT 1");
        }
    }

    @Test
    void aDestinationThatIsNotThereIsSaidInOneLine() throws Exception {
        Arrival gone = arrival(MACHINE, "tcp", OutgoingConfig.builder().build());
        gone.close();
        try (SyntheticGuest source = Guests.source(MACHINE, RAM, "marks", "uniform:rate=20000")) {
            source.resume();

            OutgoingReport report = OutgoingMigration.start(
                            source,
                            Dialer.to(gone.address),
                            OutgoingConfig.builder().build(),
                            new MigrationObserver() {},
                            "out")
                    .completion()
                    .get(LIMIT_SECONDS, TimeUnit.SECONDS);

            assertEquals("failed", report.outcome());
            assertEquals(1, report.reason().lines().count(), report.reason());
            Guests.assertRunsOn(source, "nobody there");
        }
    }

    /** Runs a migration whose main channel breaks that many bytes behind the moment the guest stood. */
    private static OutgoingMigration cutBehindTheStop(
            SyntheticGuest source, Arrival arrival, OutgoingConfig config, long bytes) throws Exception {
        CutDialer dialer = new CutDialer(arrival.address);
        MigrationObserver cutter = new MigrationObserver() {
            @Override
            public void state(MigrationState state) {
                if (state instanceof MigrationState.Device) {
                    CutConnection main = dialer.connections.getFirst();
                    main.afterWriting(main.bytesWritten() + bytes);
                }
            }
        };
        OutgoingMigration migration = OutgoingMigration.start(source, dialer, config, cutter, "out");
        migration.completion().get(LIMIT_SECONDS, TimeUnit.SECONDS);
        return migration;
    }

    private interface Prepared {
        void on(CutConnection connection);
    }

    private static Dialer dialing(Arrival arrival, Prepared prepared) {
        return new Dialer() {
            @Override
            public CutConnection dial(Duration limit) throws IOException {
                CutConnection connection =
                        new CutConnection(Dialer.to(arrival.address).dial(limit));
                prepared.on(connection);
                return connection;
            }

            @Override
            public boolean multiChannel() {
                return true;
            }
        };
    }

    static Arrival arrival(String machine, String transport, OutgoingConfig config) throws IOException {
        return Arrival.of(Guests.empty(machine, RAM, true), transport, config.channels(), config.holeRuns());
    }

    static boolean ownershipUnknown(OutgoingMigration migration) {
        return assertInstanceOf(MigrationState.Failed.class, migration.state()).ownershipUnknown();
    }

    static void assertMoves(
            SyntheticGuest source, String machine, String transport, OutgoingConfig config, String where)
            throws Exception {
        try (Arrival arrival = arrival(machine, transport, config)) {
            OutgoingReport report = OutgoingMigration.start(
                            source, Dialer.to(arrival.address), config, new MigrationObserver() {}, "out")
                    .completion()
                    .get(LIMIT_SECONDS, TimeUnit.SECONDS);

            assertEquals("completed", report.outcome(), where + ": " + report.reason());
            assertEquals("completed", arrival.await().outcome(), where);
            Guests.assertSameRam(source, arrival.guest, where + ", second try");
        }
    }

    /** Writes a page at every step of the migration, where the workload writes none, and knows which. */
    static final class WritesOnTheWay implements MigrationObserver {
        private final SyntheticGuest guest;
        private final WriterMarks marks;
        private final Set<Long> written = new ConcurrentSkipListSet<>();
        private boolean recording;
        private long next = RAM / 2 / PageSize.BYTES;

        WritesOnTheWay(SyntheticGuest guest) {
            this.guest = guest;
            this.marks = (WriterMarks) guest.dirtySource();
        }

        @Override
        public void pass(int number) {
            recording = true; // the first comes when the dirty source was started
            write();
        }

        @Override
        public void state(MigrationState state) {
            if (recording && !state.ended()) {
                write();
            }
        }

        private void write() {
            long page = next;
            next += 3;
            Guests.ram(guest).set(ValueLayout.JAVA_LONG, page * PageSize.BYTES, page);
            marks.mark(0, page);
            written.add(page);
        }

        /** Pages that a new start of the dirty source does not tell. */
        Set<Long> forgotten() {
            Set<Long> forgotten = new TreeSet<>(written);
            try (DirtyBitmap told = new DirtyBitmap(RAM / PageSize.BYTES)) {
                marks.start();
                marks.harvest(0, told);
                marks.stop();
                marks.restore(0, told);
                forgotten.removeIf(told::isMarked);
            }
            return forgotten;
        }
    }

    /** Has room for the RAM, but no device that fits. */
    record Refusing(SyntheticGuest guest) implements IncomingGuest {
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
            throw new MigrationException("device 'x' is missing");
        }

        @Override
        public void start() {
            guest.start();
        }
    }
}
