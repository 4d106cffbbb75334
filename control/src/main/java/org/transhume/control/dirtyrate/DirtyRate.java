package org.transhume.control.dirtyrate;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.transhume.control.guest.GuestRuntime;
import org.transhume.control.throttle.DirtyLimits;
import org.transhume.engine.Threads;
import org.transhume.engine.VcpuRings;
import org.transhume.engine.sampling.PageSamples;
import org.transhume.memory.DirtyBitmap;
import org.transhume.memory.DirtySource;
import org.transhume.memory.GuestMemory;
import org.transhume.memory.Lease;

/** Measures the dirty rate of one guest, one measurement at a time, in a thread of its own. Any thread. */
public final class DirtyRate implements AutoCloseable {
    private static final long SECOND_NANOS = 1_000_000_000;

    /** How it is measured. */
    public enum Mode {
        /** By looking twice at some pages. */
        PAGE_SAMPLING,
        /** By the rings of the virtual CPUs. */
        DIRTY_RING,
        /** By the guest's dirty source. */
        DIRTY_BITMAP;

        /** Its name in QMP. */
        public String wireName() {
            return name().toLowerCase(Locale.ROOT).replace('_', '-');
        }
    }

    /** Where a measurement stands. */
    public enum Status {
        UNSTARTED,
        MEASURING,
        MEASURED;

        public String wireName() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /**
     * The latest measurement.
     *
     * @param rate MiB a second once measured; -1 if nothing could be looked at
     * @param startSeconds since the epoch; 0 if there never was one
     * @param millis asked for; once measured those it really took
     * @param samples pages a GiB, 0 where none are sampled
     * @param vcpus rate of each in MiB a second; empty unless measured by their rings
     */
    public record Result(
            Status status, long rate, long startSeconds, long millis, long samples, Mode mode, List<Long> vcpus) {}

    private final GuestRuntime guest;
    private final Supplier<DirtySource> writes;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private Result result = new Result(Status.UNSTARTED, -1, 0, 0, 0, Mode.PAGE_SAMPLING, List.of());
    private Thread measuring;
    private boolean closed;

    /** @param writes opens a dirty source that may be started beside a migration; asked once the guest is there */
    public DirtyRate(GuestRuntime guest, Supplier<DirtySource> writes) {
        this.guest = guest;
        this.writes = writes;
    }

    /** Whether this guest can be measured like that. */
    public boolean supports(Mode mode) {
        return switch (mode) {
            case PAGE_SAMPLING -> true;
            case DIRTY_RING -> guest.vcpuRings().isPresent();
            case DIRTY_BITMAP -> guest.vcpuRings().isEmpty();
        };
    }

