package org.transhume.benchmarks.fleet;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import org.knowm.xchart.CategoryChart;
import org.knowm.xchart.CategoryChartBuilder;
import org.transhume.benchmarks.results.ResultFiles;
import org.transhume.control.command.SizeConverter;
import org.transhume.engine.outgoing.BandwidthBudget;
import org.transhume.engine.outgoing.OutgoingReport;
import picocli.CommandLine;

/**
 * {@code bin/transhume bench fleet}: a user asks: "I empty a host; do my guests share the link evenly, and is it used up?" All of
 * them leave this process at the same time under one budget, and arrive in it, over loopback. Compared is what each had sent when
 * half of everything was: all want the same, and none is done.
 */
@CommandLine.Command(
        name = "fleet",
        description = "Many guests out of one process under one budget: what each gets, and what all of them get.",
        mixinStandardHelpOptions = true)
public final class Fleet implements Callable<Integer> {
    private static final int FAILED = 1;
    private static final long LOOK_NANOS = 1_000_000;
    private static final double PERCENT = 100;
    private static final double GIB = 1L << 30;
    private static final double NANOS_PER_SECOND = 1e9;
    /** Headers, and what the pauses take beyond it before it is made up for. */
    private static final double OVER_BUDGET_PERCENT = 2;

    @CommandLine.Option(
            names = "--guests",
            paramLabel = "N",
            description = "Guests (default: ${DEFAULT-VALUE}).",
            defaultValue = "16")
    private int guests;

    @CommandLine.Option(
            names = "--ram",
            paramLabel = "SIZE",
            description = "RAM of each, all of it written; it takes twice that (default: ${DEFAULT-VALUE}).",
            defaultValue = "256M",
            converter = SizeConverter.class)
    private long ram;

    @CommandLine.Option(
            names = "--budget",
            paramLabel = "SIZE",
            description = "Bytes per second of all of them, less than this machine manages; 0: no budget"
                    + " (default: ${DEFAULT-VALUE}).",
            defaultValue = "256M",
            converter = SizeConverter.class)
    private long budget;

    @CommandLine.Option(
            names = "--channels",
            paramLabel = "N",
            description = "Page channels of each (default: ${DEFAULT-VALUE}).",
            defaultValue = "0")
    private int channels;

    @CommandLine.Option(
            names = "--floor",
            paramLabel = "PERCENT",
            description = "Fails if the spread is more (default: ${DEFAULT-VALUE}).",
            defaultValue = "5")
    private double floor;

    @CommandLine.Mixin
    private ResultFiles files;

    /**
     * What one guest got.
     *
     * @param bytesAtHalf sent when half of all bytes were
     * @param gibPerSecond these over the time until then
     * @param millis its whole migration
     */
    public record Row(int guest, long bytesAtHalf, double gibPerSecond, double millis, double downtimeMillis) {}

    /**
     * All of it.
     *
     * @param budgetBytesPerSecond 0: none
     * @param spreadPercent greatest less smallest rate, of the mean
     * @param totalOfBudgetPercent what all sent until then; 0: no budget
     * @param wholeOfBudgetPercent what all sent until the last was done
     */
    public record Figures(
            long ramBytes,
            long budgetBytesPerSecond,
            double seconds,
            double spreadPercent,
            double totalGibPerSecond,
            double totalOfBudgetPercent,
            double wholeOfBudgetPercent,
            List<Row> guests) {}

    @Override
    public Integer call() throws IOException {
        Figures figures = measure();
        print(figures);
        files.json(figures);
        if (files.wantsChart()) {
            files.chart(chart(figures));
        }
        boolean kept = budget == 0
                || Math.max(figures.totalOfBudgetPercent, figures.wholeOfBudgetPercent)
                        <= PERCENT + OVER_BUDGET_PERCENT;
        return figures.spreadPercent <= floor && kept ? 0 : FAILED;
    }

    private Figures measure() throws IOException {
        BandwidthBudget shared = new BandwidthBudget(budget);
        List<LeavingGuest> fleet = new ArrayList<>();
        try {
            for (int i = 0; i < guests; i++) {
                fleet.add(new LeavingGuest(i, ram, channels));
            }
            long begin = System.nanoTime();
            fleet.forEach(guest -> guest.leave(shared));
            long[] sent = sent(fleet);
            while (Arrays.stream(sent).sum() < ram * guests / 2
                    && fleet.stream().noneMatch(guest -> guest.left().isDone())) {
                LockSupport.parkNanos(LOOK_NANOS);
                sent = sent(fleet);
            }
            double half = (System.nanoTime() - begin) / NANOS_PER_SECOND;
            List<OutgoingReport> reports =
                    fleet.stream().map(guest -> guest.left().join()).toList();
            double last = (System.nanoTime() - begin) / NANOS_PER_SECOND;
            for (LeavingGuest guest : fleet) {
                guest.check();
            }
            return figures(sent, half, reports, last);
        } finally {
            fleet.forEach(LeavingGuest::close);
        }
    }

    private static long[] sent(List<LeavingGuest> fleet) {
        return fleet.stream().mapToLong(LeavingGuest::sentBytes).toArray();
    }

    private Figures figures(long[] sent, double half, List<OutgoingReport> reports, double last) {
        List<Row> rows = IntStream.range(0, guests)
                .mapToObj(i -> new Row(
                        i,
                        sent[i],
                        sent[i] / GIB / half,
                        reports.get(i).totalMillis(),
                        reports.get(i).downtime().total()))
                .toList();
        var rates = rows.stream().mapToDouble(Row::gibPerSecond).summaryStatistics();
        long all = reports.stream().mapToLong(OutgoingReport::transferredBytes).sum();
        return new Figures(
                ram,
                budget,
                last,
                PERCENT * (rates.getMax() - rates.getMin()) / rates.getAverage(),
                rates.getSum(),
                budget == 0 ? 0 : PERCENT * rates.getSum() * GIB / budget,
                budget == 0 ? 0 : PERCENT * all / last / budget,
                rows);
    }

    private void print(Figures figures) {
        System.out.printf("%5s %9s %9s %9s%n", "guest", "GiB/s", "s", "pause ms");
        for (Row row : figures.guests) {
            System.out.printf(
                    "%5d %9.4f %9.2f %9.1f%n", row.guest, row.gibPerSecond, row.millis / 1000, row.downtimeMillis);
        }
        System.out.printf(
                "spread %.2f %% (floor %.1f %%); all of them %.3f GiB/s%s; %.2f s%n",
                figures.spreadPercent,
                floor,
                figures.totalGibPerSecond,
                budget == 0
                        ? ", no budget"
                        : ", %.1f %% of the budget, %.1f %% to the end"
                                .formatted(figures.totalOfBudgetPercent, figures.wholeOfBudgetPercent),
                figures.seconds);
    }

    private static CategoryChart chart(Figures figures) {
        CategoryChart chart = new CategoryChartBuilder()
                .width(900)
                .height(500)
                .title("%d guests, one budget: spread %.2f %%".formatted(figures.guests.size(), figures.spreadPercent))
                .xAxisTitle("guest")
                .yAxisTitle("GiB/s until half was sent")
                .build();
        chart.getStyler().setYAxisMin(0.0).setLegendVisible(false);
        chart.addSeries(
                "guests",
                figures.guests.stream().map(row -> (double) row.guest).toList(),
                figures.guests.stream().map(Row::gibPerSecond).toList());
        return chart;
    }
}
