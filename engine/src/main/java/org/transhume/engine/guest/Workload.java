package org.transhume.engine.guest;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongSupplier;
import org.transhume.engine.Threads;
import org.transhume.memory.GuestAccess;
import org.transhume.memory.Lease;
import org.transhume.memory.PageSize;
import org.transhume.memory.RamBlock;

/**
 * Threads that write guest RAM as a specification says, at their rate. Stopped and started by one thread at a time; when
 * {@link #stop} returns nothing is written any more.
 *
 * <p>While pages are {@linkplain #missing missing} each is touched in a foreign function before it is written: only there a
 * thread waits for it, and one that is stopped meanwhile writes nothing once it has come. So whoever stops the guest waits for
 * no page, and such a thread ends when its page comes, or when nobody brings pages any more.
 */
final class Workload {
    private static final long TICK_NANOS = 1_000_000;
    private static final double NANOS_PER_SECOND = 1e9;
    private static final int BURST = 64;
    private static final long RELEASED = -1;
    private static final long LOOK_MILLIS = 5;

    /** Hears of each page after it was written. */
    interface Mark {
        /** @return whether the ring of {@code vcpu} is full now */
        boolean written(int vcpu, long page);
    }

    private final WorkloadSpec spec;
    private final RamBlock block;
    private final MemorySegment ram;
    private final Mark mark;
    private final long pages;
    private final int threads;
    private volatile List<Vcpu> running = List.of();
    private final AtomicLong written = new AtomicLong();
    private final AtomicLongArray ringSleep;
    private volatile int throttle;
    private volatile boolean missing;
    private long epoch;

    /** @param block to be written; lent until the last thread has ended */
    Workload(WorkloadSpec spec, RamBlock block, Mark mark, int threads) {
        this.spec = spec;
        this.block = block;
        this.ram = block.segment();
        this.mark = mark;
        this.threads = threads;
        this.ringSleep = new AtomicLongArray(threads);
        long bytes = spec.workingSet() == 0 ? ram.byteSize() : Math.min(spec.workingSet(), ram.byteSize());
        this.pages = Math.max(1, bytes / PageSize.BYTES);
    }

    /** Gives the working set its first content: noise, so that no page is zero. */
    void fill() {
        if (spec.pattern() == WorkloadSpec.Pattern.IDLE && spec.workingSet() == 0) {
            return;
        }
        List<Thread> fillers = new ArrayList<>();
        for (int t = 0; t < threads; t++) {
            long from = pages * t / threads;
            long to = pages * (t + 1) / threads;
            fillers.add(Thread.ofPlatform().daemon().name("fill " + t).start(() -> {
                Noise noise = new Noise(spec.seed() ^ from);
                for (long page = from; page < to; page++) {
                    noise.fill(ram, page * PageSize.BYTES, PageSize.BYTES / Long.BYTES);
                }
            }));
        }
        fillers.forEach(Threads::join);
    }

    void start() {
        if (spec.pattern() == WorkloadSpec.Pattern.IDLE || !running.isEmpty()) {
            return;
        }
        epoch++;
        List<Vcpu> vcpus = new ArrayList<>();
        for (int t = 0; t < threads; t++) {
            vcpus.add(new Vcpu(t, new Noise(spec.seed() * 31 + epoch * 1009 + t)));
        }
        vcpus.forEach(Vcpu::start);
        running = vcpus;
    }

    void stop() {
        running.forEach(vcpu -> vcpu.stop = true);
        running.forEach(Vcpu::wake);
        running.forEach(Vcpu::awaitLastWrite);
        running = List.of();
    }

    boolean missing() {
        return missing;
    }

    /**
     * Whether pages may be missing from here on. That they are is said before the threads are started, that they are no more
     * at any time, by any thread.
     *
     * @throws IllegalStateException if a thread may be about to touch one in Java
     */
    void missing(boolean some) {
        if (some && !running.isEmpty()) {
            throw new IllegalStateException("the guest runs: it touches pages as it likes");
        }
        missing = some;
    }

    /** Linux ids of the threads that run, in their order. Any thread. */
    long[] threadIds() {
        return running.stream().mapToLong(Vcpu::id).toArray();
    }

    /** @param percent of its time that each thread is to sleep, 0..99 */
    void throttle(int percent) {
        throttle = percent;
        running.forEach(Vcpu::wake);
    }

    /** @param nanos that thread {@code vcpu} is to sleep each time its ring is full */
    void ringSleep(int vcpu, long nanos) {
        ringSleep.set(vcpu, nanos);
    }

    /** Thread {@code vcpu} does not sleep any more when its ring is full, nor on. */
    void release(int vcpu) {
        ringSleep.set(vcpu, RELEASED);
        running.forEach(Vcpu::wake);
    }

    /** Pages written since the guest was made. */
    long written() {
        return written.get();
    }

    /** One thread, from {@link #start} to {@link #stop}. */
    private final class Vcpu implements Runnable {
        private final int index;
        private final Noise noise;
        private final Lease lease = block.lease("vcpu"); // until it has ended, which may be long after it was stopped
        private final CompletableFuture<Long> id = new CompletableFuture<>();
        private final Thread thread;
        private volatile boolean stop;
        private volatile boolean awaitsPage;
        private MemorySegment prepared; // only its own thread looks at it

