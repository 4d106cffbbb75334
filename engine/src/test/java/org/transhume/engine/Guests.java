package org.transhume.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import org.transhume.engine.guest.SyntheticGuest;
import org.transhume.engine.guest.WorkloadSpec;
import org.transhume.memory.DirtyBitmap;
import org.transhume.memory.DirtySources;
import org.transhume.memory.GuestMemory;
import org.transhume.memory.PageSize;
import org.transhume.memory.RamBlock;
import org.transhume.memory.WriterMarks;

/** Synthetic guests for tests, and what is asked of them. */
final class Guests {
    static final long MIB = 1 << 20;
    private static final long PATIENCE_NANOS = 5_000_000_000L;

    private Guests() {}

    /** A stopped guest whose first half is noise, with written zeroes at its end and holes in between. */
    static SyntheticGuest source(String machine, long ram, String dirtySource, String workload) {
        GuestMemory memory = new GuestMemory(List.of(RamBlock.memfd(SyntheticGuest.BLOCK, ram)));
        SyntheticGuest guest = new SyntheticGuest(
                machine,
                memory,
                DirtySources.named(dirtySource, memory),
                WorkloadSpec.parse(workload + ",ws=" + ram / 2),
                true);
        guest.fill();
        ram(guest).asSlice(ram - ram / 8, ram / 16).fill((byte) 0);
        return guest;
    }

    /** A guest to be filled; it writes nothing once it runs, so that its RAM stays as it arrived. */
    static SyntheticGuest empty(String machine, long ram, boolean fresh) {
        GuestMemory memory = new GuestMemory(List.of(RamBlock.memfd(SyntheticGuest.BLOCK, ram)));
        SyntheticGuest guest = new SyntheticGuest(machine, memory, new WriterMarks(memory), WorkloadSpec.IDLE, fresh);
        if (!fresh) {
            ram(guest).fill((byte) 0x5a); // an earlier try got this far
        }
        return guest;
    }

    /** A guest to be filled that writes once it runs, and knows what it wrote. */
    static SyntheticGuest writing(String machine, long ram, String workload) {
        GuestMemory memory = new GuestMemory(List.of(RamBlock.memfd(SyntheticGuest.BLOCK, ram)));
        WriterMarks marks = new WriterMarks(memory);
        marks.start();
        return new SyntheticGuest(machine, memory, marks, WorkloadSpec.parse(workload), true);
    }

    /** As {@link #assertSameRam}, but for the pages that {@code destination}, of {@link #writing}, wrote since it runs. It stands. */
    static void assertSameButForItsOwn(SyntheticGuest source, SyntheticGuest destination, String where) {
        long pages = ram(source).byteSize() / PageSize.BYTES;
        try (DirtyBitmap written = new DirtyBitmap(pages)) {
            destination.dirtySource().harvest(0, written);
            assertTrue(written.count() < pages, where + ": it wrote everything");
            for (long page = 0; page < pages; page++) {
                long at = page * PageSize.BYTES;
                long end = at + PageSize.BYTES;
                if (!written.isMarked(page)) {
                    assertEquals(
                            -1,
                            MemorySegment.mismatch(ram(source), at, end, ram(destination), at, end),
                            where + ": page " + page);
                }
            }
        }
    }

    static MemorySegment ram(SyntheticGuest guest) {
        return guest.memory().blocks().getFirst().segment();
    }

    static void assertSameRam(SyntheticGuest source, SyntheticGuest destination, String where) {
        assertEquals(-1, ram(source).mismatch(ram(destination)), where + ": first byte that differs");
    }

    /** The guest does not only say that it runs. */
    static void assertRunsOn(SyntheticGuest guest, String where) {
        assertTrue(guest.running(), where + ": the guest stands");
        long written = guest.pagesWritten();
        long deadline = System.nanoTime() + PATIENCE_NANOS;
        while (guest.pagesWritten() == written) {
            assertTrue(System.nanoTime() - deadline < 0, where + ": the guest writes nothing");
            LockSupport.parkNanos(1_000_000);
        }
    }
}
