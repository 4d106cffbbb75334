package org.transhume.engine;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.IntConsumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.transhume.engine.digest.DigestReport;
import org.transhume.engine.guest.SyntheticGuest;
import org.transhume.engine.incoming.IncomingConfig;
import org.transhume.engine.incoming.IncomingReport;
import org.transhume.engine.outgoing.Dialer;
import org.transhume.engine.outgoing.OutgoingConfig;
import org.transhume.engine.outgoing.OutgoingMigration;
import org.transhume.engine.outgoing.OutgoingReport;
import org.transhume.engine.outgoing.ZeroPageDetection;
import org.transhume.memory.PageSize;
import org.transhume.memory.WriterMarks;

/** Whole migrations with {@code x-ram-digest}, of a guest that writes as fast as it can; and bits that flip on the way. */
class HoldsRamAgainstItsDigestTest {
    private static final long SEED = 20261121;
    private static final long RAM = 4 * Guests.MIB;
    private static final int HOT_PAGES = 64;
    private static final int LIMIT_SECONDS = 20;
    private static final List<String> MACHINES = List.of("transhume-1.0", "pc-q35-9.0", "pc-q35-8.2", "pc-q35-7.2");
    private static final List<ZeroPageDetection> DETECTIONS = List.of(ZeroPageDetection.values());
    /** One in either group of pages; neither is hot. */
    private static final int NOISE_PAGE = 300;

    private static final int OTHER_PAGE = 700;
    private static final byte[] MARKER = {7, 11, -3, 99, 42, -77, 120, 1, -128, 64, 33, -9, 5, 86, 17, 55};

    @RegisterExtension
    final NothingLeft nothingLeft = new NothingLeft();

    /** @param packing null: pages as they are */
    record Setting(
            Packing packing,
            int channels,
            boolean holeRuns,
            ZeroPageDetection detection,
            String machine,
            boolean fresh) {
        OutgoingConfig.Builder outgoing() {
            OutgoingConfig.Builder builder =
                    packing == null ? OutgoingConfig.builder().channels(channels) : packing.outgoing(channels);
            return builder.ramDigest(true)
                    .holeRuns(holeRuns)
                    .zeroPages(detection)
                    .returnPath(true);
        }

        IncomingConfig incoming() {
            IncomingConfig config =
                    packing == null ? IncomingConfig.DEFAULT.withChannels(channels) : packing.incoming(channels);
            Set<String> shared = new TreeSet<>(config.shared());
            shared.add(Extensions.RAM_DIGEST);
            if (holeRuns) {
                shared.add(Extensions.HOLE_RUNS);
            }
            return config.withShared(shared).withChannelLimit(Duration.ofSeconds(5));
        }
    }

    /** Every form over one lane and several; what only surrounds it takes turns. */
    static Stream<Setting> settings() {
        List<Setting> settings = new ArrayList<>();
        for (ZeroPageDetection detection : DETECTIONS) {
            for (int channels = 0; channels <= 3; channels++) {
                settings.add(setting(null, channels, detection, settings.size()));
            }
        }
        for (Packing packing : Packing.values()) {
            for (int channels = 1; channels <= (packing.multifd ? 2 : 1); channels++) {
                int turn = settings.size();
                settings.add(setting(packing, channels, DETECTIONS.get(turn % DETECTIONS.size()), turn));
            }
        }
        return settings.stream();
    }

    private static Setting setting(Packing packing, int channels, ZeroPageDetection detection, int turn) {
        return new Setting(
                packing, channels, turn / 2 % 2 == 0, detection, MACHINES.get((turn + turn / 4) % 4), turn % 3 != 0);
    }

    @ParameterizedTest
    @MethodSource("settings")
    void whateverTheGuestWritesMeanwhileBothDigestsAreEqual(Setting setting) throws Exception {
        try (SyntheticGuest source = guest(setting.machine);
                Arrival arrival =
                        Arrival.of(Guests.empty(setting.machine, RAM, setting.fresh), "unix", setting.incoming())) {
            mark(source, OTHER_PAGE);
            HammeredGuest hammered = new HammeredGuest(source, HOT_PAGES, SEED);
            hammered.resume();

            OutgoingReport out = move(hammered, Dialer.to(arrival.address), setting, _ -> {});
            IncomingReport in = arrival.await();

            assertEquals("completed", out.outcome(), () -> out.reason() + "; " + in.reason());
            assertEquals("completed", in.outcome(), in.reason());
            Guests.assertSameRam(source, arrival.guest, setting.toString());
            DigestReport sent = out.digest();
            DigestReport compared = in.digest();
            assertAll(
                    () -> assertEquals(RAM / PageSize.BYTES, compared.pages()),
                    () -> assertEquals(sent.pages(), compared.pages()),
                    () -> assertEquals(sent.hashed(), compared.hashed(), "versions hashed"),
                    () -> assertEquals(2, compared.groups(), "groups that are not zero"),
                    () -> assertEquals(sent.groups(), compared.groups()));
        }
    }

