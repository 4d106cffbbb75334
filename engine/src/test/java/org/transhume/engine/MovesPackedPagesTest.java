package org.transhume.engine;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.transhume.channels.qemu.MultifdMethod;
import org.transhume.engine.guest.SyntheticGuest;
import org.transhume.engine.incoming.IncomingConfig;
import org.transhume.engine.incoming.IncomingReport;
import org.transhume.engine.outgoing.DeltaProgress;
import org.transhume.engine.outgoing.Dialer;
import org.transhume.engine.outgoing.LanePlacement;
import org.transhume.engine.outgoing.OutgoingConfig;
import org.transhume.engine.outgoing.OutgoingMigration;
import org.transhume.engine.outgoing.OutgoingReport;
import org.transhume.engine.outgoing.PageCompressionProgress;
import org.transhume.engine.outgoing.ZeroPageDetection;
import org.transhume.memory.PageSize;

/** Whole migrations of a running guest whose pages travel compressed or as deltas: the same bytes arrive, in fewer. */
class MovesPackedPagesTest {
    private static final long RAM = 4 * Guests.MIB;
    private static final int PASSES = 6;
    private static final int LIMIT_SECONDS = 20;
    private static final List<String> MACHINES = List.of("transhume-1.0", "pc-q35-9.0", "pc-q35-8.2", "pc-q35-7.2");
    private static final List<String> WORKLOADS =
            List.of("hot:rate=20000,hot=256K", "sparse-words:rate=20000", "random-bytes:rate=5000");

    @RegisterExtension
    final NothingLeft nothingLeft = new NothingLeft();

    record Setting(
            Packing packing,
            int channels,
            LanePlacement placement,
            ZeroPageDetection detection,
            String workload,
            String machine,
            String dirtySource,
            boolean fresh,
            int seed) {}

    /** Form, lanes, zero pages and dirty source in every combination; what only surrounds them takes turns. */
    static Stream<Setting> settings() {
        List<Setting> settings = new ArrayList<>();
        // What x-adaptive does with a page is its own choice, and has a test of its own.
        for (Packing packing : EnumSet.complementOf(EnumSet.of(Packing.ADAPTIVE))) {
            for (int channels = 1; channels <= (packing.multifd ? 2 : 1); channels++) {
                for (ZeroPageDetection detection : ZeroPageDetection.values()) {
                    for (String dirtySource : List.of("marks", "uffd-wp")) {
                        int turn = settings.size();
                        settings.add(new Setting(
                                packing,
                                channels,
                                channels == 1 ? LanePlacement.INLINE : LanePlacement.RING,
                                detection,
                                WORKLOADS.get((turn + turn / 6) % WORKLOADS.size()),
                                MACHINES.get((turn + turn / 4) % MACHINES.size()),
                                dirtySource,
                                turn % 5 != 0,
                                turn));
                    }
                }
            }
        }
        return settings.stream();
    }

    @ParameterizedTest
    @MethodSource("settings")
    void theSameBytesArriveAndBothSidesCountThemAlike(Setting setting) throws Exception {
        Packing packing = setting.packing;
        OutgoingConfig config = packing.outgoing(setting.channels)
                .placement(setting.placement)
                .zeroPages(setting.detection)
                .downtimeLimit(Rewrites.NO_PAUSE)
                .returnPath(setting.seed % 3 != 0)
                .build();
        try (SyntheticGuest source = Guests.source(setting.machine, RAM, setting.dirtySource, setting.workload);
                Arrival arrival = Arrival.of(
                        Guests.empty(setting.machine, RAM, setting.fresh),
                        "unix",
                        packing.incoming(setting.channels))) {
            Rewrites rewrites = new Rewrites(source, PASSES, setting.seed);
            source.resume();

            OutgoingReport out = move(source, arrival, config, rewrites);
            IncomingReport in = arrival.await();

            assertEquals("completed", out.outcome(), out.reason());
            assertEquals("completed", in.outcome(), in.reason());
            Guests.assertSameRam(source, arrival.guest, setting.toString());
            assertFalse(source.running());
            assertTrue(arrival.guest.running());
            assertTrue(out.rounds() > PASSES, out::toString);
            assertAll(
                    () -> assertEquals(
                            out.zeroPages() + out.holePages(), in.zeroPages() + in.holePages(), "pages without bytes"),
                    () -> assertEquals(out.transferredBytes(), in.mainBytes() + in.multifdBytes(), "bytes"),
                    () -> assertEquals(out.multifdBytes(), in.multifdBytes(), "bytes on page channels"),
                    () -> assertEquals(setting.detection != ZeroPageDetection.NONE, out.zeroPages() > 0, "zeroes"));
            assertDeltas(packing, out, in);
            assertPageCompression(packing, out, in);
            assertSmaller(packing, out);
        }
    }