    public Result result() {
        lock.lock();
        try {
            return result;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Begins; returns at once.
     *
     * @param samples pages a GiB, for page sampling
     * @return false if one is under way
     */
    public boolean start(Mode mode, long millis, long samples) {
        lock.lock();
        try {
            if (result.status == Status.MEASURING || closed) {
                return false;
            }
            long now = TimeUnit.MILLISECONDS.toSeconds(System.currentTimeMillis());
            Result begun = new Result(
                    Status.MEASURING, -1, now, millis, mode == Mode.PAGE_SAMPLING ? samples : 0, mode, List.of());
            result = begun;
            measuring = Thread.ofPlatform().daemon().name("dirty-rate").start(() -> measure(begun));
            return true;
        } finally {
            lock.unlock();
        }
    }

    private void measure(Result begun) {
        Result end = ended(begun, -1, begun.millis, List.of());
        try {
            end = switch (begun.mode) {
                case PAGE_SAMPLING -> bySamples(begun);
                case DIRTY_RING -> byRings(begun);
                case DIRTY_BITMAP -> byBitmap(begun);
            };
        } catch (InternalError cut) {
            // The file behind the RAM was cut: nothing could be looked at, which is what -1 says.
        } finally {
            lock.lock();
            try {
                result = end;
            } finally {
                lock.unlock();
            }
        }
    }

    private static Result ended(Result begun, long rate, long millis, List<Long> vcpus) {
        return new Result(Status.MEASURED, rate, begun.startSeconds, millis, begun.samples, begun.mode, vcpus);
    }

    private Result bySamples(Result begun) {
        GuestMemory memory = guest.memory();
        if (memory == null) {
            return ended(begun, -1, begun.millis, List.of()); // it has not arrived yet
        }
        try (Lease _ = memory.lease("dirty rate")) {
            Optional<PageSamples> samples =
                    guest.look(() -> PageSamples.take(memory, begun.samples, new SplittableRandom()));
            long millis = sleep(begun.millis, () -> {});
            // In postcopy nothing can be looked at, and -1 says so.
            long rate = samples.filter(taken -> taken.count() > 0)
                    .flatMap(taken -> guest.look(taken::changed)
                            .map(changed -> changed * taken.mebibytes() * 1000 / (taken.count() * millis)))
                    .orElse(-1L);
            return ended(begun, rate, millis, List.of());
        }
    }

    private Result byRings(Result begun) {
        VcpuRings rings = guest.vcpuRings().orElseThrow();
        try (Lease _ = rings.count()) {
            List<Long> before = dirtied(rings);
            long millis = sleep(begun.millis, rings::reap);
            List<Long> rates = new ArrayList<>();
            List<Long> after = dirtied(rings);
            for (int vcpu = 0; vcpu < before.size(); vcpu++) {
                rates.add(DirtyLimits.rate(after.get(vcpu) - before.get(vcpu), millis));
            }
            return ended(begun, rates.stream().mapToLong(Long::longValue).sum(), millis, List.copyOf(rates));
        }
    }

    private static List<Long> dirtied(VcpuRings rings) {
        List<Long> pages = new ArrayList<>();
        for (int vcpu = 0; vcpu < rings.vcpus(); vcpu++) {
            pages.add(rings.dirtied(vcpu));
        }
        return pages;
    }

    private Result byBitmap(Result begun) {
        GuestMemory memory = guest.memory();
        if (memory == null || guest.look(() -> memory).isEmpty()) {
            return ended(begun, -1, begun.millis, List.of());
        }
        try (Lease _ = memory.lease("dirty rate");
                DirtySource source = writes.get()) {
            source.start();
            harvest(source, memory); // what was written before
            long millis = sleep(begun.millis, () -> {});
            return ended(begun, DirtyLimits.rate(harvest(source, memory), millis), millis, List.of());
        }
    }

    private static long harvest(DirtySource source, GuestMemory memory) {
        long pages = 0;
        for (int block = 0; block < memory.blocks().size(); block++) {
            try (DirtyBitmap found = new DirtyBitmap(memory.blocks().get(block).pages())) {
                source.harvest(block, found);
                pages += found.count(); // a page may be told twice
            }
        }
        return pages;
    }

    /**
     * @param eachSecond done every second meanwhile
     * @return milliseconds it took, 1 and up
     */
    private long sleep(long millis, Runnable eachSecond) {
        long from = System.nanoTime();
        long end = from + TimeUnit.MILLISECONDS.toNanos(millis);
        long tick = from + SECOND_NANOS;
        lock.lock();
        try {
            long now = from;
            while (!closed && end - now > 0) {
                long _ = changed.awaitNanos(Math.min(end, tick) - now);
                now = System.nanoTime();
                if (now - tick >= 0) {
                    eachSecond.run();
                    tick += SECOND_NANOS;
                }
            }
            return Math.max(1, TimeUnit.NANOSECONDS.toMillis(now - from));
        } catch (InterruptedException e) {
            throw new IllegalStateException("nobody interrupts this thread", e);
        } finally {
            lock.unlock();
        }
    }

    /** Ends a measurement that is under way, and waits until nothing is held for it. */
    @Override
    public void close() {
        Thread running;
        lock.lock();
        try {
            closed = true;
            running = measuring;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
        if (running != null) {
            Threads.join(running);
        }
    }
}
