package org.transhume.engine;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.transhume.engine.guest.SyntheticGuest;
import org.transhume.engine.incoming.IncomingReport;
import org.transhume.engine.outgoing.Dialer;
import org.transhume.engine.outgoing.LanePlacement;
import org.transhume.engine.outgoing.OutgoingConfig;
import org.transhume.engine.outgoing.OutgoingMigration;
import org.transhume.engine.outgoing.OutgoingReport;
import org.transhume.engine.outgoing.ZeroPageDetection;

/** Whole migrations of a running guest inside one process: whatever is switched on, the same bytes arrive. */
class MovesAGuestTest {
    /** Small, as there are many combinations; the large guests have tests of their own. */
    private static final long RAM = 4 * Guests.MIB;

    private static final long LARGE = 64 * Guests.MIB;
    private static final int LIMIT_SECONDS = 20;
    private static final List<String> WORKLOADS = List.of(
            "uniform:rate=20000",
            "hot:rate=20000,hot=1M",
            "sweep:rate=20000",
            "random-bytes:rate=5000",
            "sparse-words:rate=20000",
            "idle:rate=0");

    @RegisterExtension
    final NothingLeft nothingLeft = new NothingLeft();

    /** Lanes, and where they run. */
    enum Lanes {
        MAIN_ALONE(0, LanePlacement.AUTOMATIC),
        ONE_INLINE(1, LanePlacement.INLINE),
        TWO_BEHIND_THE_RING(2, LanePlacement.RING),
        THREE_INLINE(3, LanePlacement.INLINE);

        final int channels;
        final LanePlacement placement;

        Lanes(int channels, LanePlacement placement) {
            this.channels = channels;
            this.placement = placement;
        }
    }

    record Setting(
            Lanes lanes,
            boolean returnPath,
            String machine,
            boolean holeRuns,
            ZeroPageDetection detection,
            String transport,
            String dirtySource,
            boolean fresh,
            String workload) {
        OutgoingConfig config() {
            return OutgoingConfig.builder()
                    .channels(lanes.channels)
                    .placement(lanes.placement)
                    .returnPath(returnPath)
                    .holeRuns(holeRuns)
                    .zeroPages(detection)
                    .build();
        }
    }

    /** What decides about the stream in every combination; what only surrounds it takes turns. */
    static Stream<Setting> settings() {
        List<Setting> settings = new ArrayList<>();
        for (Lanes lanes : Lanes.values()) {
            for (boolean returnPath : new boolean[] {false, true}) {
                for (String machine : List.of("transhume-1.0", "pc-q35-9.0", "pc-q35-8.2", "pc-q35-7.2")) {
                    for (boolean holeRuns : new boolean[] {false, true}) {
                        for (ZeroPageDetection detection : ZeroPageDetection.values()) {
                            int turn = settings.size();
                            settings.add(new Setting(
                                    lanes,
                                    returnPath,
                                    machine,
                                    holeRuns,
                                    detection,
                                    turn / 3 % 2 == 0 ? "unix" : "tcp",
                                    (turn + turn / 6) % 2 == 0 ? "marks" : "uffd-wp",
                                    turn % 5 != 0,
                                    WORKLOADS.get((turn + turn / 6) % WORKLOADS.size())));
                        }
                    }
                }
            }
        }
        return settings.stream();
    }

    @ParameterizedTest
    @MethodSource("settings")
    void theSameBytesArriveAndBothSidesCountThemAlike(Setting setting) throws Exception {
        Heard heard = new Heard();
        try (SyntheticGuest source = Guests.source(setting.machine, RAM, setting.dirtySource, setting.workload);
                Arrival arrival = Arrival.of(
                        Guests.empty(setting.machine, RAM, setting.fresh),
                        setting.transport,
                        setting.lanes.channels,
                        setting.holeRuns)) {
            source.resume();

            OutgoingReport out = move(source, arrival, setting.config(), heard);
            IncomingReport in = arrival.await();

            assertEquals("completed", out.outcome(), out.reason());
            assertEquals("completed", in.outcome(), in.reason());
            assertFalse(source.running(), "the source runs on");
            assertTrue(arrival.guest.running(), "the destination stands");
            Guests.assertSameRam(source, arrival.guest, setting.toString());
            assertAll(
                    () -> assertEquals(out.normalPages(), in.normalPages(), "pages in full"),
                    () -> assertEquals(
                            out.zeroPages() + out.holePages(), in.zeroPages() + in.holePages(), "pages without bytes"),
                    () -> assertEquals(out.transferredBytes(), in.mainBytes() + in.multifdBytes(), "bytes"),
                    () -> assertEquals(out.multifdBytes(), in.multifdBytes(), "bytes on page channels"),
                    () -> assertEquals(setting.returnPath, out.acknowledged()),
                    () -> assertEquals(setting.lanes.channels > 0, out.multifdBytes() > 0),
                    () -> assertEquals(
                            setting.detection == ZeroPageDetection.NONE ? 0 : RAM / 16 / 4096,
                            out.zeroPages(),
                            "zero"));
            assertHistory(out, heard);
        }
    }

