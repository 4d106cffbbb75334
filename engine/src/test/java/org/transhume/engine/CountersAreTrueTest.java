package org.transhume.engine;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.transhume.channels.Address;
import org.transhume.channels.Connections;
import org.transhume.engine.counters.Counter;
import org.transhume.engine.counters.CounterValues;
import org.transhume.engine.counters.StateCode;
import org.transhume.engine.guest.SyntheticGuest;
import org.transhume.engine.incoming.IncomingConfig;
import org.transhume.engine.incoming.IncomingMigration;
import org.transhume.engine.incoming.IncomingReport;
import org.transhume.engine.outgoing.Dialer;
import org.transhume.engine.outgoing.OutgoingConfig;
import org.transhume.engine.outgoing.OutgoingMigration;
import org.transhume.engine.outgoing.OutgoingReport;
import org.transhume.memory.PageSize;

/**
 * What both ends count is what went over the sockets between them: bytes as a relay saw them, pages as a parser finds them in what
 * the relay kept.
 */
class CountersAreTrueTest {
    private static final long RAM = 4 * Guests.MIB;
    private static final int PASSES = 5;
    private static final int LIMIT_SECONDS = 20;
    private static final List<String> MACHINES = List.of("transhume-1.0", "pc-q35-9.0", "pc-q35-8.2", "pc-q35-7.2");
    private static final long CAP = 40 * Guests.MIB;

    @RegisterExtension
    final NothingLeft nothingLeft = new NothingLeft();

    /** The JDK's first socket channel makes a socket that stays for good: it shall not count as left behind. */
    @BeforeAll
    static void openTheFirstSocketChannel() throws IOException {
        ServerSocketChannel.open(StandardProtocolFamily.UNIX).close();
    }

    /** @param packing null: pages as they are */
    record Setting(Packing packing, int channels, boolean holeRuns, String machine, int seed) {
        OutgoingConfig.Builder outgoing() {
            OutgoingConfig.Builder config =
                    packing == null ? OutgoingConfig.builder().channels(channels) : packing.outgoing(channels);
            return config.holeRuns(holeRuns).downtimeLimit(Rewrites.NO_PAUSE);
        }

        IncomingConfig incoming() {
            IncomingConfig config = packing == null
                    ? IncomingConfig.DEFAULT.withChannels(channels).withChannelLimit(Duration.ofSeconds(5))
                    : packing.incoming(channels);
            Set<String> shared = new TreeSet<>(config.shared());
            if (holeRuns) {
                shared.add(Extensions.HOLE_RUNS);
            }
            return config.withShared(shared);
        }
    }

    static Stream<Setting> settings() {
        List<Setting> settings = new ArrayList<>();
        List<Packing> forms = new ArrayList<>(List.of(Packing.values()));
        forms.add(null);
        for (Packing packing : forms) {
            for (int channels : packing == null ? new int[] {0, 1, 3} : new int[] {packing.multifd ? 2 : 0}) {
                for (boolean holeRuns : new boolean[] {false, true}) {
                    int turn = settings.size();
                    settings.add(new Setting(
                            packing, channels, holeRuns, MACHINES.get((turn + turn / 4) % MACHINES.size()), turn));
                }
            }
        }
        return settings.stream();
    }

    @ParameterizedTest
    @MethodSource("settings")
    void whatBothEndsCountIsWhatWentOverTheSockets(Setting setting) throws Exception {
        boolean answers = setting.seed % 3 != 0;
        OutgoingConfig config = setting.outgoing()
                .returnPath(answers)
                // Slow enough for x-adaptive to find deltas and compression worth their time.
                .maxBandwidth(setting.packing == Packing.ADAPTIVE ? CAP : 0)
                .build();
        try (Move move = new Move(setting, -1, 0, false, false)) {
            OutgoingReport out = move.run(config);
            IncomingReport in = move.end();

            assertEquals("completed", out.outcome(), out.reason());
            assertEquals("completed", in.outcome(), in.reason());
            CounterValues there = move.out.counters();
            CounterValues here = move.in.counters();
            move.relay.await();
            StreamTally seen = move.tally();
            assertAll(
                    () -> move.assertBytesOfEachChannel(there, here),
                    () -> assertPages(setting, seen, there, here),
                    () -> assertForms(setting, seen, there),
                    () -> assertReports(there, here, out, in),
                    () -> assertEquals(PASSES < there.get(Counter.ROUNDS), true, "rounds"),
                    () -> assertEquals(move.rewrites.passed, there.get(Counter.ROUNDS), "rounds that were announced"),
                    () -> assertEquals(StateCode.COMPLETED.code(), there.get(Counter.STATE)),
                    () -> assertEquals(StateCode.COMPLETED.code(), here.get(Counter.STATE)),
                    () -> assertEquals(0, there.get(Counter.REMAINING_BYTES)),
                    () -> assertEquals(RAM, there.get(Counter.RAM_BYTES)),
                    () -> assertEquals(RAM, here.get(Counter.RAM_BYTES)),
                    () -> assertEquals(seen.deviceBytes, here.get(Counter.DEVICE_BYTES), "device state"));
        }
    }

