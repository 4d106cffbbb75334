package org.transhume.engine.simulation;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.transhume.engine.MigrationObserver;
import org.transhume.engine.forecast.Forecast;
import org.transhume.engine.outgoing.LanePlacement;
import org.transhume.engine.outgoing.OutgoingConfig;
import org.transhume.engine.outgoing.OutgoingMigration;
import org.transhume.engine.outgoing.OutgoingReport;
import org.transhume.memory.GuestMemory;

/** One migration of the engine's own code in virtual time. Two of the same world are the same. */
final class Simulation {
    /** Sent that often over, RAM will not be sent to an end. */
    private static final int ENOUGH = 30;

    private static final int PATIENCE_SECONDS = 60;
    private static final double NANOS_PER_MILLI = 1e6;

    /**
     * What was told at one look at the dirty source.
     *
     * @param millis since the start
     * @param round 1 and up
     */
    record Told(double millis, int round, Forecast forecast) {}

    /**
     * @param gaveUp it was cancelled, as it would not have ended
     * @param stale pages that differ at the destination
     */
    record Result(World world, OutgoingReport report, List<Told> told, boolean gaveUp, int stale, long bytes) {
        boolean completed() {
            return report.outcome().equals("completed");
        }
    }

    private Simulation() {}

    static Result run(World world, GuestMemory memory) {
        try (SimulatedGuest guest = new SimulatedGuest(world, memory)) {
            return run(world, guest, -1);
        }
    }

    /** @param cutAt bytes after which the path breaks; -1: never */
    static Result run(World world, SimulatedGuest guest, long cutAt) {
        try (SimulatedPath path = new SimulatedPath(world, cutAt)) {
            VirtualClock clock = new VirtualClock(path);
            guest.live(clock);
            return run(world, guest, path, clock);
        }
    }

    private static Result run(World world, SimulatedGuest guest, SimulatedPath path, VirtualClock clock) {
        path.connect(clock, guest);
        CompletableFuture<OutgoingMigration> started = new CompletableFuture<>();
        List<Told> told = new ArrayList<>();
        boolean[] gaveUp = {false};
        long begin = clock.nanos();
        guest.onHarvest(() -> {
            OutgoingMigration migration = started.join();
            told.add(new Told(
                    (clock.nanos() - begin) / NANOS_PER_MILLI,
                    migration.progress().rounds(),
                    migration.progress().forecast()));
            if (path.bytes() > (long) ENOUGH * World.PAGES * 4096 && guest.running()) {
                gaveUp[0] = true;
                migration.cancel();
            }
        });
        OutgoingConfig config = OutgoingConfig.builder()
                .channels(world.channels())
                .placement(LanePlacement.INLINE)
                .returnPath(true)
                .maxBandwidth(world.cap())
                .downtimeLimit(Duration.ofMillis(world.limitMillis()))
                .clock(clock)
                .build();
        OutgoingMigration migration =
                OutgoingMigration.start(guest, path, config, new MigrationObserver() {}, "seed " + world.seed());
        started.complete(migration);
        try {
            OutgoingReport report = migration.completion().get(PATIENCE_SECONDS, TimeUnit.SECONDS);
            return new Result(world, report, told, gaveUp[0], path.stale(), path.bytes());
        } catch (InterruptedException | ExecutionException | TimeoutException e) {
            throw new AssertionError("seed %d does not end".formatted(world.seed()), e);
        }
    }
}
