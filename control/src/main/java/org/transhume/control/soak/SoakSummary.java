package org.transhume.control.soak;

import java.util.Map;

/**
 * What a soak showed.
 *
 * @param migrations that were begun, second ones of the same guest not counted
 * @param outcomes how often each
 * @param faults that were planned, and of these those that met a migration while it ran
 * @param movedBytes on all channels
 * @param comparedBytes of RAM that was looked at on both sides
 * @param leaks things that were left behind
 * @param defects migrations of which something was wrong, leaks included
 * @param heapFlat whether the heap stayed as it was, see {@link HeapTrend}
 */
public record SoakSummary(
        long seed,
        double seconds,
        int migrations,
        Map<String, Integer> outcomes,
        Map<String, Strokes> faults,
        long movedBytes,
        long comparedBytes,
        int leaks,
        int defects,
        long heapStartBytes,
        long heapEndBytes,
        double heapBytesPerMigration,
        boolean heapFlat) {
    /** One kind of fault. */
    public record Strokes(int planned, int met) {}

    /** Whether nothing at all was wrong. */
    public boolean sound() {
        return defects == 0 && leaks == 0 && heapFlat;
    }
}