    /** What travels as ranges: every hole, and without page channels also zero pages in a row. */
    private static void assertRanges(Setting setting, StreamTally seen, CounterValues there) {
        long least = setting.holeRuns ? there.get(Counter.HOLE_PAGES) : 0;
        long most = setting.holeRuns && setting.channels == 0 ? least + there.get(Counter.ZERO_PAGES) : least;
        assertTrue(
                seen.hole >= least && seen.hole <= most,
                () -> "pages in ranges: %d, expected %d to %d".formatted(seen.hole, least, most));
    }

    private static void assertPages(Setting setting, StreamTally seen, CounterValues there, CounterValues here) {
        assertAll(
                () -> assertEquals(seen.normal, there.get(Counter.NORMAL_PAGES), "in full, source"),
                () -> assertEquals(seen.normal, here.get(Counter.NORMAL_PAGES), "in full, destination"),
                () -> assertEquals(seen.delta, there.get(Counter.DELTA_PAGES), "deltas, source"),
                () -> assertEquals(seen.delta, here.get(Counter.DELTA_PAGES), "deltas, destination"),
                () -> assertEquals(seen.compressed, there.get(Counter.COMPRESSED_PAGES), "compressed, source"),
                () -> assertEquals(seen.compressed, here.get(Counter.COMPRESSED_PAGES), "compressed, destination"),
                () -> assertEquals(seen.zero, here.get(Counter.ZERO_PAGES), "zero, destination"),
                () -> assertEquals(seen.hole, here.get(Counter.HOLE_PAGES), "holes, destination"),
                () -> assertEquals(
                        seen.zero + seen.hole,
                        there.get(Counter.ZERO_PAGES) + there.get(Counter.HOLE_PAGES),
                        "without bytes, source"),
                () -> assertRanges(setting, seen, there),
                () -> assertTrue(there.get(Counter.HOLE_PAGES) > 0, "the guest has holes"),
                () -> assertTrue(there.get(Counter.ZERO_PAGES) > 0, "the guest has zeroes"),
                () -> assertEquals(seen.syncPackets, there.get(Counter.SYNC_PACKETS), "sync packets, source"),
                () -> assertEquals(seen.syncPackets, here.get(Counter.SYNC_PACKETS), "sync packets, destination"),
                () -> assertEquals(
                        seen.syncPackets,
                        here.get(Counter.SYNCS) * setting.incoming().channels(),
                        "sync points of all channels"));
    }

    private static void assertForms(Setting setting, StreamTally seen, CounterValues there) {
        long overflowBytes = there.get(Counter.DELTA_OVERFLOWS) * PageSize.BYTES;
        long names = seen.deltaRecords * (1 + SyntheticGuest.BLOCK.length());
        long encoded = there.get(Counter.DELTA_BYTES) - overflowBytes;
        assertAll(
                () -> assertEquals(seen.compressedBytes, there.get(Counter.COMPRESSED_BYTES)),
                // A record on main names its block unless it is that of the record before.
                () -> assertTrue(
                        encoded >= seen.deltaBytes && encoded <= seen.deltaBytes + names,
                        "%d bytes of deltas, seen %d and up to %d of names".formatted(encoded, seen.deltaBytes, names)),
                () -> assertEquals(
                        there.get(Counter.DELTA_HITS),
                        there.get(Counter.DELTA_PAGES)
                                + there.get(Counter.DELTA_OVERFLOWS)
                                + there.get(Counter.UNCHANGED_PAGES),
                        "what was found in the cache"));
        if (setting.packing != null && setting.packing.deltas() && setting.packing != Packing.ADAPTIVE) {
            assertAll(
                    () -> assertTrue(seen.delta >= Rewrites.FEW_BYTES, "deltas"),
                    () -> assertTrue(there.get(Counter.UNCHANGED_PAGES) >= Rewrites.NOTHING, "unchanged"),
                    () -> assertEquals(setting.packing.deltaCache, there.get(Counter.DELTA_CACHE_BYTES)));
        }
        if (setting.packing == Packing.ADAPTIVE) {
            assertAll(
                    () -> assertEquals(seen.rawPages, there.get(Counter.ADAPTIVE_RAW_PAGES), "raw"),
                    () -> assertEquals(seen.lz4Pages, there.get(Counter.ADAPTIVE_LZ4_PAGES), "LZ4"),
                    () -> assertEquals(seen.zstdPages, there.get(Counter.ADAPTIVE_ZSTD_PAGES), "zstd"),
                    () -> assertTrue(seen.normal > 0, "pages"));
        }
        if (setting.packing != null && setting.packing.pageCompression != null) {
            assertTrue(seen.compressed > 0, "compressed pages");
        }
    }

