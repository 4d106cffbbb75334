package org.transhume.engine;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import net.openhft.chronicle.core.OS;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.transhume.channels.Address;
import org.transhume.engine.guest.SyntheticGuest;
import org.transhume.engine.incoming.IncomingReport;
import org.transhume.engine.outgoing.Dialer;
import org.transhume.engine.outgoing.LanePlacement;
import org.transhume.engine.outgoing.OutgoingConfig;
import org.transhume.engine.outgoing.OutgoingMigration;
import org.transhume.engine.outgoing.OutgoingReport;
import org.transhume.engine.outgoing.ZeroPageDetection;
import org.transhume.memory.PageSize;

/** Pages that change while deltas of them are made, by a cache of any size, also one that changes: the same bytes arrive. */
class DeltasOfHotPagesTest {
    private static final long RAM = 2 * Guests.MIB;
    private static final String MACHINE = "transhume-1.0";
    private static final int HOT_PAGES = 96;
    private static final int ROUNDS = 40;
    /** At least so many in each round. */
    private static final int WRITES = 16;

    private static final int RESIZES = 30;
    private static final int LIMIT_SECONDS = 20;
    private static final long TINY = 64 << 10;
    private static final long LARGE = 8 * Guests.MIB;
    /** More than any machine has. */
    private static final long ABSURD = 1L << 62;

    @RegisterExtension
    final NothingLeft nothingLeft = new NothingLeft();

    record Setting(Packing packing, long cache, LanePlacement placement, ZeroPageDetection detection, int seed) {}

    static Stream<Setting> settings() {
        List<Setting> settings = new ArrayList<>();
        for (Packing packing : Packing.values()) {
            for (long cache : new long[] {TINY, LARGE}) {
                for (ZeroPageDetection detection : ZeroPageDetection.values()) {
                    if (packing.deltas()) {
                        int turn = settings.size();
                        settings.add(new Setting(
                                packing,
                                cache,
                                turn % 4 == 0 ? LanePlacement.INLINE : LanePlacement.RING,
                                detection,
                                turn));
                    }
                }
            }
        }
        return settings.stream();
    }

    @ParameterizedTest
    @MethodSource("settings")
    void whatIsWrittenMeanwhileNeverGetsLost(Setting setting) throws Exception {
        OutgoingConfig config = setting.packing
                .outgoing(2)
                .deltaCache(setting.cache)
                .placement(setting.placement)
                .zeroPages(setting.detection)
                .downtimeLimit(Rewrites.NO_PAUSE)
                // What x-adaptive finds worth doing depends on it.
                .maxBandwidth(setting.packing == Packing.ADAPTIVE && setting.cache == LARGE ? 64 * Guests.MIB : 0)
                .build();
        try (Hammered moved = new Hammered(setting.packing, config, setting.seed, 0)) {
            OutgoingReport out = moved.end();

            moved.assertArrived(setting.toString());
            assertTrue(out.rounds() >= ROUNDS, out::toString);
            if (setting.packing == Packing.ADAPTIVE) {
                return; // with deltas or without, as it thinks best
            }
            assertAll(
                    () -> assertTrue(
                            out.delta().pages()
                                            - out.delta().overflows()
                                            - out.delta().unchanged()
                                    > 0,
                            out::toString),
                    () -> assertTrue(out.delta().misses() > 0, out::toString),
                    () -> assertTrue(out.delta().overflows() > 0, out::toString));
            if (setting.cache == TINY) {
                assertTrue(out.delta().misses() > HOT_PAGES, "pages did not meet in slots: " + out);
            }
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"XBZRLE", "MULTIFD_XBZRLE", "ZSTD_XBZRLE", "ADAPTIVE", "COMPRESS_XBZRLE"})
    void theCacheChangesItsSizeAgainAndAgainMeanwhile(Packing packing) throws Exception {
        long before = OS.memory().nativeMemoryUsed();
        OutgoingConfig config =
                packing.outgoing(2).downtimeLimit(Rewrites.NO_PAUSE).build();
        try (Hammered moved = new Hammered(packing, config, RESIZES, RESIZES)) {
            AtomicInteger resizes = moved.resizes;
            Thread resizer = Thread.ofPlatform().daemon().name("in resizes").start(() -> {
                Random random = new Random(RESIZES);
                while (!moved.migration.state().ended()) {
                    int rounds = moved.migration.progress().rounds();
                    moved.migration.deltaCache((long) PageSize.BYTES << random.nextInt(14));
                    resizes.incrementAndGet();
                    // Some rounds long the size stays, some see it change more than once.
                    while (resizes.get() % 3 == 0
                            && moved.migration.progress().rounds() < rounds + 2
                            && !moved.migration.state().ended()) {
                        Thread.onSpinWait();
                    }
                }
            });

            OutgoingReport out = moved.end();
            Threads.join(resizer);

            moved.assertArrived(packing + " with a cache of changing size");
            assertTrue(resizes.get() >= RESIZES, "%d changes of size".formatted(resizes.get()));
            assertTrue(
                    packing == Packing.ADAPTIVE // with deltas or without, as it thinks best
                            || out.delta().pages()
                                            - out.delta().overflows()
                                            - out.delta().unchanged()
                                    > 0,
                    out::toString);
            moved.migration.deltaCache(TINY); // changes nothing any more
        }
        assertEquals(before, OS.memory().nativeMemoryUsed(), "memory of caches");
    }

