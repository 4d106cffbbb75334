package org.transhume.control.inspect;

import java.util.List;
import java.util.Map;

/** Pages of one block, by their kind. */
final class PageCounts {
    long normal;
    long zero;
    long hole;
    long delta;
    long compressed;

    /** @param size of the block in bytes, -1 if the capture does not tell */
    StreamSummary.Block of(String block, long size) {
        return new StreamSummary.Block(block, size, normal, zero, hole, delta, compressed);
    }

    /** Of blocks whose sizes the capture does not tell. */
    static List<StreamSummary.Block> all(Map<String, PageCounts> counts) {
        return counts.entrySet().stream()
                .map(entry -> entry.getValue().of(entry.getKey(), -1))
                .toList();
    }
}
