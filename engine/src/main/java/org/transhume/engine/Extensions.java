package org.transhume.engine;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import java.util.Set;
import java.util.TreeSet;
import org.transhume.channels.qemu.StreamHeader;

/**
 * What both sides must have switched on alike because it changes the stream, and QEMU has no way to say it: the exchange of
 * docs/wire.md. The source lists what is on; the destination refuses a difference before the first page.
 */
public final class Extensions {
    public static final String HOLE_RUNS = "x-hole-runs";

    private static final long HOLE_RUNS_VERSION = 1;

    private Extensions() {}

    /** The header of a stream with these extensions on. */
    public static StreamHeader header(String machine, boolean holeRuns) {
        List<String> names = new ArrayList<>();
        SequencedMap<String, Long> values = new LinkedHashMap<>();
        if (holeRuns) {
            names.add(HOLE_RUNS);
            values.put(HOLE_RUNS, HOLE_RUNS_VERSION);
        }
        return new StreamHeader(machine, names, null, values);
    }

    /**
     * Compares what the source has on with what is on here.
     *
     * @throws MigrationException naming every difference
     */
    public static void check(StreamHeader header, Set<String> here) {
        Set<String> there = new TreeSet<>(header.capabilities());
        List<String> differences = new ArrayList<>();
        for (String name : there) {
            if (!here.contains(name)) {
                differences.add("'%s' is on at the source and off here".formatted(name));
            }
        }
        for (String name : new TreeSet<>(here)) {
            if (!there.contains(name)) {
                differences.add("'%s' is off at the source and on here".formatted(name));
            }
        }
        Long version = header.extensions().get(HOLE_RUNS);
        if (version != null && version != HOLE_RUNS_VERSION) {
            differences.add(
                    "'%s' is version %d at the source and %d here".formatted(HOLE_RUNS, version, HOLE_RUNS_VERSION));
        }
        if (!differences.isEmpty()) {
            throw new MigrationException(
                    "capabilities differ: %s; set them alike on both sides".formatted(String.join(", ", differences)));
        }
    }
}