    @ParameterizedTest
    @EnumSource(names = {"XBZRLE", "MULTIFD_XBZRLE"})
    void aCacheThatMemoryHasNoRoomForIsRefusedAndTheOldOneStays(Packing packing) throws Exception {
        OutgoingConfig config = packing.outgoing(2)
                .deltaCache(TINY)
                .downtimeLimit(Rewrites.NO_PAUSE)
                .build();
        try (Hammered moved = new Hammered(packing, config, 1, 1)) {
            OutgoingMigration migration = moved.migration;

            MigrationException refused = assertThrows(MigrationException.class, () -> migration.deltaCache(ABSURD));
            assertThrows(IllegalArgumentException.class, () -> migration.deltaCache(TINY + PageSize.BYTES));
            assertThrows(IllegalArgumentException.class, () -> migration.deltaCache(0));

            assertEquals("Failed to allocate cache", refused.getMessage());
            assertEquals(TINY, migration.progress().delta().cacheBytes());
            migration.deltaCache(LARGE);
            assertEquals(LARGE, migration.progress().delta().cacheBytes());
            moved.resizes.incrementAndGet();
            assertEquals(LARGE, moved.end().delta().cacheBytes());
            moved.assertArrived("after a size that was refused");
        }
    }

    @Test
    void aMigrationThatMemoryHasNoRoomForDoesNotBegin() throws Exception {
        long before = OS.memory().nativeMemoryUsed();
        try (SyntheticGuest guest = Guests.source(MACHINE, RAM, "marks", "uniform:rate=20000")) {
            guest.resume();
            OutgoingConfig config = OutgoingConfig.builder().deltaCache(ABSURD).build();
            Dialer nobody = Dialer.to(Address.parse("unix:/nowhere"));

            MigrationException refused = assertThrows(
                    MigrationException.class,
                    () -> OutgoingMigration.start(guest, nobody, config, new MigrationObserver() {}, "out"));

            assertEquals("Failed to allocate cache", refused.getMessage());
            Guests.assertRunsOn(guest, "refused");
        }
        assertEquals(before, OS.memory().nativeMemoryUsed());
    }

    @ParameterizedTest
    @ValueSource(strings = {"ZSTD_1", "COMPRESS_1"})
    void withoutDeltasTheSizeOfTheirCacheDoesNotMatter(Packing packing) throws Exception {
        OutgoingConfig config =
                packing.outgoing(2).downtimeLimit(Rewrites.NO_PAUSE).build();
        try (Hammered moved = new Hammered(packing, config, 1, 1)) {
            moved.migration.deltaCache(ABSURD);
            moved.resizes.incrementAndGet();

            moved.end();

            moved.assertArrived("no deltas");
        }
    }

    /** A hammered guest on its way, kept going for some rounds, and until the cache has changed its size that often. */
    private static final class Hammered implements AutoCloseable {
        final AtomicInteger resizes = new AtomicInteger();
        final OutgoingMigration migration;
        private final SyntheticGuest source = Guests.source(MACHINE, RAM, "marks", "idle:rate=0");
        private final HammeredGuest guest;
        private final Arrival arrival;

        Hammered(Packing packing, OutgoingConfig config, long seed, int untilResized) throws Exception {
            Guests.ram(source).asSlice(0, RAM / 2).fill((byte) 0x42);
            guest = new HammeredGuest(source, HOT_PAGES, seed);
            arrival = Arrival.of(Guests.empty(MACHINE, RAM, true), "unix", packing.incoming(2));
            guest.resume();
            CompletableFuture<OutgoingMigration> started = new CompletableFuture<>();
            Random random = new Random(seed);
            MigrationObserver rounds = new MigrationObserver() {
                @Override
                public void pass(int number) {
                    // A busy machine may give the writers no time, and then nothing would be shown.
                    for (int i = 0; i < WRITES && guest.running(); i++) {
                        guest.write(random);
                    }
                    if (number >= ROUNDS && resizes.get() >= untilResized) {
                        started.join().downtimeLimit(Duration.ofSeconds(10));
                    }
                }
            };
            migration = OutgoingMigration.start(guest, Dialer.to(arrival.address), config, rounds, "out");
            started.complete(migration);
        }

        OutgoingReport end() throws Exception {
            OutgoingReport out = migration.completion().get(LIMIT_SECONDS, TimeUnit.SECONDS);
            assertEquals("completed", out.outcome(), out.reason());
            return out;
        }

        void assertArrived(String where) {
            IncomingReport in = arrival.await();
            assertEquals("completed", in.outcome(), in.reason());
            assertTrue(guest.written() > ROUNDS * WRITES / 2, "nothing was written");
            Guests.assertSameRam(source, arrival.guest, where);
        }

        @Override
        public void close() throws IOException {
            migration.cancel();
            OutgoingReport _ = migration
                    .completion()
                    .orTimeout(LIMIT_SECONDS, TimeUnit.SECONDS)
                    .join();
            guest.pause();
            try (source) {
                arrival.close();
            }
        }
    }
}
