package org.transhume.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.transhume.engine.guest.SyntheticGuest;
import org.transhume.engine.outgoing.Dialer;
import org.transhume.engine.outgoing.OutgoingConfig;
import org.transhume.engine.outgoing.OutgoingMigration;
import org.transhume.engine.outgoing.OutgoingReport;

/** A migration that waits, with its guest stopped, until its caller lets it go on. */
class PausesBeforeTheSwitchoverTest {
    private static final long RAM = 4 * Guests.MIB;
    private static final int LIMIT_SECONDS = 20;
    private static final String MACHINE = "transhume-1.0";

    @RegisterExtension
    final NothingLeft nothingLeft = new NothingLeft();

    @ParameterizedTest
    @CsvSource({"0, false", "0, true", "2, true"})
    void nothingIsSentUntilItIsToldToProceed(int channels, boolean returnPath) throws Exception {
        try (SyntheticGuest source = guest();
                Arrival arrival = arrival(channels)) {
            Steps steps = new Steps();
            OutgoingMigration migration = start(source, arrival, channels, returnPath, steps);
            awaitPause(migration);
            long sent = migration.progress().transferredBytes();
            assertFalse(source.running());
            assertEquals("pre-switchover", steps.list.getLast());

            awaitStanding("out");
            long waitedMillis = 30;
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(waitedMillis)); // so that there is something to report
            assertEquals(sent, migration.progress().transferredBytes());
            migration.proceed();
            OutgoingReport report = migration.completion().get(LIMIT_SECONDS, TimeUnit.SECONDS);

            assertEquals("completed", report.outcome(), report.reason());
            assertEquals("completed", arrival.await().outcome());
            Guests.assertSameRam(source, arrival.guest, "after the pause");
            int pause = steps.list.indexOf("pre-switchover");
            assertEquals(
                    List.of("pre-switchover", "device", "pass"), steps.list.subList(pause, pause + 3), steps::toString);
            OutgoingReport.Downtime downtime = report.downtime();
            assertTrue(downtime.held() >= waitedMillis, downtime::toString);
            assertTrue(downtime.total() >= downtime.held() + downtime.lastPages(), downtime::toString);
        }
    }

    @Test
    void aPermissionThatCameBeforeThePauseIsForgotten() throws Exception {
        CompletableFuture<OutgoingMigration> started = new CompletableFuture<>();
        MigrationObserver hasty = new MigrationObserver() {
            @Override
            public void state(MigrationState state) {
                if (state instanceof MigrationState.Active) {
                    started.join().proceed();
                }
            }
        };
        try (SyntheticGuest source = guest();
                Arrival arrival = arrival(0)) {
            OutgoingMigration migration = start(source, arrival, 0, true, hasty);
            started.complete(migration);

            awaitPause(migration);
            awaitStanding("out");

            assertFalse(migration.completion().isDone());
            migration.proceed();
            assertEquals(
                    "completed",
                    migration.completion().get(LIMIT_SECONDS, TimeUnit.SECONDS).outcome());
        }
    }

    @ParameterizedTest
    @CsvSource({"0, false", "0, true", "2, true"})
    void aDestinationThatDiesMeanwhileIsNoticedOnceItGoesOn(int channels, boolean returnPath) throws Exception {
        try (SyntheticGuest source = guest()) {
            Steps steps = new Steps();
            OutgoingMigration migration;
            try (Arrival arrival = arrival(channels)) {
                migration = start(source, arrival, channels, returnPath, steps);
                awaitPause(migration);
            }
            awaitStanding("out");
            assertInstanceOf(MigrationState.PreSwitchover.class, migration.state());

            migration.proceed();
            OutgoingReport report = migration.completion().get(LIMIT_SECONDS, TimeUnit.SECONDS);

            assertEquals("failed", report.outcome());
            int pause = steps.list.indexOf("pre-switchover");
            assertEquals(
                    List.of("pre-switchover", "device", "pass", "failed"),
                    steps.list.subList(pause, steps.list.size()),
                    steps::toString);
            Guests.assertRunsOn(source, "its destination died in the pause");
            try (Arrival next = arrival(channels)) {
                OutgoingMigration again = start(source, next, channels, returnPath, new Steps());
                awaitPause(again);
                again.proceed();
                assertEquals(
                        "completed",
                        again.completion().get(LIMIT_SECONDS, TimeUnit.SECONDS).outcome());
                assertEquals("completed", next.await().outcome());
                Guests.assertSameRam(source, next.guest, "the second try");
            }
        }
    }

    private static SyntheticGuest guest() {
        SyntheticGuest guest = Guests.source(MACHINE, RAM, "marks", "uniform:rate=20000");
        guest.resume();
        return guest;
    }

    private static Arrival arrival(int channels) throws Exception {
        return Arrival.of(Guests.empty(MACHINE, RAM, true), "unix", channels, false);
    }

    private static OutgoingMigration start(
            SyntheticGuest source, Arrival arrival, int channels, boolean returnPath, MigrationObserver observer) {
        OutgoingConfig config = OutgoingConfig.builder()
                .channels(channels)
                .returnPath(returnPath)
                .pauseBeforeSwitchover(true)
                .build();
        return OutgoingMigration.start(source, Dialer.to(arrival.address), config, observer, "out");
    }

    private static void awaitPause(OutgoingMigration migration) {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(LIMIT_SECONDS);
        while (!(migration.state() instanceof MigrationState.PreSwitchover)) {
            assertTrue(System.nanoTime() - deadline < 0, "still " + migration.state());
            LockSupport.parkNanos(1_000_000);
        }
    }

    /** Until the thread of that name stands at its gate: it neither spins nor looks every now and then. */
    private static void awaitStanding(String name) {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(LIMIT_SECONDS);
        while (!stands(name)) {
            assertTrue(System.nanoTime() - deadline < 0, "it does not stand still");
            LockSupport.parkNanos(1_000_000);
        }
    }

    private static boolean stands(String name) {
        for (Thread thread : Thread.getAllStackTraces().keySet()) {
            if (thread.getName().equals(name) && thread.getState() == Thread.State.TIMED_WAITING) {
                for (StackTraceElement frame : thread.getStackTrace()) {
                    if (frame.getClassName().endsWith("outgoing.Gate")) {
                        return true;
                    }
                }
            }
        }
        return false;
    }

    /** What a migration told, in its order: states by their QMP names, and passes. */
    private static final class Steps implements MigrationObserver {
        final List<String> list = new CopyOnWriteArrayList<>();

        @Override
        public void state(MigrationState state) {
            list.add(
                    state instanceof MigrationState.PreSwitchover
                            ? "pre-switchover"
                            : state.getClass().getSimpleName().toLowerCase(Locale.ROOT));
        }

        @Override
        public void pass(int number) {
            list.add("pass");
        }

        @Override
        public String toString() {
            return new ArrayList<>(list).toString();
        }
    }
}
