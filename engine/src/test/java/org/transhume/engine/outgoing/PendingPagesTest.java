package org.transhume.engine.outgoing;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.transhume.memory.DirtyBitmap;
import org.transhume.memory.GuestMemory;
import org.transhume.memory.PageSize;
import org.transhume.memory.RamBlock;
import org.transhume.memory.WriterMarks;

class PendingPagesTest {
    private static final long PAGES = 256;

    private final GuestMemory memory = new GuestMemory(
            List.of(RamBlock.memfd("a", PAGES * PageSize.BYTES), RamBlock.memfd("b", PAGES * PageSize.BYTES)));
    private final WriterMarks marks = new WriterMarks(memory);

    @AfterEach
    void close() {
        marks.close();
        memory.close();
    }

    @Test
    void firstEverythingThatExistsIsPendingAndTheRestAreHoles() {
        write(0, 3);
        write(0, 4);
        write(1, PAGES - 1);

        try (PendingPages pending = started()) {
            assertEquals(3, pending.remainingPages());
            assertEquals(
                    List.of(hole(0, 0, 3), hole(0, 5, PAGES - 5), hole(1, 0, PAGES - 1)), List.copyOf(pending.holes()));
            assertEquals(Set.of(3L, 4L), taken(pending, 0));
            assertEquals(Set.of(PAGES - 1), taken(pending, 1));
            assertEquals(0, pending.remainingPages());
        }
    }

    @Test
    void aPageBornInAHoleIsPendingAfterTheNextHarvest() {
        try (PendingPages pending = started()) {
            write(1, 77);

            long found = pending.harvest();

            assertEquals(1, found);
            assertEquals(Set.of(), taken(pending, 0));
            assertEquals(Set.of(77L), taken(pending, 1));
        }
    }

    @Test
    void aPageWrittenAfterItWasTakenIsPendingAgain() {
        write(0, 9);
        try (PendingPages pending = started()) {
            assertEquals(Set.of(9L), taken(pending, 0));
            write(0, 9);

            pending.harvest();

            assertEquals(Set.of(9L), taken(pending, 0));
        }
    }

    @Test
    void takingGoesOnWhereTheSpanEnded() {
        for (long page = 0; page < 10; page++) {
            write(0, 20 * page);
        }
        try (PendingPages pending = started()) {
            List<Long> pages = new ArrayList<>();

            long next = pending.take(0, 0, 21, (first, count) -> pages.add(first));

            assertEquals(21, next);
            assertEquals(List.of(0L, 20L), pages);
            assertEquals(8, pending.remainingPages());
            assertEquals(-1, pending.take(0, 181, 21, (first, count) -> pages.add(first)));
        }
    }

    @Test
    void afterAFailureTheSourceTellsAgainWhatItHadToldSentOrNot() {
        try (PendingPages pending = started()) {
            write(0, 5);
            write(1, 6);
            pending.harvest();
            taken(pending, 0); // sent, as far as anyone knows
            write(0, 7); // never harvested

            pending.giveBack();
        }

        assertEquals(Set.of(5L, 7L), toldAgain(0));
        assertEquals(Set.of(6L), toldAgain(1));
    }

    @Test
    void afterASuccessNothingIsToldAgain() {
        try (PendingPages pending = started()) {
            write(0, 5);
            pending.harvest();
            taken(pending, 0);
        }

        assertEquals(Set.of(), toldAgain(0));
    }

    @Test
    void givingBackBeforeTheStartIsHarmless() {
        try (PendingPages pending = new PendingPages(memory, marks)) {
            pending.giveBack();

            assertEquals(0, pending.remainingPages());
        }
    }

    private PendingPages started() {
        PendingPages pending = new PendingPages(memory, marks);
        pending.start();
        return pending;
    }

    private static PendingPages.Hole hole(int block, long first, long pages) {
        return new PendingPages.Hole(block, first * PageSize.BYTES, pages * PageSize.BYTES);
    }

    private void write(int block, long page) {
        memory.blocks().get(block).segment().set(ValueLayout.JAVA_BYTE, page * PageSize.BYTES, (byte) 1);
        marks.mark(block, page);
    }

    private static Set<Long> taken(PendingPages pending, int block) {
        Set<Long> pages = new TreeSet<>();
        for (long next = 0; next >= 0; ) {
            next = pending.take(block, next, 50, (first, count) -> addAll(pages, first, count));
        }
        return pages;
    }

    private static void addAll(Set<Long> pages, long first, long count) {
        for (long page = first; page < first + count; page++) {
            pages.add(page);
        }
    }

    private Set<Long> toldAgain(int block) {
        Set<Long> pages = new TreeSet<>();
        try (DirtyBitmap told = new DirtyBitmap(PAGES)) {
            marks.start();
            marks.harvest(block, told);
            marks.stop();
            told.harvest((first, count) -> addAll(pages, first, count));
        }
        return pages;
    }
}
