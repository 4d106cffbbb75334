package org.transhume.benchmarks.guard;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;

/** The table {@code kernels.csv}: what each kernel must reach at the least, as a part of a copy's speed. */
final class Floors {
    private static final String TABLE = "kernels.csv";

    private final Map<String, Double> byId;

    private Floors(Map<String, Double> byId) {
        this.byId = byId;
    }

    static Floors read() {
        Map<String, Double> floors = new HashMap<>();
        try (BufferedReader in = new BufferedReader(
                new InputStreamReader(Floors.class.getResourceAsStream(TABLE), StandardCharsets.UTF_8))) {
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                int comma = line.indexOf(',');
                if (comma > 0 && line.charAt(0) != '#') {
                    floors.put(line.substring(0, comma).strip(), Double.valueOf(line.substring(comma + 1)));
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return new Floors(floors);
    }

    /** @throws IllegalArgumentException if the table does not name it */
    double of(String id) {
        Double floor = byId.get(id);
        if (floor == null) {
            throw new IllegalArgumentException(
                    "%s: no line for '%s', expected one for each kernel".formatted(TABLE, id));
        }
        return floor;
    }
}
