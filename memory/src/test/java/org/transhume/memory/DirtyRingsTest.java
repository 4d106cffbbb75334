package org.transhume.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

class DirtyRingsTest {
    private static final long PAGES = 3L * DirtyRings.ENTRIES;

    @RegisterExtension
    final GivesBackEverything givesBackEverything = new GivesBackEverything();

    @Test
    void countsAPageForTheWriterThatWroteItFirst() {
        try (GuestMemory memory = memory();
                DirtyRings rings = new DirtyRings(memory, 2);
                Lease _ = rings.count()) {
            rings.wrote(0, 0, 7);
            rings.wrote(0, 0, 7);
            rings.wrote(1, 0, 7);
            rings.wrote(1, 1, 7);
            rings.wrote(1, 1, 8);

            assertEquals(1, rings.entered(0));
            assertEquals(2, rings.entered(1));
        }
    }

    @Test
    void countsNothingBeforeAndAfterSomebodyAsked() {
        try (GuestMemory memory = memory();
                DirtyRings rings = new DirtyRings(memory, 1)) {
            rings.wrote(0, 0, 1);
            Lease one = rings.count();
            Lease other = rings.count();
            rings.wrote(0, 0, 2);
            one.close();
            one.close();
            rings.wrote(0, 0, 3);
            other.close();
            rings.wrote(0, 0, 4);

            assertEquals(2, rings.entered(0));
        }
    }

    @Test
    void countsAPageAgainOnceItsRingWasReaped() {
        try (GuestMemory memory = memory();
                DirtyRings rings = new DirtyRings(memory, 2);
                Lease _ = rings.count()) {
            rings.wrote(0, 0, 7);
            rings.reap();
            rings.wrote(1, 0, 7);
            rings.wrote(0, 0, 7);
            rings.wrote(0, 0, 7);

            assertEquals(2, rings.entered(0));
            assertEquals(0, rings.entered(1)); // at that time it was still in the other's ring
        }
    }

    @Test
    void saysWhenARingIsFullAndEmptiesIt() {
        try (GuestMemory memory = memory();
                DirtyRings rings = new DirtyRings(memory, 2);
                Lease _ = rings.count()) {
            List<Long> full = new ArrayList<>();
            for (long page = 0; page < PAGES; page++) {
                if (rings.wrote(0, (int) (page & 1), page)) {
                    full.add(page);
                }
            }

            assertEquals(List.of(DirtyRings.ENTRIES - 1L, 2L * DirtyRings.ENTRIES - 1, PAGES - 1), full);
            assertFalse(rings.wrote(0, 0, 0));
            assertEquals(PAGES + 1, rings.entered(0));
        }
    }

    @Test
    void losesNoEntryWhenWritersShareWords() throws InterruptedException {
        try (GuestMemory memory = memory();
                DirtyRings rings = new DirtyRings(memory, 2);
                Lease _ = rings.count()) {
            List<Thread> writers = new ArrayList<>();
            for (int writer = 0; writer < 2; writer++) {
                int own = writer;
                writers.add(Thread.ofPlatform().start(() -> {
                    for (int round = 0; round < 20; round++) {
                        for (long page = own; page < PAGES; page += 2) {
                            rings.wrote(own, 0, page);
                        }
                    }
                }));
            }
            for (Thread writer : writers) {
                writer.join();
            }

            // Each writes 6144 pages a round, more than a ring: at least the page behind the last full ring is new.
            long atMost = 20 * PAGES / 2;
            for (int writer = 0; writer < 2; writer++) {
                assertTrue(rings.entered(writer) >= PAGES / 2, "writer " + writer + ": " + rings.entered(writer));
                assertTrue(rings.entered(writer) <= atMost, "writer " + writer + ": " + rings.entered(writer));
            }
            assertEquals(rings.entered(0), rings.entered(1)); // their pages differ, so do not depend on each other
        }
    }

    private static GuestMemory memory() {
        return new GuestMemory(List.of(
                RamBlock.anonymous("one", PAGES * PageSize.BYTES), RamBlock.anonymous("two", PAGES * PageSize.BYTES)));
    }
}
