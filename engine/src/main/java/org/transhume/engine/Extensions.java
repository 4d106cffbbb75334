package org.transhume.engine;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import org.transhume.channels.qemu.StreamHeader;

/**
 * What both sides must have switched on alike because it changes the stream, and QEMU has no way to say it: the exchange of
 * docs/wire.md. The source lists what is on; the destination refuses a difference before the first page.
 */
public final class Extensions {
    public static final String HOLE_RUNS = "x-hole-runs";

    /** Multifd packets may hold LZ4 blocks. */
    public static final String LZ4 = "x-lz4";
    /** Multifd packets may hold XBZRLE deltas. */
    public static final String MULTIFD_XBZRLE = "x-multifd-xbzrle";
    /** Multifd packets may hold whatever pays: any of the forms above, or zstd. */
    public static final String ADAPTIVE = "x-adaptive";

    /** The destination compares RAM with a digest of what was sent. */
    public static final String RAM_DIGEST = "x-ram-digest";

    /** The destination starts the guest on the source's word only, and can be asked what became of it. */
    public static final String HANDOVER = "x-handover";

    /** Pages that nobody asked for travel on all multifd channels in postcopy, too. */
    public static final String MULTIFD_POSTCOPY = "x-multifd-postcopy";

    private static final long VERSION = 1;
    private static final Set<String> NAMES =
            Set.of(HOLE_RUNS, LZ4, MULTIFD_XBZRLE, ADAPTIVE, RAM_DIGEST, HANDOVER, MULTIFD_POSTCOPY);

    private Extensions() {}

    /**
     * The header of a stream with the extensions {@code names} on.
     *
     * @param uuid of the guest, to be checked at the other side; or null
     */
    public static StreamHeader header(String machine, UUID uuid, Collection<String> names) {
        SequencedMap<String, Long> values = new LinkedHashMap<>();
        for (String name : new TreeSet<>(names)) {
            values.put(name, VERSION);
        }
        return new StreamHeader(machine, List.copyOf(values.keySet()), uuid, values);
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
        header.extensions().forEach((name, version) -> {
            if (NAMES.contains(name) && version != VERSION) {
                differences.add("'%s' is version %d at the source and %d here".formatted(name, version, VERSION));
            }
        });
        if (!differences.isEmpty()) {
            throw new MigrationException(
                    "capabilities differ: %s; set them alike on both sides".formatted(String.join(", ", differences)));
        }
    }
}
