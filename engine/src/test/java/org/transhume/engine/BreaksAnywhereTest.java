package org.transhume.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.time.Duration;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.transhume.channels.qemu.MultifdPacket;
import org.transhume.engine.guest.SyntheticGuest;
import org.transhume.engine.outgoing.Dialer;
import org.transhume.engine.outgoing.LanePlacement;
import org.transhume.engine.outgoing.OutgoingConfig;
import org.transhume.engine.outgoing.OutgoingMigration;
import org.transhume.engine.outgoing.OutgoingReport;

/**
 * Whatever breaks before the hand-over, and wherever: the guest runs on where it was, what it wrote is told again, and the next
 * try moves it. {@link LosesConnectionsTest} cuts the rounds; this the pause, the last round, the devices and the return path,
 * and takes the destination away.
 */
class BreaksAnywhereTest {
    private static final String MACHINE = "transhume-1.0";
    private static final int LIMIT_SECONDS = 20;
    /** PONG: type, length, value. */
    private static final int PONG_BYTES = 8;
    /** Half of the guest is noise. */
    private static final long FIRST_ROUND = LosesConnectionsTest.RAM / 2;

    @RegisterExtension
    final NothingLeft nothingLeft = new NothingLeft();

    private enum Break {
        /** The main channel, behind the stop: last pages and devices. */
        MAIN_AFTER_THE_STOP,
        /** A page channel, behind the stop. */
        LANE_AFTER_THE_STOP,
        /** Any channel while the guest stands and nothing is sent. */
        IN_THE_PAUSE,
        /** What the destination answers. */
        RETURN_PATH,
        /** The destination gives up in the first round. */
        DESTINATION_GIVES_UP,
        /** The destination cannot load the devices, and says so. */
        DESTINATION_REFUSES
    }

    static IntStream seeds() {
        return IntStream.range(0, 198);
    }

    @ParameterizedTest
    @MethodSource("seeds")
    void theGuestRunsOnAndTheNextTrySucceeds(int seed) throws Exception {
        Break what = Break.values()[seed % Break.values().length];
        Random random = new Random(seed);
        OutgoingConfig config = config(what, random);
        String machine = random.nextBoolean() ? MACHINE : "pc-q35-7.2";
        String transport = random.nextBoolean() ? "unix" : "tcp";
        String where = "seed %d: %s, %s, %s, %s".formatted(seed, what, machine, transport, config);
        try (SyntheticGuest source = Guests.source(machine, LosesConnectionsTest.RAM, "marks", "uniform:rate=20000")) {
            source.resume();
            LosesConnectionsTest.WritesOnTheWay writes = new LosesConnectionsTest.WritesOnTheWay(source);
            try (Arrival arrival = arrival(what, machine, transport, config)) {
                Breaker breaker = new Breaker(what, random, writes, arrival, devices(source), config.channels());
                OutgoingMigration migration = OutgoingMigration.start(source, breaker.dialer, config, breaker, "out");
                breaker.migration.complete(migration);
                if (what == Break.DESTINATION_GIVES_UP) {
                    awaitBytes(migration, random.nextLong(FIRST_ROUND / 2));
                    arrival.abort();
                }
                OutgoingReport report = migration.completion().get(LIMIT_SECONDS, TimeUnit.SECONDS);
                arrival.abort();
                arrival.await();

                assertEquals("failed", report.outcome(), where);
                assertEquals(1, report.reason().lines().count(), where);
                assertFalse(arrival.guest.running(), where);
                // A return path may break as late as it likes: only then nobody may guess.
                boolean unknown = LosesConnectionsTest.ownershipUnknown(migration);
                assertFalse(unknown && what != Break.RETURN_PATH, () -> where + ": " + report.reason());
                if (unknown) {
                    assertFalse(source.running(), where);
                    source.resume(); // as its operator finds out
                }
            }
            Guests.assertRunsOn(source, where);
            assertEquals(Set.of(), writes.forgotten(), where + ": pages written on the way, not told again");
            OutgoingConfig plain = OutgoingConfig.builder()
                    .channels(config.channels())
                    .returnPath(config.returnPath())
                    .build();
            LosesConnectionsTest.assertMoves(source, machine, transport, plain, where);
        }
    }