    static Stream<Setting> formsThatDoNotSeeAFlippedBit() {
        return Stream.of(
                new Setting(null, 0, true, ZeroPageDetection.MULTIFD, MACHINES.get(0), true),
                new Setting(null, 0, false, ZeroPageDetection.LEGACY, MACHINES.get(3), false),
                new Setting(null, 1, true, ZeroPageDetection.MULTIFD, MACHINES.get(0), true),
                new Setting(null, 3, false, ZeroPageDetection.MULTIFD, MACHINES.get(1), false),
                new Setting(null, 2, true, ZeroPageDetection.LEGACY, MACHINES.get(3), true),
                new Setting(Packing.LZ4, 2, true, ZeroPageDetection.MULTIFD, MACHINES.get(0), true),
                new Setting(Packing.ZLIB_1, 1, true, ZeroPageDetection.MULTIFD, MACHINES.get(0), true),
                new Setting(Packing.ZSTD_1, 1, true, ZeroPageDetection.MULTIFD, MACHINES.get(0), true),
                new Setting(Packing.MULTIFD_XBZRLE, 2, true, ZeroPageDetection.MULTIFD, MACHINES.get(0), true),
                new Setting(Packing.ADAPTIVE, 2, true, ZeroPageDetection.MULTIFD, MACHINES.get(0), true));
    }

    @ParameterizedTest
    @MethodSource("formsThatDoNotSeeAFlippedBit")
    void aBitThatFlipsOnTheWayIsNamedAndTheGuestRunsOnAndLeavesAtTheNextTry(Setting setting) throws Exception {
        try (SyntheticGuest source = guest(setting.machine)) {
            mark(source, OTHER_PAGE);
            HammeredGuest hammered = new HammeredGuest(source, HOT_PAGES, SEED);
            hammered.resume();
            try (Arrival arrival =
                    Arrival.of(Guests.empty(setting.machine, RAM, setting.fresh), "unix", setting.incoming())) {
                FaultyDialer faulty = new FaultyDialer(arrival.address, MARKER, 1);

                OutgoingReport out = move(hammered, faulty, setting, _ -> {});
                IncomingReport in = arrival.await();

                assertEquals(1, faulty.flips.get(), "the bit never passed");
                assertEquals("failed", in.outcome());
                assertEquals(
                        "RAM is not what was sent: the page at 0x%x of block '%s' differs;"
                                .formatted(OTHER_PAGE * PageSize.BYTES, SyntheticGuest.BLOCK),
                        in.reason().substring(0, in.reason().indexOf(';') + 1));
                assertFalse(arrival.guest.running());
                assertNull(in.digest());
                assertEquals("failed", out.outcome());
                assertTrue(out.reason().contains("could not load the guest (status 1)"), out.reason());
                assertRunsOn(hammered);
            }
            try (Arrival arrival =
                    Arrival.of(Guests.empty(setting.machine, RAM, setting.fresh), "unix", setting.incoming())) {
                OutgoingReport out = move(hammered, Dialer.to(arrival.address), setting, _ -> {});

                assertEquals("completed", out.outcome(), out.reason());
                assertEquals("completed", arrival.await().outcome());
                Guests.assertSameRam(source, arrival.guest, setting + ", second try");
            }
        }
    }

    @Test
    void ofTwoDamagedPagesTheFirstIsNamedAndBothAreCounted() throws Exception {
        Setting setting = settings().findFirst().orElseThrow();
        try (SyntheticGuest source = guest(setting.machine);
                Arrival arrival = Arrival.of(Guests.empty(setting.machine, RAM, true), "unix", setting.incoming())) {
            mark(source, NOISE_PAGE);
            mark(source, OTHER_PAGE);
            HammeredGuest hammered = new HammeredGuest(source, HOT_PAGES, SEED);
            hammered.resume();
            FaultyDialer faulty = new FaultyDialer(arrival.address, MARKER, 2);

            move(hammered, faulty, setting, _ -> {});
            IncomingReport in = arrival.await();
            hammered.pause(); // it runs on

            assertEquals(2, faulty.flips.get());
            assertTrue(
                    in.reason()
                            .contains("the page at 0x%x of block '%s' differs, the first of 2 or more"
                                    .formatted(NOISE_PAGE * PageSize.BYTES, SyntheticGuest.BLOCK)),
                    in.reason());
            assertFalse(arrival.guest.running());
        }
    }

