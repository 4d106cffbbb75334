package org.transhume.engine.simulation;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import org.transhume.memory.GuestMemory;
import org.transhume.memory.RamBlock;

/** Memory in which no page is zero: the same for one simulated guest after another, as none of them writes it. */
final class SharedMemory implements AutoCloseable {
    private static final long PAGE = 4096;

    private final GuestMemory memory;

    SharedMemory() {
        memory = new GuestMemory(List.of(RamBlock.memfd("pc.ram", World.PAGES * PAGE)));
        MemorySegment ram = memory.blocks().getFirst().segment();
        for (long page = 0; page < World.PAGES; page++) {
            ram.set(ValueLayout.JAVA_LONG, page * PAGE, page + 1);
        }
    }

    GuestMemory memory() {
        return memory;
    }

    @Override
    public void close() {
        memory.close();
    }
}
