package org.transhume.benchmarks.versus;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class ComparisonTest {
    private static final long MIB = 1 << 20;

    @Test
    void comparesEachRunWithTheQemuOfItsRound() {
        Comparison comparison = comparison(
                new Memory(40 * MIB, 40 * MIB),
                round(trial(1000, 100, 4), trial(500, 100, 2), trial(250, 100, 1)),
                round(trial(3000, 100, 4), trial(1000, 100, 2), trial(1000, 100, 1)),
                round(trial(2000, 100, 4), trial(1000, 100, 3), trial(500, 100, 1)));

        assertEquals(new Spread(2, 2, 3), comparison.times(Round::fresh, Trial::millis));
        assertEquals(new Spread(4, 3, 4), comparison.times(Round::warm, Trial::millis));
        assertEquals(new Spread(2, 4 / 3.0, 2), comparison.times(Round::fresh, Trial::cpu));
    }

    @Test
    void saysOfEachFloorWhetherItWasMet() {
        Comparison met = comparison(
                new Memory(200 * MIB, 40 * MIB), round(trial(1200, 100, 4), trial(1000, 100, 3), trial(1, 1, 1)));
        Comparison missed = comparison(
                new Memory(40 * MIB, 201 * MIB), round(trial(1100, 100, 4), trial(1000, 101, 4), trial(1, 1, 1)));

        assertEquals(
                List.of(true, true, true, true),
                met.floors().stream().map(Comparison.Floor::met).toList());
        assertEquals(
                List.of(false, false, false, false),
                missed.floors().stream().map(Comparison.Floor::met).toList());
    }

    @Test
    void asksForNothingWithoutAQemu() {
        Comparison alone = new Comparison(
                Work.ZSTD,
                MIB,
                List.of(new Round(Optional.empty(), trial(1, 1, 1), trial(1, 1, 1))),
                Optional.empty(),
                new Memory(MIB, MIB));

        assertEquals(List.of(), alone.floors());
        assertEquals(List.of(), alone.qemu());
    }

    /** Zstd has all the floors that there are. */
    private static Comparison comparison(Memory ours, Round... rounds) {
        return new Comparison(Work.ZSTD, MIB, List.of(rounds), Optional.of(new Memory(40 * MIB, 40 * MIB)), ours);
    }

    private static Round round(Trial qemu, Trial fresh, Trial warm) {
        return new Round(Optional.of(qemu), fresh, warm);
    }

    private static Trial trial(double millis, long bytes, double cpu) {
        return new Trial(millis, bytes, cpu, 0);
    }
}
