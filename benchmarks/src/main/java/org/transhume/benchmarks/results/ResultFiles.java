package org.transhume.benchmarks.results;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.knowm.xchart.BitmapEncoder;
import org.knowm.xchart.VectorGraphicsEncoder;
import org.knowm.xchart.internal.chartpart.Chart;
import picocli.CommandLine;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/** The options {@code --json} and {@code --chart} of a comparison. */
public final class ResultFiles {
    private static final JsonMapper JSON =
            JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();

    @CommandLine.Option(names = "--json", paramLabel = "FILE", description = "Takes all figures.")
    private Path json;

    @CommandLine.Option(
            names = "--chart",
            paramLabel = "FILE",
            description = "Takes a picture of them: SVG if its name ends in .svg, PNG otherwise.")
    private Path chart;

    public ResultFiles() {}

    /** @param figures a record or a map of what was measured; without {@code --json} nothing happens */
    public void json(Object figures) throws IOException {
        if (json != null) {
            Files.writeString(json, JSON.writeValueAsString(figures) + "\n");
        }
    }

    public boolean wantsChart() {
        return chart != null;
    }

    /** Without {@code --chart} nothing happens. */
    public void chart(Chart<?, ?> drawn) throws IOException {
        if (chart == null) {
            return;
        }
        String file = chart.toString();
        if (isVector()) {
            VectorGraphicsEncoder.saveVectorGraphic(drawn, file, VectorGraphicsEncoder.VectorGraphicsFormat.SVG);
        } else {
            BitmapEncoder.saveBitmap(drawn, file, BitmapEncoder.BitmapFormat.PNG);
        }
    }

    /**
     * Of a picture that is drawn by hand.
     *
     * @throws IllegalArgumentException if {@code --chart} names anything but an SVG
     */
    public void checkVector() {
        if (chart != null && !isVector()) {
            throw new IllegalArgumentException("--chart=%s: expected a name that ends in .svg".formatted(chart));
        }
    }

    /** Without {@code --chart} nothing happens. */
    public void svg(String drawn) throws IOException {
        checkVector();
        if (chart != null) {
            Files.writeString(chart, drawn);
        }
    }

    private boolean isVector() {
        return chart.toString().endsWith(".svg");
    }
}
