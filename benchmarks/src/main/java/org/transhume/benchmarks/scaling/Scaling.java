package org.transhume.benchmarks.scaling;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.XYSeries;
import org.knowm.xchart.style.Styler;
import org.knowm.xchart.style.markers.SeriesMarkers;
import org.transhume.benchmarks.peer.HostMemory;
import org.transhume.benchmarks.peer.TranshumePair;
import org.transhume.benchmarks.results.ResultFiles;
import org.transhume.control.command.SizeConverter;
import org.transhume.control.display.Units;
import picocli.CommandLine;
import tools.jackson.databind.JsonNode;

/**
 * {@code bin/transhume bench scaling}: a user asks: "how much longer does a larger guest take, and do more channels help?" Every
 * migration is one between fresh processes. Guests up to a size are resident, with noise; of larger ones only as much was ever
 * written, so that what their size alone costs is seen apart: each kind has a line of its own.
 */
@CommandLine.Command(
        name = "scaling",
        description = "Time against RAM and against channels, with the line that fits best.",
        mixinStandardHelpOptions = true)
public final class Scaling implements Callable<Integer> {
    private static final double GIB = 1L << 30;

    @CommandLine.Option(
            names = "--sizes",
            paramLabel = "SIZE",
            split = ",",
            description = "RAM of the guest (default: ${DEFAULT-VALUE}).",
            defaultValue = "1G,2G,4G,8G,16G,32G,64G",
            converter = SizeConverter.class)
    private List<Long> sizes;

    @CommandLine.Option(
            names = "--touched",
            paramLabel = "SIZE",
            description =
                    "How much of it was written at the most; a migration takes twice that (default: ${DEFAULT-VALUE}).",
            defaultValue = "8G",
            converter = SizeConverter.class)
    private long touched;

    @CommandLine.Option(
            names = "--channels",
            paramLabel = "N",
            split = ",",
            description = "Page channels (default: ${DEFAULT-VALUE}).",
            defaultValue = "0,1,2,4,8")
    private List<Integer> channels;

    @CommandLine.Option(
            names = "--runs",
            paramLabel = "N",
            description = "Turns over all sizes and channels (default: ${DEFAULT-VALUE}).",
            defaultValue = "3")
    private int runs;

    @CommandLine.Mixin
    private ResultFiles files;

    /** One migration. */
    public record Point(int channels, long ram, long touched, double seconds, double downtimeMillis, long bytes) {
        boolean resident() {
            return touched == ram;
        }
    }

    /**
     * Points of one kind, and their line: seconds over GiB of RAM.
     *
     * @param resident whether all of the RAM was written, or the same part of each
     */
    public record Curve(int channels, boolean resident, FittedLine line) {}

    /** All of it. */
    public record Figures(List<Point> points, List<Curve> curves) {}

    @Override
    public Integer call() throws IOException {
        List<Point> points = new ArrayList<>();
        System.out.printf("%8s %9s %9s %8s %8s %9s%n", "channels", "RAM", "touched", "s", "GiB/s", "pause ms");
        for (int run = 0; run < runs; run++) {
            for (long size : sizes) {
                for (int count : channels) {
                    Point point = measure(size, Math.min(size, touched), count);
                    points.add(point);
                    print(point);
                }
            }
        }
        List<Curve> curves = new ArrayList<>();
        for (int count : channels) {
            curve(points, count, true).ifPresent(curves::add);
            curve(points, count, false).ifPresent(curves::add);
        }
        curves.forEach(Scaling::print);
        files.json(new Figures(points, curves));
        if (files.wantsChart()) {
            files.chart(chart(points, curves));
        }
        return 0;
    }

    private static Point measure(long ram, long touched, int channels) throws IOException {
        try (TranshumePair pair = new TranshumePair(ram, "idle")) {
            pair.touch(touched);
            HostMemory.warm(touched); // where the guest is going to be
            pair.migrate(channels, Map.of("max-bandwidth", 0L));
            JsonNode end = pair.await();
            pair.checkEqual();
            return new Point(
                    channels,
                    ram,
                    touched,
                    end.required("total-time").asDouble() / 1000,
                    end.required("x-transhume")
                            .required("downtime")
                            .required("total")
                            .asDouble(),
                    end.required("ram").required("transferred").asLong());
        }
    }

    /** Empty where there are not two sizes. */
    private static Optional<Curve> curve(List<Point> all, int channels, boolean resident) {
        List<Point> points = of(all, channels, resident);
        if (points.stream().map(Point::ram).distinct().count() < 2) {
            return Optional.empty();
        }
        double[] ram = points.stream().mapToDouble(point -> point.ram / GIB).toArray();
        double[] seconds = points.stream().mapToDouble(Point::seconds).toArray();
        return Optional.of(new Curve(channels, resident, FittedLine.through(ram, seconds)));
    }

    private static List<Point> of(List<Point> all, int channels, boolean resident) {
        return all.stream()
                .filter(point -> point.channels == channels && point.resident() == resident)
                .toList();
    }

    private static void print(Point point) {
        System.out.printf(
                "%8d %9s %9s %8.2f %8.3f %9.1f%n",
                point.channels,
                Units.bytes(point.ram),
                Units.bytes(point.touched),
                point.seconds,
                point.touched / GIB / point.seconds,
                point.downtimeMillis);
    }

    private static void print(Curve curve) {
        System.out.printf(
                Locale.ROOT,
                "%d channels, %s: %.3f s + %.4f s/GiB, R^2 %.4f%n",
                curve.channels,
                kind(curve.resident),
                curve.line.constant(),
                curve.line.slope(),
                curve.line.r2());
    }

    private static String kind(boolean resident) {
        return resident ? "resident" : "sparse";
    }

    private static XYChart chart(List<Point> points, List<Curve> curves) {
        XYChart chart = new XYChartBuilder()
                .width(1000)
                .height(700)
                .title("Time against RAM")
                .xAxisTitle("GiB of RAM")
                .yAxisTitle("s")
                .build();
        chart.getStyler().setYAxisMin(0.0).setLegendPosition(Styler.LegendPosition.InsideNW);
        for (Curve curve : curves) {
            List<Point> here = of(points, curve.channels, curve.resident);
            String name = "%d channels, %s".formatted(curve.channels, kind(curve.resident));
            double[] ram = here.stream().mapToDouble(point -> point.ram / GIB).toArray();
            chart.addSeries(name, ram, here.stream().mapToDouble(Point::seconds).toArray())
                    .setXYSeriesRenderStyle(XYSeries.XYSeriesRenderStyle.Scatter);
            double[] ends = {
                here.stream().mapToDouble(point -> point.ram / GIB).min().orElseThrow(),
                here.stream().mapToDouble(point -> point.ram / GIB).max().orElseThrow()
            };
            chart.addSeries(
                            "%.2f s + %.3f s/GiB, R² %.3f"
                                            .formatted(curve.line.constant(), curve.line.slope(), curve.line.r2())
                                    + " (" + name + ")",
                            ends,
                            new double[] {curve.line.at(ends[0]), curve.line.at(ends[1])})
                    .setXYSeriesRenderStyle(XYSeries.XYSeriesRenderStyle.Line)
                    .setMarker(SeriesMarkers.NONE);
        }
        return chart;
    }
}
