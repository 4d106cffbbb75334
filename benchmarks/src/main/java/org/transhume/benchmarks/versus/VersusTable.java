package org.transhume.benchmarks.versus;

import java.io.PrintStream;
import java.util.List;
import java.util.Optional;

/** A comparison as text. */
final class VersusTable {
    private static final String ROW = "%-17s %26s %7s %10s %22s %9s %10s %10s%n";
    private static final double GIB = 1L << 30;
    private static final double MIB = 1 << 20;

    private final PrintStream out;

    VersusTable(PrintStream out) {
        this.out = out;
    }

    void print(Comparison comparison) {
        out.printf("%n%s, %.2f GiB%n", comparison.work().title(), comparison.ram() / GIB);
        out.printf(
                ROW,
                "",
                "ms, median (min to max)",
                "GiB/s",
                "wire MiB",
                "CPU s",
                "CPU s/GiB",
                "source MiB",
                "dest. MiB");
        if (!comparison.qemu().isEmpty()) {
            row("QEMU", comparison, comparison.qemu(), comparison.qemuMemory());
        }
        row(
                "Transhume",
                comparison,
                comparison.rounds().stream().map(Round::fresh).toList(),
                Optional.of(comparison.memory()));
        row(
                "Transhume, warm",
                comparison,
                comparison.rounds().stream().map(Round::warm).toList(),
                Optional.empty());
        if (comparison.qemu().isEmpty()) {
            return;
        }
        out.printf(
                "QEMU's time over Transhume's, round by round: %s, warm %s; its CPU over Transhume's: %s, warm %s%n",
                comparison.times(Round::fresh, Trial::millis).text("%.2f"),
                comparison.times(Round::warm, Trial::millis).text("%.2f"),
                comparison.times(Round::fresh, Trial::cpu).text("%.2f"),
                comparison.times(Round::warm, Trial::cpu).text("%.2f"));
        for (Comparison.Floor floor : comparison.floors()) {
            out.printf("%-8s %s: %s%n", floor.met() ? "met" : "NOT MET", floor.what(), floor.came());
        }
    }

    private void row(String who, Comparison comparison, List<Trial> trials, Optional<Memory> memory) {
        double gib = comparison.ram() / GIB;
        Spread millis = Spread.of(trials, Trial::millis);
        Spread cpu = Spread.of(trials, Trial::cpu);
        out.printf(
                ROW,
                who,
                millis.text("%.0f"),
                "%.2f".formatted(gib / (millis.median() / 1e3)),
                "%.1f".formatted(Spread.of(trials, Trial::wireBytes).median() / MIB),
                cpu.text("%.2f"),
                "%.2f".formatted(cpu.median() / gib),
                memory.map(m -> "%.0f".formatted(m.source() / MIB)).orElse(""),
                memory.map(m -> "%.0f".formatted(m.destination() / MIB)).orElse(""));
    }
}