    private static OutgoingConfig config(Break what, Random random) {
        int channels = switch (what) {
            case LANE_AFTER_THE_STOP -> 1 + random.nextInt(3);
            case DESTINATION_REFUSES -> 0;
            default -> random.nextInt(4);
        };
        boolean answered = what == Break.RETURN_PATH || what == Break.DESTINATION_REFUSES || random.nextBoolean();
        return OutgoingConfig.builder()
                .channels(channels)
                .placement(random.nextBoolean() ? LanePlacement.RING : LanePlacement.INLINE)
                .returnPath(answered)
                .maxBandwidth(what == Break.DESTINATION_GIVES_UP ? 16 * FIRST_ROUND : 0)
                .pauseBeforeSwitchover(what == Break.IN_THE_PAUSE)
                .build();
    }

    private static Arrival arrival(Break what, String machine, String transport, OutgoingConfig config)
            throws IOException {
        if (what == Break.DESTINATION_REFUSES) {
            SyntheticGuest empty = Guests.empty(machine, LosesConnectionsTest.RAM, true);
            return Arrival.as(new LosesConnectionsTest.Refusing(empty), empty);
        }
        return LosesConnectionsTest.arrival(machine, transport, config);
    }

    private static void awaitBytes(OutgoingMigration migration, long bytes) {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(LIMIT_SECONDS);
        while (migration.progress().transferredBytes() < bytes) {
            assertTrue(System.nanoTime() - deadline < 0, () -> "still " + migration.progress());
            LockSupport.parkNanos(100_000);
        }
    }

    /** Bytes that the main channel carries at least from the stop to the hand-over. */
    private static int devices(SyntheticGuest source) {
        return source.saveDevices().sections().length;
    }

    /** Breaks one thing, once. */
    private static final class Breaker implements MigrationObserver {
        final CompletableFuture<OutgoingMigration> migration = new CompletableFuture<>();
        final Dialer dialer;
        private final CutDialer cuts;
        private final Break what;
        private final MigrationObserver writes;
        private final int channel;
        private final long bytes;

        Breaker(Break what, Random random, MigrationObserver writes, Arrival arrival, int devices, int channels) {
            this.what = what;
            this.writes = writes;
            this.cuts = new CutDialer(arrival.address);
            this.channel = switch (what) {
                case LANE_AFTER_THE_STOP -> 1 + random.nextInt(channels);
                case IN_THE_PAUSE -> random.nextInt(channels + 1);
                default -> 0;
            };
            this.bytes = switch (what) {
                // SWITCHOVER_START is not in every dialect.
                case MAIN_AFTER_THE_STOP -> random.nextLong(devices);
                // At least the packet that ends the epoch travels.
                case LANE_AFTER_THE_STOP -> random.nextLong(MultifdPacket.BYTES);
                case RETURN_PATH -> random.nextLong(PONG_BYTES);
                default -> 0;
            };
            this.dialer = what != Break.RETURN_PATH
                    ? cuts
                    : new Dialer() {
                        @Override
                        public CutConnection dial(Duration limit) throws IOException {
                            CutConnection connection = (CutConnection) cuts.dial(limit);
                            return connection.afterReading(bytes);
                        }

                        @Override
                        public boolean multiChannel() {
                            return true;
                        }
                    };
        }

        @Override
        public void pass(int number) {
            writes.pass(number);
        }

        @Override
        public void state(MigrationState state) {
            writes.state(state);
            boolean stopped = state instanceof MigrationState.Device;
            boolean after = what == Break.MAIN_AFTER_THE_STOP || what == Break.LANE_AFTER_THE_STOP;
            CutConnection cut = cuts.connections.size() > channel ? cuts.connections.get(channel) : null;
            if (stopped && after) {
                cut.afterWriting(cut.bytesWritten() + bytes);
            }
            if (state instanceof MigrationState.PreSwitchover) {
                cut.afterWriting(cut.bytesWritten());
                migration.join().proceed();
            }
        }
    }
}