    /** Reports and progress say the same: there is one number for each thing. */
    private static void assertReports(CounterValues there, CounterValues here, OutgoingReport out, IncomingReport in) {
        assertAll(
                () -> assertEquals(
                        out.transferredBytes(),
                        there.get(Counter.MAIN_WRITTEN_BYTES) + there.get(Counter.MULTIFD_WRITTEN_BYTES)),
                () -> assertEquals(out.multifdBytes(), there.get(Counter.MULTIFD_WRITTEN_BYTES)),
                () -> assertEquals(
                        there.get(Counter.MAIN_WRITTEN_BYTES),
                        there.get(Counter.PRECOPY_BYTES) + there.get(Counter.DOWNTIME_BYTES)),
                () -> assertEquals(out.normalPages(), there.get(Counter.NORMAL_PAGES)),
                () -> assertEquals(out.rounds(), there.get(Counter.ROUNDS)),
                () -> assertEquals(in.mainBytes(), here.get(Counter.MAIN_READ_BYTES)),
                () -> assertEquals(in.multifdBytes(), here.get(Counter.MULTIFD_READ_BYTES)),
                () -> assertEquals(in.deltaPages(), here.get(Counter.DELTA_PAGES)));
    }

    static Stream<Setting> forms() {
        return settings().filter(setting -> !setting.holeRuns);
    }

    @ParameterizedTest
    @MethodSource("forms")
    void bytesAreTrueAfterACancelInTheMiddle(Setting setting) throws Exception {
        Random random = new Random(setting.seed);
        int line = random.nextInt(setting.incoming().channels() + 1);
        long bytes = 1 + random.nextLong(line == 0 && setting.incoming().channels() > 0 ? 600 : RAM / 32);
        try (Move move = new Move(setting, line, bytes, false, true)) {
            OutgoingReport out = move.run(
                    setting.outgoing().returnPath(true).maxBandwidth(CAP).build());
            IncomingReport in = move.end();

            String where = "line %d, byte %d of %s".formatted(line, bytes, setting);
            assertEquals("cancelled", out.outcome(), where);
            assertEquals("failed", in.outcome(), where);
            move.relay.await();
            move.assertBytes(move.out.counters(), move.in.counters(), where);
            assertEquals(StateCode.CANCELLED.code(), move.out.counters().get(Counter.STATE));
        }
    }

    @ParameterizedTest
    @MethodSource("forms")
    void bytesAreTrueAfterAFailureAnywhere(Setting setting) throws Exception {
        Random random = new Random(100 + setting.seed);
        int line = random.nextInt(setting.incoming().channels() + 1);
        long bytes = 1 + random.nextLong(line == 0 && setting.incoming().channels() > 0 ? 600 : RAM / 32);
        try (Move move = new Move(setting, line, bytes, true, false)) {
            OutgoingReport out = move.run(
                    setting.outgoing().returnPath(true).maxBandwidth(CAP).build());
            IncomingReport in = move.end();

            String where = "line %d, byte %d of %s".formatted(line, bytes, setting);
            assertEquals("failed", out.outcome(), where);
            assertEquals("failed", in.outcome(), where);
            move.relay.await();
            move.assertBytes(move.out.counters(), move.in.counters(), where);
            assertEquals(StateCode.FAILED.code(), move.out.counters().get(Counter.STATE));
            assertEquals(StateCode.FAILED.code(), move.in.counters().get(Counter.STATE));
        }
    }

    /** Rewrites a guest at each pass, as long as it is told to, and counts the passes. */
    private static final class Passes extends Rewrites {
        volatile int passed;

        Passes(SyntheticGuest guest, int passes, long seed) {
            super(guest, passes, seed);
        }

