package org.transhume.control.soak;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.transhume.memory.DirtyBitmap;
import org.transhume.memory.PageSize;
import org.transhume.memory.RamBlock;
import org.transhume.memory.WriterMarks;

/**
 * Whether RAM arrived, byte for byte. What neither side ever wrote is zero in both, and is not read.
 *
 * @param comparedBytes that were looked at
 * @param difference where they differ first; empty: nowhere
 */
record RamEquality(long comparedBytes, Optional<String> difference) {
    /**
     * @param sent what the source held when it stopped
     * @param arrived in the same order; nobody writes it now
     * @param own pages that the destination wrote itself, which may differ; null: none
     */
    static RamEquality of(List<RamBlock> sent, List<RamBlock> arrived, WriterMarks own) {
        if (sent.size() != arrived.size()) {
            return new RamEquality(
                    0, Optional.of("%d RAM blocks left and %d arrived".formatted(sent.size(), arrived.size())));
        }
        long compared = 0;
        for (int i = 0; i < sent.size(); i++) {
            try (DirtyBitmap mine = new DirtyBitmap(sent.get(i).pages())) {
                if (own != null) {
                    own.harvest(i, mine);
                }
                RamEquality of = block(sent.get(i), arrived.get(i), mine);
                compared += of.comparedBytes;
                if (of.difference.isPresent()) {
                    return new RamEquality(compared, of.difference);
                }
            }
        }
        return new RamEquality(compared, Optional.empty());
    }

    private static RamEquality block(RamBlock sent, RamBlock arrived, DirtyBitmap own) {
        if (sent.size() != arrived.size()) {
            return new RamEquality(
                    0,
                    Optional.of("block '%s' left with %d bytes and arrived with %d"
                            .formatted(sent.name(), sent.size(), arrived.size())));
        }
        long compared = 0;
        for (long[] extent : written(sent, arrived)) {
            long at = extent[0];
            long end = extent[1];
            while (at < end) {
                long difference = MemorySegment.mismatch(sent.segment(), at, end, arrived.segment(), at, end);
                long page = difference < 0 ? -1 : (at + difference) / PageSize.BYTES;
                if (page >= 0 && !own.isMarked(page)) {
                    return new RamEquality(
                            compared + difference,
                            Optional.of(
                                    "RAM differs at byte 0x%x of block '%s'".formatted(at + difference, sent.name())));
                }
                long next = page < 0 ? end : Math.min(end, (page + 1) * PageSize.BYTES);
                compared += next - at;
                at = next;
            }
        }
        return new RamEquality(compared, Optional.empty());
    }

    /** Stretches, from and behind, that one of the two ever wrote; in order and apart. */
    private static List<long[]> written(RamBlock a, RamBlock b) {
        List<long[]> extents = new ArrayList<>();
        a.populatedExtents((offset, length) -> extents.add(new long[] {offset, offset + length}));
        b.populatedExtents((offset, length) -> extents.add(new long[] {offset, offset + length}));
        extents.sort((one, other) -> Long.compare(one[0], other[0]));
        List<long[]> apart = new ArrayList<>();
        for (long[] extent : extents) {
            if (!apart.isEmpty() && extent[0] <= apart.getLast()[1]) {
                apart.getLast()[1] = Math.max(apart.getLast()[1], extent[1]);
            } else {
                apart.add(extent);
            }
        }
        return apart;
    }
}
