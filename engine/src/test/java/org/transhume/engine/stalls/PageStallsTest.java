package org.transhume.engine.stalls;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.transhume.engine.Threads;
import org.transhume.engine.stalls.StallFigures.Waits;
import org.transhume.memory.PageSize;

@Timeout(60)
class PageStallsTest {
    private static final int PAGE = PageSize.BYTES;
    private static final long MICRO = 1000;

    private long now = -5; // nanoTime may be below zero
    private final PageStalls stalls = new PageStalls(() -> now);

    private static Waits ended(long count, long nanos) {
        return new Waits(count, nanos, nanos);
    }

    private Map<Integer, Long> latencies() {
        List<Long> counts = stalls.figures().latencies();
        assertEquals(StallFigures.BUCKETS, counts.size());
        Map<Integer, Long> told = new TreeMap<>();
        for (int bucket = 0; bucket < counts.size(); bucket++) {
            if (counts.get(bucket) > 0) {
                told.put(bucket, counts.get(bucket));
            }
        }
        return told;
    }

    @Test
    void tellsEachVirtualCpuFromTheOthersAndWhenAllOfThemWaited() {
        stalls.vcpus(new long[] {21, 22});
        now += 100;
        stalls.began(0, 3 * PAGE, 21);
        now += 10;
        stalls.began(0, 7 * PAGE, 99); // no virtual CPU
        now += 10;
        stalls.began(1, 3 * PAGE, 22);
        now += 30;
        stalls.arrived(0, 3 * PAGE, PAGE);
        now += 5;
        stalls.arrived(0, 7 * PAGE, PAGE);
        now += 5;

        StallFigures during = stalls.figures();
        stalls.arrived(1, 3 * PAGE, PAGE);
        now += 1000;
        StallFigures after = stalls.figures();

        assertEquals(new Waits(0, 0, 40), during.vcpus().get(1));
        assertEquals(1, during.waiting());
        assertEquals(List.of(ended(1, 50), ended(1, 40)), after.vcpus());
        assertEquals(ended(1, 45), after.others());
        assertEquals(ended(3, 135), after.all());
        assertEquals(45, after.all().meanNanos());
        assertEquals(30, after.allStalledNanos());
        assertEquals(0, after.waiting());
    }

    @Test
    void anAllStalledTimeCountsWhileItLastsAndEndsWithTheFirstPage() {
        stalls.vcpus(new long[] {21, 22});
        stalls.began(0, 0, 21);
        stalls.began(0, 0, 22); // both for one page
        now += 70;
        long during = stalls.figures().allStalledNanos();
        stalls.arrived(0, 0, PAGE);
        now += 70;

        assertEquals(70, during);
        assertEquals(70, stalls.figures().allStalledNanos());
        assertEquals(List.of(ended(1, 70), ended(1, 70)), stalls.figures().vcpus());
    }

    @Test
    void countsLatenciesByPowersOfTwoMicroseconds() {
        long[] micros = {0, 1, 2, 3, 4, 1023, 1024, 1L << 40};
        for (long wait : micros) {
            stalls.began(0, 0, 5);
            now += wait * MICRO + 999;
            stalls.arrived(0, 0, PAGE);
        }

        assertEquals("{0=2, 1=2, 2=1, 9=1, 10=1, 31=1}", latencies().toString());
    }

    @Test
    void endsTheWaitsForAnyPageOfARunAndForNoOther() {
        for (int page = 0; page < 6; page++) {
            stalls.began(2, (long) page * PAGE, 10 + page);
        }
        now += 8;
        stalls.arrived(2, 2 * PAGE, 3 * PAGE);
        stalls.arrived(1, 0, 100 * PAGE);
        stalls.arrived(3, 0, 100 * PAGE);

        assertEquals(3, stalls.figures().waiting());
        assertEquals(3, stalls.figures().all().count());
        stalls.arrived(2, 0, 2 * PAGE);
        stalls.arrived(2, 5 * PAGE, PAGE);
        assertEquals(ended(6, 48), stalls.figures().all());
    }

