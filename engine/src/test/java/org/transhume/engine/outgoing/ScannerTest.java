package org.transhume.engine.outgoing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.transhume.engine.Clock;
import org.transhume.engine.PageCounters;
import org.transhume.engine.digest.PageRecorder;
import org.transhume.memory.GuestMemory;
import org.transhume.memory.PageSize;
import org.transhume.memory.RamBlock;
import org.transhume.memory.WriterMarks;

class ScannerTest {
    private static final int PAGES = 4096;
    private static final long FOREVER = Long.MAX_VALUE / 2;

    private final GuestMemory memory =
            new GuestMemory(List.of(RamBlock.memfd("pc.ram", (long) PAGES * PageSize.BYTES)));
    private final WriterMarks marks = new WriterMarks(memory);

    @AfterEach
    void close() {
        marks.close();
        memory.close();
    }

    /** What the busiest lane may get is an even part, rounded up to whole batches of an even size. */
    @ParameterizedTest(name = "{0} pages over {1} lanes: at most {2} for each")
    @CsvSource({
        "300,4,75",
        "300,2,150",
        "129,2,65",
        "600,4,150",
        "1025,8,130",
        "4000,3,1342",
        "300,16,19",
        "20,4,8",
        "5,4,5",
        "1,255,1",
    })
    void inThePauseEveryLaneGetsAnEvenPart(int dirty, int lanes, int most) throws IOException {
        Lanes told = new Lanes(lanes);
        try (PendingPages pending = new PendingPages(memory, marks)) {
            Scanner scanner = firstRound(pending, told);
            // Far apart and together, as a guest leaves them.
            for (int i = 0; i < dirty; i++) {
                write(dirty > PAGES / 8 ? i : i % 2 == 0 ? 8L * (i / 2) : 8L * (i / 2) + 1);
            }
            pending.harvest();
            told.pagesOf.replaceAll(ignored -> 0);

            scanner.beginRound(2, true);
            boolean nothingLeft = scanner.scan(System.nanoTime() + FOREVER);
            scanner.sync();

            assertTrue(nothingLeft);
            assertEquals(dirty, told.pagesOf.stream().mapToInt(n -> n).sum());
            int busiest = told.pagesOf.stream().mapToInt(n -> n).max().orElseThrow();
            assertTrue(busiest <= most, told.pagesOf.toString());
        }
    }

    @Test
    void whileTheGuestRunsBatchesAreFull() throws IOException {
        Lanes told = new Lanes(4);
        try (PendingPages pending = new PendingPages(memory, marks)) {
            Scanner scanner = firstRound(pending, told);
            for (int i = 0; i < 300; i++) {
                write(i);
            }
            pending.harvest();
            told.batches.clear();

            scanner.beginRound(2, false);
            scanner.scan(System.nanoTime() + FOREVER);

            assertEquals(List.of(128, 128, 44), told.batches);
        }
    }

    private Scanner firstRound(PendingPages pending, Lanes lanes) throws IOException {
        for (long page = 0; page < PAGES; page++) {
            write(page);
        }
        pending.start();
        Scanner scanner = new Scanner(
                memory,
                Clock.SYSTEM,
                pending,
                lanes,
                null,
                new RateLimit(0, Clock.SYSTEM),
                new PageCounters(),
                null,
                new PageRecorder(null),
                true,
                () -> ZeroPageDetection.NONE,
                true,
                true,
                PageBatch.CAPACITY,
                null,
                null);
        scanner.scan(System.nanoTime() + FOREVER);
        return scanner;
    }

    private void write(long page) {
        memory.blocks().getFirst().segment().set(ValueLayout.JAVA_BYTE, page * PageSize.BYTES, (byte) 1);
        marks.mark(0, page);
    }

    /** Hands batches out in turn, as both groups of lanes do, and counts. */
    private static final class Lanes implements LaneGroup {
        final List<Integer> batches = new ArrayList<>();
        final List<Integer> pagesOf = new ArrayList<>();
        private final PageBatch batch = new PageBatch();
        private int next;

        Lanes(int lanes) {
            for (int i = 0; i < lanes; i++) {
                pagesOf.add(0);
            }
        }

        @Override
        public PageBatch claim() {
            return batch;
        }

        @Override
        public void publish() {
            batches.add(batch.count);
            pagesOf.set(next, pagesOf.get(next) + batch.count);
            next = (next + 1) % lanes();
        }

        @Override
        public void sync(long number) {}

        @Override
        public int lanes() {
            return pagesOf.size();
        }

        @Override
        public List<SendMeter> meters() {
            return List.of();
        }

        @Override
        public void close() {}
    }
}
