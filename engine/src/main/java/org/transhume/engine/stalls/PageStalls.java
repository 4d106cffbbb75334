package org.transhume.engine.stalls;

import static org.transhume.engine.stalls.StallFigures.BUCKETS;

import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.function.LongSupplier;
import org.agrona.collections.Int2IntHashMap;
import org.transhume.engine.stalls.StallFigures.Waits;
import org.transhume.memory.PageSize;

/**
 * Who waits for which page since when, and how long it took. The reader of faults tells when a wait begins, whoever puts a page
 * in its place that it is there; while nobody waits that costs a look at one number. Nothing is allocated for a fault or a page.
 *
 * <p>A page may come while the fault on it is being told. So both sides look after they told, and one of them sees it: the reader
 * says {@link #began} and then looks whether the page is there, to say {@link #arrived} if it is; the other has the page be there
 * for whoever looks, and then says {@link #arrived}.
 *
 * <p>A thread waits for one page at a time, so one place for each holds all waits. Threads beyond {@link #THREADS} are counted,
 * and no more.
 */
public final class PageStalls {
    /** Threads of which account is kept. */
    public static final int THREADS = 1024;

    private static final int NONE = -1;
    private static final int BLOCK_SHIFT = 48; // a page holds its block above this; 2^48 pages are 2^60 bytes
    private static final float LOAD = 0.6f;

    private final LongSupplier clock;
    private final AtomicLongArray awaited = new AtomicLongArray(THREADS); // page of the thread at a place, or NONE
    private volatile int waiting; // threads; written under the lock, as is the next
    private volatile int known; // places taken

    // Guarded by this.
    private final Int2IntHashMap places = new Int2IntHashMap((int) (THREADS / LOAD), LOAD, NONE);
    private final long[] since = new long[THREADS];
    private final long[] waits = new long[THREADS];
    private final long[] nanos = new long[THREADS];
    private final int[] vcpu = new int[THREADS]; // number of the virtual CPU, or NONE
    private final boolean[] runs = new boolean[THREADS]; // one of those that run now
    private final long[] latencies = new long[BUCKETS];
    private int vcpus;
    private int running;
    private int stalled; // of those that run
    private long allStalledSince;
    private long allStalledNanos;
    private long untold;

    /** @param clock nanoseconds since some moment; never falls */
    public PageStalls(LongSupplier clock) {
        this.clock = clock;
        Arrays.fill(vcpu, NONE);
        for (int place = 0; place < THREADS; place++) {
            awaited.setPlain(place, NONE);
        }
    }

    /**
     * These are the virtual CPUs that run now. Said again when the guest was stopped and goes on with others: what those of the
     * same numbers waited before stays counted. Any thread.
     *
     * @param threads their Linux thread ids, in their order
     */
    public synchronized void vcpus(long[] threads) {
        long now = clock.getAsLong();
        countAllStalled(now);
        Arrays.fill(runs, false);
        running = 0;
        stalled = 0;
        vcpus = Math.max(vcpus, threads.length);
        for (int number = 0; number < threads.length; number++) {
            int place = placeOf((int) threads[number]);
            if (place != NONE) {
                vcpu[place] = number;
                runs[place] = true;
                running++;
                stalled += awaited.getPlain(place) == NONE ? 0 : 1;
            }
        }
        allStalledSince = now;
    }

    /**
     * A thread waits from now on. For the reader of faults. Harmless if it was told before.
     *
     * @param offset of the host page in its block
     * @param thread its Linux thread id
     */
    @SuppressWarnings("NonAtomicVolatileUpdate") // whoever writes them holds the lock
    public synchronized void began(int block, long offset, int thread) {
        long page = page(block, offset);
        int place = placeOf(thread);
        if (place == NONE) {
            untold++;
            return;
        }
        if (awaited.getPlain(place) == page) {
            return;
        }
        long now = clock.getAsLong();
        if (awaited.getPlain(place) != NONE) {
            end(place, now); // it went on without a word
        }
        since[place] = now;
        waiting++;
        if (runs[place] && ++stalled == running) {
            allStalledSince = now;
        }
        awaited.set(place, page); // volatile: the caller's look at the page comes after it
    }

    /**
     * A host page, or a run of them, is there. Any thread.
     *
     * @param length bytes
     */
    public void arrived(int block, long offset, long length) {
        if (waiting == 0) {
            return;
        }
        long first = page(block, offset);
        long behind = first + length / PageSize.BYTES;
        for (int place = 0, end = known; place < end; place++) {
            long page = awaited.get(place);
            if (page >= first && page < behind) {
                ended(place, page);
            }
        }
    }

    private synchronized void ended(int place, long page) {
        if (awaited.getPlain(place) == page) {
            end(place, clock.getAsLong());
        }
    }

    /** Nobody waits any more: everything is there, or nobody brings anything. Any thread. */
    public synchronized void over() {
        long now = clock.getAsLong();
        for (int place = 0; place < known; place++) {
            if (awaited.getPlain(place) != NONE) {
                end(place, now);
            }
        }
    }

    /** As of now. Any thread. */
    public synchronized StallFigures figures() {
        long now = clock.getAsLong();
        Waits[] ofVcpus = new Waits[vcpus];
        Arrays.fill(ofVcpus, Waits.NONE);
        Waits others = Waits.NONE;
        Waits all = Waits.NONE;
        for (int place = 0; place < known; place++) {
            long lasting = awaited.getPlain(place) == NONE ? 0 : now - since[place];
            Waits here = new Waits(waits[place], nanos[place], nanos[place] + lasting);
            all = all.with(here);
            if (vcpu[place] == NONE) {
                others = others.with(here);
            } else {
                ofVcpus[vcpu[place]] = ofVcpus[vcpu[place]].with(here);
            }
        }
        return new StallFigures(
                all,
                Arrays.stream(latencies).boxed().toList(),
                List.of(ofVcpus),
                others,
                allStalledNanos + (allAreStalled() ? now - allStalledSince : 0),
                waiting,
                untold);
    }

    private static long page(int block, long offset) {
        return (long) block << BLOCK_SHIFT | offset / PageSize.BYTES;
    }

    @SuppressWarnings("NonAtomicVolatileUpdate") // as above
    private int placeOf(int thread) {
        int place = places.get(thread);
        if (place == NONE && known < THREADS) {
            place = known;
            places.put(thread, place);
            known++;
        }
        return place;
    }

    @SuppressWarnings("NonAtomicVolatileUpdate") // as above
    private void end(int place, long now) {
        long took = now - since[place];
        long micros = Math.max(1, took / 1000);
        latencies[Math.min(BUCKETS - 1, Long.SIZE - 1 - Long.numberOfLeadingZeros(micros))]++;
        waits[place]++;
        nanos[place] += took;
        awaited.set(place, NONE);
        waiting--;
        if (runs[place]) {
            countAllStalled(now);
            stalled--;
        }
    }

    private boolean allAreStalled() {
        return running > 0 && stalled == running;
    }

    private void countAllStalled(long now) {
        if (allAreStalled()) {
            allStalledNanos += now - allStalledSince;
        }
    }
}