        Vcpu(int index, Noise noise) {
            this.index = index;
            this.noise = noise;
            this.thread = Thread.ofPlatform().daemon().name("vcpu " + index).unstarted(this);
        }

        void start() {
            thread.start();
        }

        void wake() {
            LockSupport.unpark(thread);
        }

        long id() {
            return id.join();
        }

        /** It was told to stop. */
        void awaitLastWrite() {
            // Our word went out before we look: a thread that we see wait for a page reads the word once it has the
            // page,
            // and writes nothing.
            while (!Threads.join(thread, LOOK_MILLIS) && !awaitsPage) {}
        }

        @Override
        public void run() {
            try (lease;
                    Arena arena = Arena.ofConfined()) {
                prepared = arena.allocate(PageSize.BYTES, Long.BYTES);
                id.complete(Threads.id());
                work();
            } catch (InternalError e) {
                // Somebody cut the file behind the RAM: this vCPU has nothing to write to. The migration says it in its
                // words.
            }
        }

        private void work() {
            ThrottleSlices slices = new ThrottleSlices();
            long begin = System.nanoTime();
            double perNano = spec.rate() / NANOS_PER_SECOND / threads;
            long done = 0;
            long lost = 0; // time in which it did not run: what was not written then is not made up for
            while (!stop) {
                long now = System.nanoTime();
                long nap = slices.due(now, throttle);
                if (nap > 0) {
                    lost += sleep(() -> throttle == 0 ? 0 : nap);
                    continue;
                }
                long share = now - begin - lost;
                long due = spec.rate() == 0 ? done + BURST : (long) (share * perNano);
                if (due <= done) {
                    LockSupport.parkNanos(TICK_NANOS);
                    continue;
                }
                int burst = (int) Math.min(BURST, due - done);
                for (int i = 0; i < burst && !stop; i++) {
                    if (write(done + i)) {
                        long rest = ringSleep.get(index);
                        lost += sleep(() -> ringSleep.get(index) == RELEASED ? 0 : rest);
                    }
                }
                done += burst;
                written.addAndGet(burst);
                if (due - done > spec.rate()) {
                    lost += share - (long) (done / perNano); // more than a second behind
                }
            }
        }

        /**
         * @param nanos asked again whenever somebody woke this thread
         * @return nanoseconds it took
         */
        private long sleep(LongSupplier nanos) {
            long from = System.nanoTime();
            long slept = 0;
            for (long rest = nanos.getAsLong(); rest > 0 && !stop; rest = nanos.getAsLong() - slept) {
                LockSupport.parkNanos(rest);
                slept = System.nanoTime() - from;
            }
            return slept;
        }

        /** @return whether the thread's ring is full now */
        private boolean write(long number) {
            long hotPages = Math.clamp(spec.hot() / PageSize.BYTES, 1, pages);
            long page = switch (spec.pattern()) {
                case HOT -> noise.below(noise.below(10) < 9 ? hotPages : pages);
                case SWEEP -> (number * threads + index) % pages;
                case IDLE, UNIFORM, RANDOM_BYTES, SPARSE_WORDS -> noise.below(pages);
            };
            long at = page * PageSize.BYTES;
            boolean careful = missing;
            if (careful && !arrives(at)) {
                return false;
            }
            int words = spec.pattern().words;
            if (words == PageSize.BYTES / Long.BYTES) {
                put(at, words, careful);
            } else {
                for (int i = 0; i < words; i++) {
                    put(at + noise.below(PageSize.BYTES / Long.BYTES) * Long.BYTES, 1, careful);
                }
            }
            return mark.written(index, page);
        }

        /** Waits for the page; not if the thread was told to stop. */
        private boolean arrives(long at) {
            awaitsPage = true;
            GuestAccess.touch(block.address() + at);
            awaitsPage = false;
            return !stop;
        }

        private void put(long at, int words, boolean careful) {
            if (careful) {
                noise.fill(prepared, 0, words);
                GuestAccess.write(block.address() + at, prepared, (long) words * Long.BYTES);
            } else {
                noise.fill(ram, at, words);
            }
        }
    }

    /** Fast noise: xorshift is good enough to make pages differ and not compress. One thread. */
    private static final class Noise {
        private long state;

        Noise(long seed) {
            state = seed * 0x9E3779B97F4A7C15L + 0x2545F4914F6CDD1DL;
        }

        long next() {
            state ^= state << 13;
            state ^= state >>> 7;
            state ^= state << 17;
            return state;
        }

        long below(long bound) {
            return Math.unsignedMultiplyHigh(next() * 0x2545F4914F6CDD1DL, bound);
        }

        void fill(MemorySegment ram, long at, int words) {
            for (int i = 0; i < words; i++) {
                ram.set(ValueLayout.JAVA_LONG, at + (long) i * Long.BYTES, next());
            }
        }
    }
}