    @Test
    void aDamagedVersionDoesNoHarmOnceTheNextHasReplacedIt() throws Exception {
        Setting setting = settings().findFirst().orElseThrow();
        try (SyntheticGuest source = guest(setting.machine);
                Arrival arrival = Arrival.of(Guests.empty(setting.machine, RAM, true), "unix", setting.incoming())) {
            mark(source, NOISE_PAGE);
            HammeredGuest hammered = new HammeredGuest(source, HOT_PAGES, SEED);
            hammered.resume();
            FaultyDialer faulty = new FaultyDialer(arrival.address, MARKER, 1);
            WriterMarks marks = (WriterMarks) source.dirtySource();

            OutgoingReport out = move(hammered, faulty, setting, pass -> {
                if (pass == 2) {
                    Guests.ram(source).set(ValueLayout.JAVA_BYTE, (long) NOISE_PAGE * PageSize.BYTES, (byte) 1);
                    marks.mark(0, NOISE_PAGE);
                }
            });

            assertEquals(1, faulty.flips.get());
            assertEquals("completed", out.outcome(), out.reason());
            assertEquals("completed", arrival.await().outcome());
            Guests.assertSameRam(source, arrival.guest, "replaced");
        }
    }

    @Test
    void withoutTheDigestTheSameBitGoesUnnoticed() throws Exception {
        try (SyntheticGuest source = guest(MACHINES.getFirst());
                Arrival arrival = Arrival.of(Guests.empty(MACHINES.getFirst(), RAM, true), "unix", 0, false)) {
            mark(source, NOISE_PAGE);
            source.resume();
            FaultyDialer faulty = new FaultyDialer(arrival.address, MARKER, 1);

            OutgoingReport out = OutgoingMigration.start(
                            source,
                            faulty,
                            OutgoingConfig.builder().returnPath(true).build(),
                            new MigrationObserver() {},
                            "out")
                    .completion()
                    .get(LIMIT_SECONDS, TimeUnit.SECONDS);

            assertEquals(1, faulty.flips.get());
            assertEquals("completed", out.outcome(), out.reason());
            assertNull(out.digest());
            assertNull(arrival.await().digest());
            assertEquals(
                    (long) NOISE_PAGE * PageSize.BYTES + 1000 + MARKER.length - 1,
                    Guests.ram(source).mismatch(Guests.ram(arrival.guest)));
        }
    }

    private static SyntheticGuest guest(String machine) {
        return Guests.source(machine, RAM, "marks", "idle:rate=0");
    }

    /** Makes a page one of noise with the marker in it. */
    private static void mark(SyntheticGuest guest, int page) {
        byte[] noise = new byte[PageSize.BYTES];
        new Random(SEED + page).nextBytes(noise);
        System.arraycopy(MARKER, 0, noise, 1000, MARKER.length);
        MemorySegment.copy(
                noise, 0, Guests.ram(guest), ValueLayout.JAVA_BYTE, (long) page * PageSize.BYTES, noise.length);
    }

    /** Some rounds, with whatever the writers do between them. */
    private static OutgoingReport move(HammeredGuest guest, Dialer dialer, Setting setting, IntConsumer pass)
            throws Exception {
        CompletableFuture<OutgoingMigration> migration = new CompletableFuture<>();
        MigrationObserver observer = new MigrationObserver() {
            @Override
            public void pass(int number) {
                pass.accept(number);
                if (number == 5) {
                    migration.join().downtimeLimit(Duration.ofSeconds(10));
                }
            }
        };
        OutgoingConfig config =
                setting.outgoing().downtimeLimit(Rewrites.NO_PAUSE).build();
        migration.complete(OutgoingMigration.start(guest, dialer, config, observer, "out"));
        return migration.join().completion().get(LIMIT_SECONDS, TimeUnit.SECONDS);
    }

    private static void assertRunsOn(HammeredGuest guest) {
        assertTrue(guest.running());
        long written = guest.written();
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(LIMIT_SECONDS);
        while (guest.written() == written) {
            assertTrue(System.nanoTime() - deadline < 0, "the guest writes nothing");
            LockSupport.parkNanos(1_000_000);
        }
    }
}