    @Test
    void aFaultToldTwiceIsOneAndOneOnAnotherPageEndsTheFirst() {
        stalls.began(0, 0, 5);
        now += 10;
        stalls.began(0, 0, 5);
        now += 10;
        stalls.began(0, PAGE, 5);
        now += 10;
        stalls.arrived(0, 0, PAGE); // nobody waits for it
        stalls.arrived(0, PAGE, PAGE);
        stalls.arrived(0, PAGE, PAGE);

        assertEquals(ended(2, 30), stalls.figures().all());
    }

    @Test
    void virtualCpusThatGoOnInOtherThreadsKeepWhatTheyWaited() {
        stalls.began(0, 0, 21); // before anybody says who that is
        stalls.vcpus(new long[] {21, 22});
        now += 10;
        stalls.began(0, 0, 22);
        now += 10;
        stalls.vcpus(new long[] {31, 32}); // stopped and started, while the first ones still wait
        now += 10;
        stalls.began(0, PAGE, 31);
        stalls.began(0, PAGE, 32);
        now += 10;
        stalls.over();
        now += 10;

        assertEquals(List.of(ended(2, 50), ended(2, 40)), stalls.figures().vcpus());
        assertEquals(20, stalls.figures().allStalledNanos());
        assertEquals(0, stalls.figures().waiting());
    }

    @Test
    void countsThreadsBeyondThoseItKeepsAccountOf() {
        for (int thread = 1; thread <= PageStalls.THREADS + 3; thread++) {
            stalls.began(0, 0, thread);
        }
        now += 1;
        stalls.arrived(0, 0, PAGE);

        assertEquals(3, stalls.figures().untold());
        assertEquals(
                ended(PageStalls.THREADS, PageStalls.THREADS), stalls.figures().all());
    }

    @Test
    void allocatesNothingForAFaultOrAPage() {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        stalls.vcpus(new long[] {1, 2});
        faults(1000);
        long before = threads.getCurrentThreadAllocatedBytes();
        faults(100_000);
        long allocated = threads.getCurrentThreadAllocatedBytes() - before;

        assertTrue(allocated < 10_000, "bytes: " + allocated);
    }

    private void faults(int times) {
        for (int i = 0; i < times; i++) {
            stalls.began(0, (long) i * PAGE, i % 100 + 1);
            now++;
            stalls.arrived(0, (long) i * PAGE, PAGE);
            stalls.arrived(0, 0, PAGE);
        }
    }

    /** The reader tells a fault while the page is put in its place: whoever looks second ends the wait. */
    @Test
    void noWaitIsForgottenWhereAPageComesWhileItsFaultIsTold() {
        int pages = 20_000;
        int batch = 50; // a thread waits for one page in each
        PageStalls raced = new PageStalls(System::nanoTime);
        AtomicIntegerArray there = new AtomicIntegerArray(pages);
        AtomicInteger told = new AtomicInteger();
        AtomicInteger placed = new AtomicInteger();
        Thread placer = Thread.ofPlatform().start(() -> {
            for (int page = 0; page < pages; page++) {
                while (told.get() < page - page % 3) { // now before, now while, now after its fault is told
                    Thread.onSpinWait();
                }
                there.set(page, 1);
                raced.arrived(0, (long) page * PAGE, PAGE);
                placed.set(page + 1);
            }
        });
        for (int page = 0; page < pages; page++) {
            raced.began(0, (long) page * PAGE, 1 + page % batch);
            if (there.get(page) == 1) {
                raced.arrived(0, (long) page * PAGE, PAGE);
            }
            told.set(page + 1);
            if (page % batch == batch - 1) {
                while (placed.get() <= page) {
                    Thread.onSpinWait();
                }
                assertEquals(0, raced.figures().waiting());
            }
        }
        Threads.join(placer);

        assertEquals(pages, raced.figures().all().count());
    }
}
