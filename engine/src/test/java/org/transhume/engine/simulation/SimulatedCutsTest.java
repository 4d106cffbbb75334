package org.transhume.engine.simulation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Paths that break at any byte, in virtual time. A failure names its seed. */
class SimulatedCutsTest {
    private static final int RUNS = 200;
    private static final long FIRST_SEED = Long.getLong("transhume.seed", 50_000);
    private static final double PAGE = 4096;

    @Test
    void aGuestWhosePathBreaksRunsOnAndLeavesAtTheNextTry() {
        List<Trace> traces = Trace.recorded();
        int again = 0;
        int unknown = 0;

        try (SharedMemory memory = new SharedMemory()) {
            for (long seed = FIRST_SEED; seed < FIRST_SEED + RUNS; seed++) {
                World world = World.of(seed, traces);
                long cutAt = (long) (new Random(seed).nextDouble() * 1.5 * World.PAGES * PAGE);
                try (SimulatedGuest guest = new SimulatedGuest(world, memory.memory())) {
                    Simulation.Result broken = Simulation.run(world, guest, cutAt);
                    assertFalse(guest.tracked(), "seed " + seed + ": somebody still asks for dirty pages");
                    if (!broken.report().outcome().equals("failed")) {
                        continue; // it was through before
                    }
                    if (!guest.running()) {
                        unknown++;
                        assertTrue(
                                broken.report().reason().contains("may run"),
                                "seed " + seed + ": the guest stands, and nobody says why: " + broken.report());
                        continue;
                    }
                    Simulation.Result whole = Simulation.run(world, guest, -1);
                    again += whole.completed() ? 1 : 0;
                    assertTrue(
                            whole.completed() || whole.gaveUp(),
                            "seed " + seed + ": " + whole.report().reason());
                    assertEquals(0, whole.completed() ? whole.stale() : 0, "seed " + seed + ": old pages");
                }
            }
        }

        System.out.printf("%d of %d left at the second try, %d stand between two owners%n", again, RUNS, unknown);
        assertTrue(again > RUNS / 4, "only %d paths broke".formatted(again));
    }
}
