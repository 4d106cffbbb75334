package org.transhume.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.transhume.channels.qemu.BlockEntry;
import org.transhume.channels.qemu.DeviceTail;
import org.transhume.engine.guest.SyntheticGuest;
import org.transhume.engine.outgoing.Dialer;
import org.transhume.engine.outgoing.OutgoingConfig;
import org.transhume.engine.outgoing.OutgoingMigration;
import org.transhume.engine.outgoing.OutgoingReport;
import org.transhume.engine.outgoing.ThrottlePolicy;
import org.transhume.memory.DirtySource;
import org.transhume.memory.GuestMemory;
import org.transhume.memory.WriterMarks;

/** A guest that was slowed down for its migration is not slow afterwards, whatever came of it. */
@Timeout(60)
class ThrottleIsLiftedTest {
    private static final long RAM = 8 * Guests.MIB;
    private static final int LIMIT_SECONDS = 20;
    private static final int PERCENT = 30;

    @RegisterExtension
    final NothingLeft nothingLeft = new NothingLeft();

    @ParameterizedTest
    @CsvSource({
        "completes,             completed",
        "is cancelled,          cancelled",
        "loses the destination, failed",
        "is refused when all is sent and the guest stands, failed"
    })
    void whenTheMigration(String what, String outcome) throws Exception {
        try (SyntheticGuest source = Guests.source(SyntheticGuest.MACHINE, RAM, "marks", "uniform:rate=20000");
                SyntheticGuest empty = Guests.empty(SyntheticGuest.MACHINE, RAM, true);
                Arrival arrival = Arrival.as(what.startsWith("is refused") ? new Refusing(empty) : empty, empty)) {
            List<Integer> told = Collections.synchronizedList(new ArrayList<>());
            Once policy = new Once();
            OutgoingConfig config = OutgoingConfig.builder()
                    .returnPath(true)
                    .downtimeLimit(Duration.ZERO)
                    .clock(new Hasty())
                    .throttle(policy)
                    .build();
            source.resume();

            OutgoingMigration migration = OutgoingMigration.start(
                    new Told(source, told), Dialer.to(arrival.address), config, new NeverDone(source), "out");
            policy.judged.get(LIMIT_SECONDS, TimeUnit.SECONDS);
            int during = migration.progress().throttlePercent();
            switch (what) {
                case "is cancelled" -> migration.cancel();
                case "loses the destination" -> arrival.abort();
                default -> migration.downtimeLimit(Duration.ofSeconds(100));
            }
            OutgoingReport report = migration.completion().get(LIMIT_SECONDS, TimeUnit.SECONDS);

            assertEquals(outcome, report.outcome(), report.reason());
            assertEquals(List.of(PERCENT, 0), told);
            assertEquals(PERCENT, during);
            assertEquals(PERCENT, report.highestThrottle());
            assertEquals(0, migration.progress().throttlePercent());
            if (!outcome.equals("completed")) {
                Guests.assertRunsOn(source, what);
            }
        }
    }

    /** With it every harvest finds something, so that no migration ends that is allowed no pause. */
    private record NeverDone(SyntheticGuest guest) implements MigrationObserver {
        @Override
        public void pass(int number) {
            ((WriterMarks) guest.dirtySource()).mark(0, 0);
        }
    }

    /** Slows the guest down the first time it is asked. */
    private static final class Once implements ThrottlePolicy {
        final CompletableFuture<Void> judged = new CompletableFuture<>();
        private volatile int percent;

        @Override
        public void judge(Guest guest, long dirtied, long sent) {
            if (percent == 0) {
                percent = PERCENT;
                guest.throttle(PERCENT);
                judged.complete(null);
            }
        }

        @Override
        public void lift(Guest guest) {
            percent = 0;
            guest.throttle(0);
        }

        @Override
        public int percent() {
            return percent;
        }
    }

    /** A second of it is a twentieth of ours. */
    private static final class Hasty implements Clock {
        private static final int SPEED = 20;

        @Override
        public long nanos() {
            return System.nanoTime() * SPEED;
        }

        @Override
        public void await(Condition condition, long nanos) throws InterruptedException {
            Clock.SYSTEM.await(condition, nanos / SPEED);
        }
    }

    /** Takes RAM and refuses the devices. */
    private record Refusing(SyntheticGuest guest) implements IncomingGuest {
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
            throw new MigrationException("no room for devices");
        }

        @Override
        public void start() {
            throw new AssertionError("it never came so far");
        }
    }

    /** Remembers what it was told. */
    private record Told(SyntheticGuest guest, List<Integer> told) implements Guest {
        @Override
        public void throttle(int percent) {
            told.add(percent);
            guest.throttle(percent);
        }

        @Override
        public String machine() {
            return guest.machine();
        }

        @Override
        public GuestMemory memory() {
            return guest.memory();
        }

        @Override
        public DirtySource dirtySource() {
            return guest.dirtySource();
        }

        @Override
        public boolean running() {
            return guest.running();
        }

        @Override
        public void pause() {
            guest.pause();
        }

        @Override
        public void resume() {
            guest.resume();
        }

        @Override
        public DeviceTail saveDevices() {
            return guest.saveDevices();
        }
    }
}
