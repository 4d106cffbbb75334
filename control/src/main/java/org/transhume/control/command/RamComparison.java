package org.transhume.control.command;

import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.transhume.control.display.Units;
import org.transhume.memory.Access;
import org.transhume.memory.RamBlock;

/**
 * Whether the RAM of two processes is the same, byte for byte. What neither of them ever touched is zero in both and is not
 * read.
 *
 * @param comparedBytes bytes looked at
 * @param firstDifference byte of the block where they differ, or -1
 */
record RamComparison(long comparedBytes, long firstDifference) {
    /** @param other file behind the other side's block, for instance its memfd */
    static RamComparison of(RamBlock ours, Path other) {
        try (RamBlock theirs = RamBlock.file("destination", other, ours.size(), Access.READ_ONLY)) {
            List<long[]> extents = new ArrayList<>();
            ours.populatedExtents((offset, length) -> extents.add(new long[] {offset, length}));
            theirs.populatedExtents((offset, length) -> extents.add(new long[] {offset, length}));
            extents.sort((a, b) -> Long.compare(a[0], b[0]));
            long compared = 0;
            long done = 0;
            for (long[] extent : extents) {
                long from = Math.max(done, extent[0]);
                long to = extent[0] + extent[1];
                if (to > from) {
                    MemorySegment a = ours.segment().asSlice(from, to - from);
                    MemorySegment b = theirs.segment().asSlice(from, to - from);
                    long difference = a.mismatch(b);
                    if (difference >= 0) {
                        return new RamComparison(compared + difference, from + difference);
                    }
                    compared += to - from;
                    done = to;
                }
            }
            return new RamComparison(compared, -1);
        }
    }

    boolean equal() {
        return firstDifference < 0;
    }

    String text() {
        return equal()
                ? "RAM is equal byte for byte: %s compared, the rest untouched on both sides"
                        .formatted(Units.bytes(comparedBytes))
                : "RAM DIFFERS at byte 0x%x".formatted(firstDifference);
    }
}
