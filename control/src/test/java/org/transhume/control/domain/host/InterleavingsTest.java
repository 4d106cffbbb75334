package org.transhume.control.domain.host;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Random;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.transhume.control.domain.Destination;
import org.transhume.control.domain.MigrationJob;
import org.transhume.control.domain.MigrationResult;
import org.transhume.control.domain.error.PointOfNoReturnException;
import org.transhume.control.domain.spec.MigrationSpec;

/** Cancels and broken networks at any moment: events come in one of the documented orders, and one host has the guest. */
@Timeout(120)
class InterleavingsTest {
    private static final MigrationSpec LIVE = MigrationSpec.builder().live().build();
    private static final int CANCELS = 60;
    private static final int FAULTS = 60;
    private static final long LATEST_NANOS = 40_000_000;

    @Test
    void aCancelAtAnyMomentIsEitherInTimeOrHasNoEffect() throws Exception {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        int cancelled = 0;
        for (int i = 0; i < CANCELS; i++) {
            try (TwoHosts hosts = new TwoHosts()) {
                MigrationJob job = hosts.vm.migrate(Destination.connected(hosts.destination), LIVE);
                LockSupport.parkNanos(random.nextLong(LATEST_NANOS));
                boolean late = false;
                try {
                    job.cancel();
                } catch (PointOfNoReturnException | IllegalStateException e) {
                    late = true;
                }

                MigrationResult end = hosts.ended(job);

                if (end instanceof MigrationResult.Cancelled) {
                    assertFalse(late, "seed " + seed);
                    cancelled++;
                    assertStayed(hosts, "seed " + seed);
                } else {
                    assertInstanceOf(MigrationResult.Completed.class, end, "seed " + seed);
                    assertMoved(hosts);
                }
            }
        }
        assertTrue(cancelled > 0 && cancelled < CANCELS, cancelled + " cancelled, seed " + seed);
    }

    @Test
    void aNetworkThatBreaksAtAnyWordLeavesOneGuestOrSaysThatNobodyKnows() throws Exception {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        for (int i = 0; i < FAULTS; i++) {
            try (TwoHosts hosts = new TwoHosts()) {
                Faults faulty = new Faults(hosts.destination);
                String word = List.of("prepare", "finish").get(random.nextInt(2));
                switch (random.nextInt(4)) {
                    case 0 -> faulty.loseOnce(word, random.nextBoolean());
                    case 1 -> faulty.closeOnce(word);
                    case 2 -> faulty.refuseOnce(word);
                    default -> faulty.before(word, () -> LockSupport.parkNanos(random.nextLong(LATEST_NANOS)));
                }

                MigrationResult end = hosts.ended(hosts.vm.migrate(Destination.connected(faulty), LIVE));

                if (end instanceof MigrationResult.Completed) {
                    assertMoved(hosts);
                } else {
                    assertInstanceOf(MigrationResult.Failed.class, end, "seed " + seed);
                    assertTrue(hosts.leaving.runs(), "seed " + seed);
                    assertFalse(hosts.arriving.runs(), "seed " + seed);
                    TwoHosts.await(
                            () -> "room at the destination, seed " + seed,
                            () -> hosts.destination.domain("vm").isEmpty());
                    assertInstanceOf(
                            MigrationResult.Completed.class,
                            hosts.ended(hosts.vm.migrate(Destination.connected(hosts.destination), LIVE)),
                            "seed " + seed);
                    hosts.assertRamIsEqual();
                }
            }
        }
    }

    private static void assertMoved(TwoHosts hosts) throws Exception {
        hosts.awaitAtSource("Iteration", "Suspended/MIGRATED", "Stopped/MIGRATED", "JobCompleted");
        hosts.awaitAtDestination("Started/MIGRATED", "Resumed/MIGRATED");
        assertTrue(hosts.arriving.runs());
        assertFalse(hosts.leaving.runs());
        hosts.assertRamIsEqual();
    }

    private static void assertStayed(TwoHosts hosts, String seed) throws Exception {
        assertTrue(hosts.leaving.runs(), seed);
        assertFalse(hosts.arriving.runs(), seed);
        assertTrue(hosts.destination.domain("vm").isEmpty(), seed);
        List<String> told = hosts.wordsAtSource();
        assertTrue(
                List.of(
                                List.of(),
                                List.of("Resumed/MIGRATED"),
                                List.of("Iteration", "Resumed/MIGRATED"),
                                List.of("Iteration", "Suspended/MIGRATED", "Resumed/MIGRATED"))
                        .contains(told),
                told + ", " + seed);
        List<String> there = hosts.wordsAtDestination();
        assertEquals(there.isEmpty() ? List.of() : List.of("Started/MIGRATED", "Stopped/FAILED"), there, seed);
    }
}
