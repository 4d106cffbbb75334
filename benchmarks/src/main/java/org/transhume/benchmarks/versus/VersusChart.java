package org.transhume.benchmarks.versus;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.knowm.xchart.BitmapEncoder;
import org.knowm.xchart.CategoryChart;
import org.knowm.xchart.CategoryChartBuilder;
import org.knowm.xchart.VectorGraphicsEncoder;
import org.knowm.xchart.style.Styler;

/** GiB of RAM a second of each side, drawn. */
final class VersusChart {
    private static final double GIB = 1L << 30;
    private static final int WIDTH = 1200;
    private static final int HEIGHT = 700;
    private static final int LABEL_DEGREES = 20;

    private VersusChart() {}

    static boolean canWrite(Path file) {
        String name = file.toString().toLowerCase(Locale.ROOT);
        return name.endsWith(".png") || name.endsWith(".svg");
    }

    /** @param file ends in .png or .svg */
    static void write(Path file, String title, List<Comparison> comparisons) throws IOException {
        System.setProperty("java.awt.headless", "true");
        CategoryChart chart = new CategoryChartBuilder()
                .width(WIDTH)
                .height(HEIGHT)
                .title(title)
                .yAxisTitle("GiB of RAM a second, median")
                .build();
        chart.getStyler()
                .setYAxisLogarithmic(true)
                .setXAxisLabelRotation(LABEL_DEGREES)
                .setLegendPosition(Styler.LegendPosition.InsideNW);
        List<String> titles = comparisons.stream().map(c -> c.work().title()).toList();
        List<Double> qemu = new ArrayList<>();
        List<Double> fresh = new ArrayList<>();
        List<Double> warm = new ArrayList<>();
        for (Comparison comparison : comparisons) {
            double gib = comparison.ram() / GIB;
            if (!comparison.qemu().isEmpty()) {
                qemu.add(rate(gib, comparison.qemu()));
            }
            fresh.add(rate(gib, comparison.rounds().stream().map(Round::fresh).toList()));
            warm.add(rate(gib, comparison.rounds().stream().map(Round::warm).toList()));
        }
        if (!qemu.isEmpty()) {
            chart.addSeries("QEMU", titles, qemu);
        }
        // A bar starts at the lower edge: an axis in powers of ten has no zero.
        double least = Stream.of(qemu, fresh, warm)
                .flatMap(List::stream)
                .mapToDouble(Double::doubleValue)
                .min()
                .orElse(1);
        chart.getStyler().setYAxisMin(Math.pow(10, Math.floor(Math.log10(least))));
        chart.addSeries("Transhume", titles, fresh);
        chart.addSeries("Transhume, warm", titles, warm);
        if (file.toString().toLowerCase(Locale.ROOT).endsWith(".svg")) {
            VectorGraphicsEncoder.saveVectorGraphic(
                    chart, file.toString(), VectorGraphicsEncoder.VectorGraphicsFormat.SVG);
        } else {
            BitmapEncoder.saveBitmap(chart, file.toString(), BitmapEncoder.BitmapFormat.PNG);
        }
    }

    private static double rate(double gib, List<Trial> trials) {
        return gib / (Math.max(1, Spread.of(trials, Trial::millis).median()) / 1e3);
    }
}