    private static void assertDeltas(Packing packing, OutgoingReport out, IncomingReport in) {
        DeltaProgress delta = out.delta();
        if (!packing.deltas()) {
            assertNull(delta);
            assertEquals(0, in.deltaPages());
            assertEquals(out.normalPages(), in.normalPages(), "pages in full");
            return;
        }
        long encoded = delta.pages() - delta.overflows() - delta.unchanged();
        assertAll(
                () -> assertEquals(packing.deltaCache, delta.cacheBytes()),
                () -> assertTrue(encoded >= Rewrites.FEW_BYTES, out::toString),
                () -> assertTrue(delta.overflows() >= Rewrites.EVERYTHING, out::toString),
                () -> assertTrue(delta.unchanged() >= Rewrites.NOTHING, out::toString),
                () -> assertTrue(delta.misses() >= Rewrites.FEW_BYTES, out::toString),
                () -> assertTrue(delta.bytes() >= 3 * encoded + delta.overflows() * PageSize.BYTES, out::toString),
                () -> assertTrue(delta.bytes() <= out.transferredBytes(), out::toString),
                () -> assertEquals(encoded, in.deltaPages(), "deltas"),
                () -> assertEquals(out.normalPages(), in.normalPages(), "pages in full"));
    }

    private static void assertPageCompression(Packing packing, OutgoingReport out, IncomingReport in) {
        PageCompressionProgress done = out.pageCompression();
        if (packing.pageCompression == null) {
            assertNull(done);
            assertEquals(0, in.compressedPages());
            return;
        }
        assertAll(
                () -> assertEquals(done.pages(), in.compressedPages(), "compressed pages"),
                () -> assertTrue(done.pages() > 0, out::toString),
                () -> assertTrue(done.compressedBytes() <= out.transferredBytes(), out::toString));
        if (!packing.pageCompression.waitForThread()) {
            assertTrue(done.busy() == out.normalPages(), "a page in full for each that found no thread: " + out);
        } else if (!packing.deltas()) {
            assertEquals(0, out.normalPages(), "every page waits for a thread");
        }
    }

    private static void assertSmaller(Packing packing, OutgoingReport out) {
        if (packing.pageCompression != null && !packing.pageCompression.waitForThread()) {
            return; // how many pages found a thread is chance
        }
        long pages = out.normalPages();
        if (packing.deltas()) {
            pages += out.delta().pages() - out.delta().overflows();
        }
        if (packing.pageCompression != null) {
            pages += out.pageCompression().pages();
        }
        long plain = pages * PageSize.BYTES;
        assertTrue(out.transferredBytes() < plain, "%d pages in %s".formatted(pages, out));
    }

