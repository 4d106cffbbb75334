package org.transhume.engine.simulation;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.transhume.engine.forecast.Forecast;
import org.transhume.engine.outgoing.OutgoingReport;

/** What migrations say in advance, held against what becomes of them, in many worlds. A failure names its seed. */
class ForecastsHoldTest {
    private static final int RUNS = Integer.getInteger("transhume.simulations", 2000);
    private static final long FIRST_SEED = Long.getLong("transhume.seed", 1);
    private static final int THREADS = 2;

    private static final List<Simulation.Result> RESULTS = new ArrayList<>();

    @BeforeAll
    static void simulate() throws Exception {
        List<Trace> traces = Trace.recorded();
        try (ExecutorService threads = Executors.newFixedThreadPool(THREADS)) {
            List<Future<List<Simulation.Result>>> parts = new ArrayList<>();
            for (int t = 0; t < THREADS; t++) {
                int part = t;
                parts.add(threads.submit(() -> {
                    List<Simulation.Result> results = new ArrayList<>();
                    try (SharedMemory memory = new SharedMemory()) {
                        for (long i = part; i < RUNS; i += THREADS) {
                            results.add(Simulation.run(World.of(FIRST_SEED + i, traces), memory.memory()));
                        }
                    }
                    return results;
                }));
            }
            for (Future<List<Simulation.Result>> part : parts) {
                RESULTS.addAll(part.get());
            }
        }
        System.out.printf(
                "%d simulated migrations from seed %d: %d completed, %d would not have ended%n",
                RUNS,
                FIRST_SEED,
                completed().size(),
                RESULTS.stream().filter(Simulation.Result::gaveUp).count());
    }

    @AfterAll
    static void forget() {
        RESULTS.clear();
    }

    private static List<Simulation.Result> completed() {
        return RESULTS.stream().filter(Simulation.Result::completed).toList();
    }

    private static List<Long> seeds(List<Simulation.Result> results) {
        return results.stream().map(r -> r.world().seed()).limit(20).toList();
    }

    @Test
    void everyMigrationEndsInOneOfTwoWaysAndLosesNothing() {
        List<Simulation.Result> other =
                RESULTS.stream().filter(r -> !r.completed() && !r.gaveUp()).toList();
        List<Simulation.Result> stale =
                completed().stream().filter(r -> r.stale() > 0).toList();

        assertEquals(List.of(), seeds(other), "seeds that failed");
        assertEquals(List.of(), seeds(stale), "seeds that left an old page");
        assertTrue(completed().size() > RUNS / 3 && completed().size() < RUNS, "the worlds are of one kind");
    }

    @Test
    void thePauseIsForetoldWithinFifteenPercentOrFiveMillisecondsInNineteenOfTwenty() {
        List<Double> errors = new ArrayList<>();
        for (Simulation.Result result : completed()) {
            OutgoingReport.Downtime pause = result.report().downtime();
            double allowed = Math.max(5, 0.15 * pause.total());
            errors.add(Math.abs(pause.predicted() - pause.total()) / allowed);
        }
        Collections.sort(errors);

        double p50 = errors.get(errors.size() / 2);
        double p95 = errors.get((int) (errors.size() * 0.95));
        System.out.printf("error of the foretold pause, in parts of what is allowed: p50 %.2f, p95 %.2f%n", p50, p95);
        assertTrue(p95 <= 1, "p95 is %.2f of what is allowed".formatted(p95));
    }

    @Test
    void theLimitIsKeptInNinetyNineOfAHundred() {
        List<Simulation.Result> longer = completed().stream()
                .filter(r -> r.report().downtime().total() > r.world().limitMillis())
                .toList();

        double kept = 1 - (double) longer.size() / completed().size();
        System.out.printf("limit kept in %.2f %%%n", 100 * kept);
        assertTrue(kept >= 0.99, "kept in %.2f %%, not by seeds %s".formatted(100 * kept, seeds(longer)));
    }

    @Test
    void theEightyPercentIntervalOfTheEndCoversEightyPercent() {
        int told = 0;
        int inside = 0;
        int early = 0;
        for (Simulation.Result result : completed()) {
            List<Forecast> known = result.told().stream()
                    .map(Simulation.Told::forecast)
                    .filter(f -> Double.isFinite(f.eta()))
                    .distinct()
                    .toList();
            if (known.isEmpty()) {
                continue;
            }
            Forecast one = known.get(new Random(result.world().seed()).nextInt(known.size()));
            double left = result.report().totalMillis() - result.report().setupMillis() - one.at();
            told++;
            inside += left >= one.etaLow() && left <= one.etaHigh() ? 1 : 0;
            early += left < one.etaLow() ? 1 : 0;
        }

        double covered = (double) inside / told;
        System.out.printf(
                "the interval covers %.1f %% of %d; %.1f %% ended before it%n",
                100 * covered, told, 100.0 * early / told);
        assertTrue(told > RUNS / 4, "only %d told an end".formatted(told));
        assertTrue(covered >= 0.76 && covered <= 0.84, "it covers %.1f %%".formatted(100 * covered));
    }

    @Test
    void theVerdictOfTheThirdRoundIsRightInNineteenOfTwenty() {
        int judged = 0;
        List<Long> wrong = new ArrayList<>();
        for (Simulation.Result result : RESULTS) {
            List<Simulation.Told> early = result.told().stream()
                    .filter(t -> t.round() <= 3 && t.forecast().verdict() != null)
                    .toList();
            if (early.isEmpty()) {
                continue;
            }
            judged++;
            if (early.getLast().forecast().verdict().converges() != result.completed()) {
                wrong.add(result.world().seed());
            }
        }

        double right = 1 - (double) wrong.size() / judged;
        System.out.printf("verdict right in %.1f %% of %d%n", 100 * right, judged);
        assertTrue(right >= 0.95, "right in %.1f %%, wrong for seeds %s".formatted(100 * right, wrong));
    }

    @Test
    void progressNeverFalls() {
        List<Long> fell = new ArrayList<>();
        for (Simulation.Result result : RESULTS) {
            double last = 0;
            for (Simulation.Told told : result.told()) {
                if (told.forecast().progress() < last || told.forecast().progress() > 1) {
                    fell.add(result.world().seed());
                }
                last = told.forecast().progress();
            }
        }

        assertEquals(List.of(), fell, "seeds");
    }

    @Test
    void theSameSeedIsTheSameMigration() {
        List<Trace> traces = Trace.recorded();

        assertAll(LongStream.range(FIRST_SEED, FIRST_SEED + 10).mapToObj(seed -> () -> {
            try (SharedMemory memory = new SharedMemory()) {
                Simulation.Result one = Simulation.run(World.of(seed, traces), memory.memory());
                Simulation.Result other = Simulation.run(World.of(seed, traces), memory.memory());

                assertEquals(one.report(), other.report(), "seed " + seed);
                assertEquals(one.told(), other.told(), "seed " + seed);
            }
        }));
    }
}
