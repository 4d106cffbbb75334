package org.transhume.benchmarks.peer;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.transhume.memory.PageSize;
import org.transhume.memory.RamBlock;

/** The memory of the machine that measures. */
public final class HostMemory {
    private HostMemory() {}

    /**
     * Writes so many bytes and gives them back. Where this machine is itself a guest, its host may take memory back that lies idle,
     * and is several times as long to find it again as one to give it to a process: whoever then moves a guest measures that.
     */
    public static void warm(long bytes) {
        if (bytes <= 0) {
            return;
        }
        try (RamBlock block = RamBlock.anonymous("warm", bytes)) {
            MemorySegment memory = block.segment();
            for (long at = 0; at < bytes; at += PageSize.BYTES) {
                memory.set(ValueLayout.JAVA_BYTE, at, (byte) 1);
            }
        }
    }
}
