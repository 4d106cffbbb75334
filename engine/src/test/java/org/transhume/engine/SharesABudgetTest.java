package org.transhume.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.transhume.engine.guest.SyntheticGuest;
import org.transhume.engine.outgoing.BandwidthBudget;
import org.transhume.engine.outgoing.Dialer;
import org.transhume.engine.outgoing.OutgoingConfig;
import org.transhume.engine.outgoing.OutgoingMigration;
import org.transhume.engine.outgoing.OutgoingReport;

/** Guests that leave this process at the same time, under one budget. */
@Timeout(60)
class SharesABudgetTest {
    private static final String MACHINE = "transhume-1.0";
    private static final long RAM = 16 * Guests.MIB;
    private static final int GUESTS = 4;
    private static final int LIMIT_SECONDS = 30;
    /** Small, as a batch is what one may be ahead of another; and the budget lets the guests take seconds, beside which nobody begins late. */
    private static final int PACKET_PAGES = 8;

    @RegisterExtension
    final NothingLeft nothingLeft = new NothingLeft();

    @ParameterizedTest(name = "{0} channels")
    @ValueSource(ints = {0, 2})
    void theyGetTheSameAndTogetherNoMore(int channels) throws Exception {
        BandwidthBudget budget = new BandwidthBudget(16 * Guests.MIB);
        List<Way> ways = new ArrayList<>();
        try {
            for (int i = 0; i < GUESTS; i++) {
                ways.add(new Way(channels));
            }

            long begin = System.nanoTime();
            for (Way way : ways) {
                way.leave(config(channels).budget(budget).build());
            }
            CompletableFuture.anyOf(
                            ways.stream().map(way -> way.migration.completion()).toArray(CompletableFuture[]::new))
                    .get(LIMIT_SECONDS, TimeUnit.SECONDS);
            long[] sent = ways.stream().mapToLong(Way::sent).toArray();
            long all = ways.stream().mapToLong(Way::arrived).sum();
            double seconds = (System.nanoTime() - begin) / 1e9;

            long mean = (sent[0] + sent[1] + sent[2] + sent[3]) / GUESTS;
            for (long one : sent) {
                // Threads of a busy machine take turns; how fair the budget is, is told in virtual time.
                assertTrue(Math.abs(one - mean) <= mean / 10, () -> "%d bytes of %d".formatted(one, mean));
            }
            long most = (long) (budget.bytesPerSecond() * (seconds + 0.06));
            assertTrue(all <= most, () -> "%d bytes in %.3f s".formatted(all, seconds));
            assertEquals(0, budget.guests());
        } finally {
            ways.forEach(Way::close);
        }
    }

    @Test
    void oneThatIsCancelledLeavesItsPartToTheOthers() throws Exception {
        BandwidthBudget budget = new BandwidthBudget(8 * Guests.MIB);
        try (Way stays = new Way(0);
                Way goes = new Way(0)) {
            stays.leave(config(0).budget(budget).build());
            goes.leave(config(0).budget(budget).build());

            goes.migration.cancel();

            assertEquals("cancelled", goes.ended().outcome());
            assertEquals(1, budget.guests());
            budget.bytesPerSecond(0);
            assertEquals("completed", stays.ended().outcome());
        }
    }

    private static OutgoingConfig.Builder config(int channels) {
        return OutgoingConfig.builder()
                .channels(channels)
                .packetPages(PACKET_PAGES)
                .downtimeLimit(Duration.ofMillis(1)) // or much of so small a guest would go in its pause
                .returnPath(true);
    }

    private static final class Way implements AutoCloseable {
        private final SyntheticGuest source = Guests.source(MACHINE, RAM, "marks", "idle:rate=0");
        private final Arrival arrival;
        private OutgoingMigration migration;

        Way(int channels) throws Exception {
            arrival = Arrival.of(Guests.empty(MACHINE, RAM, true), "tcp", channels, false);
        }

        void leave(OutgoingConfig config) {
            source.resume();
            migration = OutgoingMigration.start(
                    source, Dialer.to(arrival.address), config, new MigrationObserver() {}, "out");
        }

        long sent() {
            return migration.progress().transferredBytes();
        }

        OutgoingReport ended() throws Exception {
            OutgoingReport report = migration.completion().get(LIMIT_SECONDS, TimeUnit.SECONDS);
            if (report.outcome().equals("completed")) {
                arrival.await();
                Guests.assertSameRam(source, arrival.guest, "behind the migration");
            }
            return report;
        }

        long arrived() {
            try {
                return ended().transferredBytes();
            } catch (Exception e) {
                throw new AssertionError(e);
            }
        }

        @Override
        public void close() {
            if (migration != null) {
                migration.cancel();
                migration.completion().join();
            }
            try (source;
                    arrival) {
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}
