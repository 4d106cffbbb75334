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
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.transhume.engine.guest.SyntheticGuest;
import org.transhume.engine.guest.WorkloadSpec;
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

    @RegisterExtension
    final NothingLeft nothingLeft = new NothingLeft();

    /** @param kilobytes of bitmaps and page tables on both sides, when the guest was stopped */
    record Cost(double millis, long kilobytes) {}

    @Test
    void aSparseTebibyteCostsWhatItHolds() throws Exception {
        assumeTrue(
                WriteProtectSource.unavailable().isEmpty(),
                () -> WriteProtectSource.unavailable().orElseThrow());
        move(TOUCHED); // compiles what both need

        Cost small = move(TOUCHED);
        Cost huge = move(HUGE);

        // Much would be: three bitmaps of 32 MiB here and one there, or two gigabytes of page tables.
        assertTrue(huge.kilobytes < small.kilobytes + 4096, "%s, %s".formatted(small, huge));
        // Generous, as the machine has other work; both take some tenths of a second.
        assertTrue(huge.millis < 3 * small.millis + 2000, "%s, %s".formatted(small, huge));
    }

    private static Cost move(long ram) throws Exception {
        GuestMemory memory = new GuestMemory(List.of(RamBlock.memfd(SyntheticGuest.BLOCK, ram)));
        long[] kilobytes = {0};
        OutgoingReport report;
        try (SyntheticGuest source = new SyntheticGuest(
                        SyntheticGuest.MACHINE,
                        memory,
                        DirtySources.named(WriteProtectSource.NAME, memory),
                        WorkloadSpec.parse("uniform:rate=5000,ws=" + TOUCHED),
                        true);
                Arrival arrival = Arrival.of(Guests.empty(SyntheticGuest.MACHINE, ram, true), "unix", 2, true)) {
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

                        @Override
                        public void state(MigrationState state) {
                            if (state instanceof MigrationState.Device) {
                                kilobytes[0] = bitmapsAndPageTables();
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
        return new Cost(report.totalMillis(), kilobytes[0]);
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
        assertTrue(held[0] <= 2 * (TOUCHED + 2L * PageSize.BYTES), held[0] + " bytes held: holes came into being");
    }

    private static long bitmapsAndPageTables() {
        try {
            long sum = 0;
            boolean bitmap = false;
            for (String line : Files.readAllLines(Path.of("/proc/self/smaps"))) {
                if (line.matches("[0-9a-f]+-[0-9a-f]+ .*")) {
                    bitmap = line.contains("transhume:bitmap");
                } else if (bitmap && line.startsWith("Rss:")) {
                    sum += Long.parseLong(line.replaceAll("[^0-9]", ""));
                }
            }
            for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
                if (line.startsWith("VmPTE:")) {
                    sum += Long.parseLong(line.replaceAll("[^0-9]", ""));
                }
            }
            return sum;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
