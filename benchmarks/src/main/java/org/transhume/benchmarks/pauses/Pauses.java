package org.transhume.benchmarks.pauses;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.transhume.benchmarks.results.ResultFiles;
import org.transhume.control.command.SizeConverter;
import org.transhume.control.display.Units;
import picocli.CommandLine;

/**
 * {@code bin/transhume bench downtime}: a user asks: "for how long will my guest stand, and will it move at all?" Real migrations
 * between fresh processes for every working set, dirty rate and bandwidth; which of them cannot end is what the engine says of them.
 */
@CommandLine.Command(
        name = "downtime",
        description = "The actual pause against its limit, over working set, dirty rate and bandwidth.",
        mixinStandardHelpOptions = true)
public final class Pauses implements Callable<Integer> {
    @CommandLine.Option(
            names = "--working-sets",
            paramLabel = "SIZE",
            split = ",",
            description = "What the guest writes, and all of its RAM (default: ${DEFAULT-VALUE}).",
            defaultValue = "64M,256M,1G",
            converter = SizeConverter.class)
    private List<Long> sets;

    @CommandLine.Option(
            names = "--rates",
            paramLabel = "PAGES",
            split = ",",
            description = "Pages that it writes in a second (default: ${DEFAULT-VALUE}).",
            defaultValue = "1000,5000,10000,20000,50000")
    private List<Integer> rates;

    @CommandLine.Option(
            names = "--gigabits",
            paramLabel = "N",
            split = ",",
            description = "Caps in 10^9 bits per second, 0 is none (default: ${DEFAULT-VALUE}).",
            defaultValue = "0,1,10")
    private List<Double> bandwidths;

    @CommandLine.Option(
            names = "--limit",
            paramLabel = "MS",
            description = "Longest pause to aim for (default: ${DEFAULT-VALUE}).",
            defaultValue = "300")
    private long limit;

    @CommandLine.Option(
            names = "--channels",
            paramLabel = "N",
            description = "Page channels (default: ${DEFAULT-VALUE}).",
            defaultValue = "2")
    private int channels;

    @CommandLine.Option(
            names = "--patience",
            paramLabel = "SECONDS",
            description =
                    "How long in all the engine has to say that a migration does not converge, before it is given up"
                            + " (default: ${DEFAULT-VALUE}).",
            defaultValue = "10")
    private double patience;

    @CommandLine.Mixin
    private ResultFiles files;

    /** All of it. */
    public record Figures(long limitMillis, int channels, List<PauseCell> cells) {}

    @Override
    public Integer call() throws IOException {
        files.checkVector();
        List<PauseCell> cells = new ArrayList<>();
        System.out.printf(
                "%12s %11s %8s %9s %9s %7s %7s%n",
                "cap", "working set", "pages/s", "pause ms", "foretold", "rounds", "s");
        for (double gigabits : bandwidths) {
            for (long set : sets) {
                for (int rate : rates) {
                    PauseCell cell = PauseCell.measure(gigabits, set, rate, limit, channels, patience);
                    cells.add(cell);
                    print(cell);
                }
            }
        }
        List<PauseCell> ended = cells.stream().filter(PauseCell::completed).toList();
        System.out.printf(
                "limit of %d ms kept in %d of %d; %d do not converge%n",
                limit,
                ended.stream().filter(cell -> cell.actual() <= limit).count(),
                ended.size(),
                cells.size() - ended.size());
        files.json(new Figures(limit, channels, cells));
        files.svg(new PauseMap(bandwidths, sets, rates, limit).svg(cells));
        return 0;
    }

    private static void print(PauseCell cell) {
        System.out.printf(
                "%12s %11s %8d %9s %9s %7d %7.1f  %s%n",
                bandwidth(cell.gigabits()),
                size(cell.workingSet()),
                cell.rate(),
                cell.completed() ? "%.1f".formatted(cell.actual()) : "-",
                cell.completed() ? "%.1f".formatted(cell.predicted()) : "-",
                cell.rounds(),
                cell.seconds(),
                cell.completed() ? "" : "does not converge" + needs(cell));
    }

    private static String needs(PauseCell cell) {
        return (cell.neededBytesPerSecond() > 0 ? ", needs " + Units.rate(cell.neededBytesPerSecond()) : "")
                + (cell.neededLimitMillis() > 0 ? ", or a limit of %.0f ms".formatted(cell.neededLimitMillis()) : "");
    }

    static String bandwidth(double gigabits) {
        return gigabits == 0 ? "no cap" : "%.3g Gbit/s".formatted(gigabits);
    }

    static String size(long bytes) {
        return Units.bytes(bytes);
    }
}
