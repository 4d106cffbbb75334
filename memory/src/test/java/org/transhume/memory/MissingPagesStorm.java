package org.transhume.memory;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.instrument.Instrumentation;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

/**
 * Memory arrives while two threads read and write it, and the JVM is stopped again and again in every way that it knows: by its
 * collector, for thread dumps and for classes that are redefined. Run by {@link MissingPagesStormTest} in a process of its own,
 * with itself as its agent.
 */
final class MissingPagesStorm {
    private static final int PAGES = 256;
    private static final long SIZE = (long) PAGES * PageSize.BYTES;
    private static final int TOUCHERS = 2;
    private static final int RUN = 16;
    private static final long SECOND_WORD = 8;
    private static final long BETWEEN_STOPS_NANOS = 3_000_000;
    private static final long LAST_NANOS = 3_000_000_000L;
    /** Faults: on a machine that is busy pages may come before anybody touches them. */
    private static final int ENOUGH = 100;

    private static volatile Instrumentation instrumentation;

    private final GuestMemory memory;
    private final MissingPages missing;
    private final AtomicLong wrong;
    private final AtomicLong faults;

    private MissingPagesStorm(AtomicLong wrong, AtomicLong faults) {
        this.wrong = wrong;
        this.faults = faults;
        memory = new GuestMemory(List.of(RamBlock.memfd("shared", SIZE), RamBlock.anonymous("private", SIZE)));
        missing = new MissingPages(memory);
    }

    /** Of the agent. */
    public static void premain(String arguments, Instrumentation given) {
        instrumentation = given;
    }

    /** Prints what happened. */
    public static void main(String[] arguments) throws Exception {
        ThreadMXBean threads = ManagementFactory.getThreadMXBean();
        AtomicLong collections = new AtomicLong();
        AtomicLong dumps = new AtomicLong();
        AtomicLong redefinitions = new AtomicLong();
        AtomicLong wrong = new AtomicLong();
        AtomicLong faults = new AtomicLong();
        stopAgainAndAgain(collections, () -> {
            System.gc();
            return null;
        });
        stopAgainAndAgain(dumps, () -> threads.dumpAllThreads(true, true));
        stopAgainAndAgain(redefinitions, () -> {
            instrumentation.retransformClasses(GuestAccess.class, MissingPages.class);
            return null;
        });
        long begin = System.nanoTime();
        int rounds = 0;
        for (; System.nanoTime() - begin < LAST_NANOS || faults.get() < ENOUGH; rounds++) {
            new MissingPagesStorm(wrong, faults).run(rounds);
        }
        System.out.printf(
                "rounds=%d faults=%d collections=%d dumps=%d redefinitions=%d wrong=%d%n",
                rounds, faults.get(), collections.get(), dumps.get(), redefinitions.get(), wrong.get());
    }

    private static void stopAgainAndAgain(AtomicLong times, Callable<?> stop) {
        Thread.ofPlatform().daemon().start(() -> {
            while (true) {
                try {
                    Object _ = stop.call();
                } catch (Exception e) {
                    e.printStackTrace();
                    return;
                }
                times.incrementAndGet();
                LockSupport.parkNanos(BETWEEN_STOPS_NANOS);
            }
        });
    }

    private void run(long seed) throws InterruptedException {
        List<Thread> workers = new ArrayList<>();
        SplittableRandom seeds = new SplittableRandom(seed);
        for (int t = 0; t < TOUCHERS; t++) {
            SplittableRandom random = seeds.split();
            int block = t % 2;
            workers.add(Thread.ofPlatform().daemon().start(() -> touch(block, random)));
        }
        workers.add(Thread.ofPlatform().daemon().start(this::bringAll));
        Thread reader = Thread.ofPlatform().daemon().start(this::bringWhatIsAskedFor);
        for (Thread worker : workers) {
            worker.join();
        }
        missing.interrupt();
        reader.join();
        missing.close();
        for (int block = 0; block < 2; block++) {
            MemorySegment ram = memory.blocks().get(block).segment();
            for (int page = 0; page < PAGES; page++) {
                long written = ram.get(ValueLayout.JAVA_LONG, (long) page * PageSize.BYTES + SECOND_WORD);
                boolean right = ram.get(ValueLayout.JAVA_LONG, (long) page * PageSize.BYTES) == content(block, page)
                        && (written == 0 || written == ~content(block, page));
                if (!right) {
                    wrong.incrementAndGet();
                }
            }
        }
        memory.close();
    }

    private static long content(int block, long page) {
        return (page + 1) * 0x9E3779B97F4A7C15L + block;
    }

    private void touch(int block, SplittableRandom random) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment word = arena.allocate(Long.BYTES, Long.BYTES);
            long ram = memory.blocks().get(block).address();
            for (int i = 0; i < PAGES; i++) {
                int page = random.nextInt(PAGES);
                long address = ram + (long) page * PageSize.BYTES;
                if (i % 2 == 0) {
                    word.set(ValueLayout.JAVA_LONG, 0, ~content(block, page));
                    GuestAccess.write(address + SECOND_WORD, word, Long.BYTES);
                }
                GuestAccess.read(address, word, Long.BYTES);
                if (word.get(ValueLayout.JAVA_LONG, 0) != content(block, page)) {
                    wrong.incrementAndGet();
                }
            }
        }
    }

    private void bringWhatIsAskedFor() {
        try (Arena arena = Arena.ofConfined();
                MissingPages.Placer placer = missing.placer()) {
            MemorySegment bytes = arena.allocate(PageSize.BYTES, PageSize.BYTES);
            MissingPages.FaultSink sink = (block, offset, inMemory, _) -> {
                faults.incrementAndGet();
                bytes.set(ValueLayout.JAVA_LONG, 0, content(block, offset / PageSize.BYTES));
                if (inMemory) {
                    placer.reveal(block, offset);
                } else {
                    placer.put(block, offset, bytes, 0);
                }
            };
            while (missing.read(sink, -1) > 0) {}
        }
    }

    private void bringAll() {
        try (Arena arena = Arena.ofConfined();
                MissingPages.Placer placer = missing.placer()) {
            MemorySegment bytes = arena.allocate((long) RUN * PageSize.BYTES, PageSize.BYTES);
            for (int first = PAGES - RUN; first >= 0; first -= RUN) {
                for (int block = 0; block < 2; block++) {
                    for (int page = 0; page < RUN; page++) {
                        bytes.set(ValueLayout.JAVA_LONG, (long) page * PageSize.BYTES, content(block, first + page));
                    }
                    placer.put(block, (long) first * PageSize.BYTES, bytes, 0, bytes.byteSize());
                }
                LockSupport.parkNanos(BETWEEN_STOPS_NANOS);
            }
        }
    }
}