    @ParameterizedTest
    @EnumSource(Lanes.class)
    void aLargeGuestThatWritesAsFastAsItCanArrivesWhole(Lanes lanes) throws Exception {
        OutgoingConfig config = OutgoingConfig.builder()
                .channels(lanes.channels)
                .placement(lanes.placement)
                .returnPath(true)
                .downtimeLimit(Duration.ofSeconds(5))
                .build();
        try (SyntheticGuest source = Guests.source("transhume-1.0", LARGE, "uffd-wp", "uniform:rate=0");
                Arrival arrival =
                        Arrival.of(Guests.empty("transhume-1.0", LARGE, true), "unix", lanes.channels, false)) {
            source.resume();

            OutgoingReport out = move(source, arrival, config, new Heard());

            assertEquals("completed", out.outcome(), out.reason());
            arrival.await();
            Guests.assertSameRam(source, arrival.guest, lanes.toString());
            // Of all rounds behind the first: a busy machine may give the writers no time just before the pause.
            long rewritten = out.roundHistory().stream()
                    .skip(1)
                    .mapToLong(OutgoingReport.Round::dirtyPages)
                    .sum();
            assertTrue(rewritten > 0, "nothing was written meanwhile, so nothing is shown");
        }
    }

    private static void assertHistory(OutgoingReport out, Heard heard) {
        List<Integer> rounds = IntStream.rangeClosed(1, out.rounds()).boxed().toList();
        OutgoingReport.Downtime pause = out.downtime();
        assertAll(
                () -> assertTrue(out.rounds() >= 3, "first round, at least one more, the last"),
                () -> assertEquals(
                        rounds,
                        out.roundHistory().stream()
                                .map(OutgoingReport.Round::number)
                                .toList()),
                () -> assertEquals(rounds, heard.passes),
                () -> assertTrue(
                        out.roundHistory().stream()
                                        .mapToLong(OutgoingReport.Round::bytes)
                                        .sum()
                                <= out.transferredBytes(),
                        "rounds sent more than there was"),
                () -> assertEquals(
                        pause.total(),
                        pause.stop()
                                + pause.lastHarvest()
                                + pause.lastPages()
                                + pause.devices()
                                + pause.wire()
                                + pause.start(),
                        1e-3,
                        "the pause is the sum of its parts"),
                () -> assertTrue(pause.total() < out.totalMillis()),
                () -> assertEquals(List.of("Setup", "Active", "Device", "Completed"), heard.states));
    }

    @Test
    void aGuestThatStoodAtItsSourceStandsWhereItArrives() throws Exception {
        try (SyntheticGuest source = Guests.source("transhume-1.0", RAM, "marks", "uniform:rate=1000");
                Arrival arrival = Arrival.of(Guests.empty("transhume-1.0", RAM, true), "unix", 0, false)) {
            OutgoingReport out = move(
                    source, arrival, OutgoingConfig.builder().returnPath(true).build(), new Heard());

            assertEquals("completed", out.outcome(), out.reason());
            arrival.await();
            assertFalse(arrival.guest.running());
            assertFalse(arrival.guest.ranAtSource());
            Guests.assertSameRam(source, arrival.guest, "a guest that stood");
        }
    }

    @Test
    void aGuestMovesOnFromWhereItArrived() throws Exception {
        OutgoingConfig config =
                OutgoingConfig.builder().channels(2).returnPath(true).build();
        try (SyntheticGuest source = Guests.source("transhume-1.0", RAM, "marks", "uniform:rate=20000");
                Arrival first = Arrival.of(Guests.empty("transhume-1.0", RAM, true), "unix", 2, false);
                Arrival second = Arrival.of(Guests.empty("transhume-1.0", RAM, true), "tcp", 2, false)) {
            source.resume();

            assertEquals("completed", move(source, first, config, new Heard()).outcome());
            first.await();
            assertEquals(
                    "completed", move(first.guest, second, config, new Heard()).outcome());
            second.await();

            Guests.assertSameRam(source, second.guest, "over two hops");
            assertTrue(second.guest.running());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"machine", "ram", "hole runs", "channels"})
    void whatIsNotAlikeOnBothSidesIsRefusedBeforeTheGuestIsTouched(String difference) throws Exception {
        String machine = difference.equals("machine") ? "transhume-2.0" : "transhume-1.0";
        long ram = difference.equals("ram") ? 2 * RAM : RAM;
        OutgoingConfig config = OutgoingConfig.builder()
                .channels(difference.equals("channels") ? 1 : 0)
                .holeRuns(difference.equals("hole runs"))
                .returnPath(true)
                .maxBandwidth(10 * Guests.MIB)
                .build();
        try (SyntheticGuest source = Guests.source("transhume-1.0", RAM, "marks", "uniform:rate=20000");
                Arrival arrival = Arrival.of(Guests.empty(machine, ram, true), "tcp", 0, false)) {
            source.resume();

            OutgoingReport out = move(source, arrival, config, new Heard());
            IncomingReport in = arrival.await();

            assertEquals("failed", out.outcome());
            assertEquals("failed", in.outcome());
            assertEquals(1, in.reason().lines().count(), in.reason());
            assertFalse(arrival.guest.running());
            Guests.assertRunsOn(source, difference);
        }
    }

    private static OutgoingReport move(SyntheticGuest source, Arrival arrival, OutgoingConfig config, Heard heard)
            throws Exception {
        OutgoingMigration migration = OutgoingMigration.start(source, Dialer.to(arrival.address), config, heard, "out");
        OutgoingReport report = migration.completion().get(LIMIT_SECONDS, TimeUnit.SECONDS);
        assertTrue(migration.state().ended());
        if (report.outcome().equals("completed")) {
            assertInstanceOf(MigrationState.Completed.class, migration.state());
            assertEquals(report.transferredBytes(), migration.progress().transferredBytes());
            assertEquals(0, migration.progress().remainingBytes());
        }
        return report;
    }

    /** What the migration told; read after its end. */
    private static final class Heard implements MigrationObserver {
        final List<String> states = new ArrayList<>();
        final List<Integer> passes = new ArrayList<>();

        @Override
        public void state(MigrationState state) {
            states.add(state.getClass().getSimpleName());
        }

        @Override
        public void pass(int number) {
            passes.add(number);
        }
    }
}