        @Override
        public void pass(int number) {
            passed = number;
            super.pass(number);
        }
    }

    /** A migration through a relay, both of whose ends are here. */
    private static final class Move implements AutoCloseable {
        private final SyntheticGuest source;
        private final SyntheticGuest target;
        private final Path directory = Files.createTempDirectory("migration");
        private final CountedConnections accepted;
        final IncomingMigration in;
        final CountingRelay relay;
        final Passes rewrites;
        OutgoingMigration out;

        /** @param cancels at the trigger, of which the other parameters speak as in {@link CountingRelay} */
        Move(Setting setting, int line, long bytes, boolean cuts, boolean cancels) throws IOException {
            source = Guests.source(setting.machine, RAM, "marks", "hot:rate=20000,hot=256K");
            target = Guests.empty(setting.machine, RAM, true);
            rewrites = new Passes(source, line < 0 ? PASSES : Integer.MAX_VALUE, setting.seed);
            Address.Unix address = new Address.Unix(directory.resolve("socket"));
            accepted = new CountedConnections(Connections.listen(address));
            in = IncomingMigration.start(target, accepted, setting.incoming(), new MigrationObserver() {}, "in");
            relay = new CountingRelay(address, line, bytes, cuts, () -> {
                if (cancels) {
                    rewrites.migration.join().cancel();
                }
            });
        }

        OutgoingReport run(OutgoingConfig config) throws Exception {
            source.resume();
            out = OutgoingMigration.start(source, Dialer.to(relay.address()), config, rewrites, "out");
            rewrites.migration.complete(out);
            return out.completion().get(LIMIT_SECONDS, TimeUnit.SECONDS);
        }

        IncomingReport end() throws Exception {
            if (relay.lines.isEmpty()) {
                in.abort("nothing came");
            }
            return in.completion().get(LIMIT_SECONDS, TimeUnit.SECONDS);
        }

        StreamTally tally() throws IOException {
            StreamTally tally = new StreamTally();
            tally.main(relay.lines.getFirst().forth());
            for (CountingRelay.Line line : relay.lines.subList(1, relay.lines.size())) {
                tally.channel(line.forth());
            }
            return tally;
        }

        /** After a success: channel by channel, both ways, on both ends. */
        void assertBytesOfEachChannel(CounterValues there, CounterValues here) {
            assertEquals(relay.lines.size(), there.channels().size());
            assertEquals(relay.lines.size(), here.channels().size());
            for (CounterValues.Channel channel : there.channels()) {
                CountingRelay.Line line = relay.lines.get(channel.number() + 1);
                CounterValues.Channel other = here.channels().stream()
                        .filter(c -> c.number() == channel.number())
                        .findFirst()
                        .orElseThrow();
                assertAll(
                        () -> assertEquals(line.forth().length, channel.writtenBytes(), "sent on " + channel),
                        () -> assertEquals(line.forth().length, other.readBytes(), "received on " + channel),
                        () -> assertEquals(line.back().length, other.writtenBytes(), "answered on " + channel),
                        () -> assertEquals(line.back().length, channel.readBytes(), "heard on " + channel));
            }
            assertBytes(there, here, "completed");
        }

        /** What the source wrote reached the relay, whoever closed first; what the destination read its own calls returned. */
        void assertBytes(CounterValues there, CounterValues here, String where) {
            long forth = relay.lines.stream().mapToLong(l -> l.forth().length).sum();
            long main = relay.lines.getFirst().forth().length;
            assertNotEquals(0, forth, where);
            assertAll(
                    where,
                    () -> assertEquals(main, there.get(Counter.MAIN_WRITTEN_BYTES), "source, main"),
                    () -> assertEquals(forth - main, there.get(Counter.MULTIFD_WRITTEN_BYTES), "source, page channels"),
                    () -> assertEquals(
                            accepted.read.get(),
                            here.channels().stream()
                                    .mapToLong(CounterValues.Channel::readBytes)
                                    .sum(),
                            "destination read"),
                    () -> assertEquals(
                            accepted.written.get(),
                            here.channels().stream()
                                    .mapToLong(CounterValues.Channel::writtenBytes)
                                    .sum(),
                            "destination wrote"));
        }

        @Override
        public void close() throws IOException {
            in.abort("the test ends");
            if (out != null) {
                out.cancel();
                OutgoingReport _ = out.completion().join();
            }
            IncomingReport _ = in.completion().join();
            try (target;
                    source) {
                relay.close();
            }
            Files.delete(directory);
        }
    }
}