    @ParameterizedTest
    @CsvSource({
        "LZ4,            NONE,           'x-lz4' is on at the source and off here",
        "NONE,           LZ4,            'x-lz4' is off at the source and on here",
        "MULTIFD_XBZRLE, NONE,           'x-multifd-xbzrle' is on at the source and off here",
        "NONE,           MULTIFD_XBZRLE, 'x-multifd-xbzrle' is off at the source and on here",
        "LZ4_XBZRLE,     LZ4,            'x-multifd-xbzrle' is on at the source and off here",
        "LZ4,            MULTIFD_XBZRLE, 'x-lz4' is on at the source and off here",
        "LZ4,            MULTIFD_XBZRLE, 'x-multifd-xbzrle' is off at the source and on here",
        "ADAPTIVE,       NONE,           'x-adaptive' is on at the source and off here",
        "NONE,           ADAPTIVE,       'x-adaptive' is off at the source and on here",
        "ADAPTIVE,       MULTIFD_XBZRLE, 'x-adaptive' is on at the source and off here",
    })
    void formsOfOursMustBeSwitchedOnAlike(String there, String here, String difference) throws Exception {
        try (SyntheticGuest source = Guests.source(MACHINES.getFirst(), RAM, "marks", "uniform:rate=20000");
                Arrival arrival = Arrival.of(Guests.empty(MACHINES.getFirst(), RAM, true), "unix", incomingOf(here))) {
            source.resume();

            OutgoingReport out = move(source, arrival, outgoingOf(there), new Rewrites(source, 1, 0));
            IncomingReport in = arrival.await();

            assertEquals("failed", out.outcome());
            assertEquals("failed", in.outcome());
            assertTrue(
                    in.reason().startsWith("capabilities differ: ")
                            && in.reason().contains(difference),
                    in::reason);
            assertEquals(0, in.normalPages() + in.zeroPages() + in.holePages());
            Guests.assertRunsOn(source, there + " to " + here);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "ZLIB_1, NONE,   form zlib, expected none:",
        "ZSTD_1, ZLIB_1, form zstd, expected zlib:",
        "ZLIB_1, ZSTD_1, form zlib, expected zstd:",
        "NONE,   ZSTD_1, form none, expected zstd:",
    })
    void formsOfQemuMustBeSwitchedOnAlike(String there, String here, String difference) throws Exception {
        try (SyntheticGuest source = Guests.source(MACHINES.getFirst(), RAM, "marks", "uniform:rate=20000");
                Arrival arrival = Arrival.of(Guests.empty(MACHINES.getFirst(), RAM, true), "unix", incomingOf(here))) {
            source.resume();

            OutgoingReport out = move(source, arrival, outgoingOf(there), new Rewrites(source, 1, 0));
            IncomingReport in = arrival.await();

            assertEquals("failed", out.outcome());
            assertEquals("failed", in.outcome());
            assertTrue(
                    in.reason().matches("multifd channel [01], offset \\d+ .*" + difference + ".*alike on both sides"),
                    in::reason);
            Guests.assertRunsOn(source, there + " to " + here);
        }
    }

    /** With a return path: without one a source hears of a refusal only when it writes. */
    private static OutgoingConfig outgoingOf(String name) {
        OutgoingConfig.Builder config = name.equals("NONE")
                ? OutgoingConfig.builder().channels(2)
                : Packing.valueOf(name).outgoing(2);
        return config.returnPath(true).downtimeLimit(Rewrites.NO_PAUSE).build();
    }

    private static IncomingConfig incomingOf(String name) {
        return name.equals("NONE")
                ? Packing.ZLIB_1.incoming(2).withMethod(MultifdMethod.NONE)
                : Packing.valueOf(name).incoming(2);
    }

    private static OutgoingReport move(SyntheticGuest source, Arrival arrival, OutgoingConfig config, Rewrites rewrites)
            throws Exception {
        OutgoingMigration migration =
                OutgoingMigration.start(source, Dialer.to(arrival.address), config, rewrites, "out");
        rewrites.migration.complete(migration);
        return migration.completion().get(LIMIT_SECONDS, TimeUnit.SECONDS);
    }
}
