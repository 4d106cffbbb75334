package org.transhume.engine;

import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.transhume.channels.qemu.BlockEntry;
import org.transhume.channels.qemu.DeviceTail;
import org.transhume.engine.guest.SyntheticGuest;
import org.transhume.engine.guest.WorkloadSpec;
import org.transhume.engine.incoming.IncomingConfig;
import org.transhume.engine.outgoing.Dialer;
import org.transhume.engine.outgoing.OutgoingConfig;
import org.transhume.engine.outgoing.OutgoingMigration;
import org.transhume.engine.outgoing.OutgoingReport;
import org.transhume.memory.DirtySources;
import org.transhume.memory.GuestMemory;
import org.transhume.memory.PageSize;
import org.transhume.memory.RamBlock;
import org.transhume.memory.WriteProtectSource;

/** A sparse tebibyte costs what it holds: compared with a guest that has nothing but that. */
class MovesAHugeGuestTest {
    private static final long TOUCHED = 64 * Guests.MIB;
    private static final long HUGE = 1L << 40;
    private static final int LIMIT_SECONDS = 60;
    /** What the destination finds memory for before pages come, at the most. */
    private static final long AHEAD = 32 * Guests.MIB;

    /** A bitmap with a bit for every page of the tebibyte takes four times as much. */
    private static final long MOST_MORE_KILOBYTES = 8 << 10;

    @RegisterExtension
    final NothingLeft nothingLeft = new NothingLeft();

    /** @param kilobytes of private memory and page tables that both sides had taken when all RAM was there */
    record Cost(double millis, long kilobytes) {}

    @Test
    void aSparseTebibyteCostsWhatItHolds() throws Exception {
        assumeTrue(
                WriteProtectSource.unavailable().isEmpty(),
                () -> WriteProtectSource.unavailable().orElseThrow());
        move(TOUCHED); // compiles what both need

        Cost small = move(TOUCHED);
        Cost huge = move(HUGE);

        assertTrue(huge.kilobytes < small.kilobytes + MOST_MORE_KILOBYTES, "%s, %s".formatted(small, huge));
        // Generous, as the machine has other work; both take some tenths of a second.
        assertTrue(huge.millis < 3 * small.millis + 2000, "%s, %s".formatted(small, huge));
    }

    private static Cost move(long ram) throws Exception {
        GuestMemory memory = new GuestMemory(List.of(RamBlock.memfd(SyntheticGuest.BLOCK, ram)));
        SyntheticGuest empty = Guests.empty(SyntheticGuest.MACHINE, ram, true);
        Loaded destination = new Loaded(empty, new AtomicLong());
        IncomingConfig incoming = IncomingConfig.DEFAULT.withChannels(2).withShared(Set.of(Extensions.HOLE_RUNS));
        long before = kilobytes();
        OutgoingReport report;
        try (SyntheticGuest source = new SyntheticGuest(
                        SyntheticGuest.MACHINE,
                        memory,
                        DirtySources.named(WriteProtectSource.NAME, memory),
                        WorkloadSpec.parse("uniform:rate=5000,ws=" + TOUCHED),
                        true);
                Arrival arrival = Arrival.as(destination, empty, incoming)) {
            source.fill();
            write(source, ram - PageSize.BYTES);
            source.resume();
            OutgoingMigration migration = OutgoingMigration.start(
                    source,
                    Dialer.to(arrival.address),
                    OutgoingConfig.builder()
                            .channels(2)
                            .returnPath(true)
                            .holeRuns(true)
                            .downtimeLimit(Duration.ofSeconds(1))
                            .build(),
                    new MigrationObserver() {
                        @Override
                        public void pass(int number) {
                            if (number == 1) {
                                write(source, ram / 8 * 5); // born in a hole that is on its way as such
                            }
                        }
                    },
                    "out");
            report = migration.completion().get(LIMIT_SECONDS, TimeUnit.SECONDS);
            assertEquals("completed", report.outcome(), report.reason());
            assertEquals("completed", arrival.await().outcome());
            source.pause();
            assertSame(source, arrival.guest);
        }
        return new Cost(report.totalMillis(), destination.kilobytes.get() - before);
    }

    private static void write(SyntheticGuest guest, long at) {
        Guests.ram(guest).set(JAVA_LONG, at, at + 1);
    }

    /** Without a look at what neither of them holds. */
    private static void assertSame(SyntheticGuest source, SyntheticGuest destination) {
        long[] held = {0};
        for (SyntheticGuest guest : List.of(source, destination)) {
            guest.memory().blocks().getFirst().populatedExtents((offset, length) -> {
                long difference = Guests.ram(source)
                        .asSlice(offset, length)
                        .mismatch(Guests.ram(destination).asSlice(offset, length));
                assertEquals(-1, difference, () -> "behind 0x%x".formatted(offset));
                held[0] += length;
            });
        }
        assertTrue(held[0] >= 2 * TOUCHED, held[0] + " bytes compared");
        // Page channels may bring the last pages before the main one has said what is a hole behind them.
        long most = 2 * (TOUCHED + 2L * PageSize.BYTES) + AHEAD;
        assertTrue(held[0] <= most, held[0] + " bytes held: holes came into being");
    }

    /** RAM is in memfds, and not in this; bitmaps are, and the heap of this JVM. */
    private static long kilobytes() {
        try (Stream<String> status = Files.lines(Path.of("/proc/self/status"))) {
            return status.filter(line -> line.matches("(RssAnon|VmPTE):.*"))
                    .mapToLong(line -> Long.parseLong(line.replaceAll("[^0-9]", "")))
                    .sum();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Looks at the memory of this process when all RAM came, and both ends still know of every page what they did with it. */
    private record Loaded(SyntheticGuest guest, AtomicLong kilobytes) implements IncomingGuest {
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
            kilobytes.set(MovesAHugeGuestTest.kilobytes());
            guest.load(devices);
        }

        @Override
        public void start() {
            guest.start();
        }
    }
}
