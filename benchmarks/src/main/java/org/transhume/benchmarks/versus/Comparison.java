package org.transhume.benchmarks.versus;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;

/**
 * One kind of work as both sides did it.
 *
 * @param ram bytes of RAM that were moved
 * @param qemuMemory empty if there is no QEMU, as that of each round then
 */
record Comparison(Work work, long ram, List<Round> rounds, Optional<Memory> qemuMemory, Memory memory) {
    private static final double CPU_LIMIT = 0.8;
    private static final long MEMORY_LIMIT = 160L << 20;

    /**
     * Something that was asked for.
     *
     * @param what for a reader
     * @param came measured, in the same words
     */
    record Floor(String what, String came, boolean met) {}

    List<Trial> qemu() {
        return rounds.stream().map(Round::qemu).flatMap(Optional::stream).toList();
    }

    /** How many times faster, or how much more, than the QEMU of the same round; only where there is one. */
    Spread times(Function<Round, Trial> ours, ToDoubleFunction<Trial> value) {
        return Spread.of(
                rounds,
                round -> value.applyAsDouble(round.qemu().orElseThrow()) / value.applyAsDouble(ours.apply(round)));
    }

    List<Floor> floors() {
        List<Floor> floors = new ArrayList<>();
        if (qemuMemory.isEmpty()) {
            return floors;
        }
        if (work.timesFaster() > 0) {
            Spread times = times(Round::fresh, Trial::millis);
            floors.add(new Floor(
                    "at least %.1f times as fast".formatted(work.timesFaster()),
                    times.text("%.2f"),
                    times.median() >= work.timesFaster()));
        }
        if (work.noMoreBytes()) {
            Spread bytes = share(Trial::wireBytes);
            floors.add(new Floor("no more bytes", bytes.text("%.3f"), bytes.median() <= 1));
        }
        if (work.sameInstructions()) {
            Spread cpu = share(Trial::cpu);
            floors.add(new Floor(
                    "CPU at most %.1f of QEMU's".formatted(CPU_LIMIT), cpu.text("%.2f"), cpu.median() <= CPU_LIMIT));
        }
        long more = Math.max(
                memory.source() - qemuMemory.get().source(),
                memory.destination() - qemuMemory.get().destination());
        floors.add(new Floor(
                "memory at most QEMU's + %d MiB".formatted(MEMORY_LIMIT >> 20),
                "%+d MiB".formatted(more >> 20),
                more <= MEMORY_LIMIT));
        return floors;
    }

    /** Transhume's, fresh, over QEMU's. */
    private Spread share(ToDoubleFunction<Trial> value) {
        return Spread.of(
                rounds,
                round -> value.applyAsDouble(round.fresh())
                        / value.applyAsDouble(round.qemu().orElseThrow()));
    }
}
