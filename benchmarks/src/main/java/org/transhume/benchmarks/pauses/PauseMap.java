package org.transhume.benchmarks.pauses;

import java.util.List;
import java.util.Locale;

/** Cells as a picture: a panel for each bandwidth, in it working set over rate, coloured by what the pause took of its limit. */
final class PauseMap {
    private static final int WIDE = 96;
    private static final int HIGH = 44;
    private static final int LEFT = 90;
    private static final int TOP = 60;
    private static final int BELOW = 56;
    private static final int GREEN = 120; // hue, degrees; 0 is red

    private final List<Double> bandwidths;
    private final List<Long> sets;
    private final List<Integer> rates;
    private final long limit;

    PauseMap(List<Double> bandwidths, List<Long> sets, List<Integer> rates, long limit) {
        this.bandwidths = bandwidths;
        this.sets = sets;
        this.rates = rates;
        this.limit = limit;
    }

    String svg(List<PauseCell> cells) {
        int panel = TOP + HIGH * sets.size() + BELOW;
        int width = LEFT + WIDE * rates.size() + 20;
        StringBuilder svg = new StringBuilder();
        svg.append(
                "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" font-family=\"sans-serif\" font-size=\"12\">%n"
                        .formatted(width, panel * bandwidths.size()));
        svg.append("<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n");
        for (int i = 0; i < bandwidths.size(); i++) {
            int top = i * panel + TOP;
            text(
                    svg,
                    LEFT,
                    top - 30,
                    "start",
                    "bold",
                    Pauses.bandwidth(bandwidths.get(i)) + ": pause of " + limit + " ms allowed");
            text(svg, LEFT, top - 12, "start", "normal", "working set");
            for (int row = 0; row < sets.size(); row++) {
                text(svg, LEFT - 8, top + HIGH * row + HIGH / 2 + 4, "end", "normal", Pauses.size(sets.get(row)));
            }
            for (int column = 0; column < rates.size(); column++) {
                int x = LEFT + WIDE * column + WIDE / 2;
                text(
                        svg,
                        x,
                        top + HIGH * sets.size() + 18,
                        "middle",
                        "normal",
                        rates.get(column).toString());
            }
            text(svg, LEFT + WIDE * rates.size() / 2, top + HIGH * sets.size() + 36, "middle", "normal", "pages/s");
        }
        for (PauseCell cell : cells) {
            draw(svg, cell, panel);
        }
        return svg.append("</svg>\n").toString();
    }

    private void draw(StringBuilder svg, PauseCell cell, int panel) {
        int x = LEFT + WIDE * rates.indexOf(cell.rate());
        int y = bandwidths.indexOf(cell.gigabits()) * panel + TOP + HIGH * sets.indexOf(cell.workingSet());
        double part = Math.clamp(cell.actual() / limit, 0, 1);
        String colour = cell.completed() ? "hsl(%d,70%%,75%%)".formatted(Math.round(GREEN * (1 - part))) : "#cccccc";
        svg.append("<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" fill=\"%s\" stroke=\"white\"/>%n"
                .formatted(x, y, WIDE, HIGH, colour));
        String weight = cell.completed() && cell.actual() > limit ? "bold" : "normal";
        int middle = x + WIDE / 2;
        if (cell.completed()) {
            text(svg, middle, y + HIGH / 2 + 4, "middle", weight, "%.0f/%d".formatted(cell.actual(), limit));
        } else {
            text(svg, middle, y + HIGH / 2 - 2, "middle", weight, "does not");
            text(svg, middle, y + HIGH / 2 + 12, "middle", weight, "converge");
        }
    }

    private static void text(StringBuilder svg, int x, int y, String anchor, String weight, String text) {
        svg.append(String.format(
                Locale.ROOT,
                "<text x=\"%d\" y=\"%d\" text-anchor=\"%s\" font-weight=\"%s\">%s</text>%n",
                x,
                y,
                anchor,
                weight,
                text));
    }
}
