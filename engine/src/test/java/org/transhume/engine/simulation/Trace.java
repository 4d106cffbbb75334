package org.transhume.engine.simulation;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;

/**
 * What one real migration cost, beside its pages, and how its bandwidth went up and down: recorded, not made up, and replayed
 * by simulated ones (docs/forecast.md says how and where).
 *
 * @param stop milliseconds until the guest stood
 * @param harvest of the last look at the dirty source
 * @param devices saving and sending device state
 * @param start of the guest at the destination, with loading its devices
 * @param windows bandwidth in windows of 100 ms, in parts of its mean
 */
record Trace(double stop, double harvest, double devices, double start, List<Double> windows) {
    private static final long WINDOW_NANOS = 100_000_000;
    private static final String FILE = "/simulation/traces.csv";

    /** All that were recorded. */
    static List<Trace> recorded() {
        try (InputStream in = Objects.requireNonNull(Trace.class.getResourceAsStream(FILE), FILE);
                BufferedReader lines = new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8))) {
            return lines.lines()
                    .filter(line -> !line.startsWith("#"))
                    .map(Trace::parse)
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Trace parse(String line) {
        double[] values = Arrays.stream(line.split(",", -1))
                .mapToDouble(Double::parseDouble)
                .toArray();
        return new Trace(
                values[0],
                values[1],
                values[2],
                values[3],
                Arrays.stream(values, 4, values.length).boxed().toList());
    }

    /** The bandwidth of a moment, in parts of its mean. At its end the second half begins again: the first is that of new processes. */
    double bandwidth(long nanos) {
        int window = (int) (nanos / WINDOW_NANOS);
        int half = windows.size() / 2;
        return windows.get(window < windows.size() ? window : half + (window - half) % (windows.size() - half));
    }
}
