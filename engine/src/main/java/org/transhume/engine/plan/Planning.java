package org.transhume.engine.plan;

import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.transhume.engine.Guest;
import org.transhume.engine.Threads;
import org.transhume.engine.forecast.DirtyCurve;
import org.transhume.engine.forecast.PauseCosts;
import org.transhume.engine.forecast.Plan;
import org.transhume.memory.DirtyBitmap;
import org.transhume.memory.DirtySource;
import org.transhume.memory.GuestMemory;
import org.transhume.memory.Lease;

/**
 * Looks at one guest for some seconds and plans its migration with each strategy, one plan at a time, in a thread of its own.
 * The guest runs on, and is left as it was. Any thread.
 */
public final class Planning implements AutoCloseable {
    private static final long FIRST_LOOK_NANOS = 250_000_000;
    private static final double SECOND = 1e9;

    /** Where a plan stands. */
    public enum Status {
        UNSTARTED,
        MEASURING,
        MEASURED,
        FAILED;

        /** Its name in QMP. */
        public String wireName() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /**
     * What is to be planned.
     *
     * @param seconds to look at the guest
     * @param way with the whole bandwidth
     * @param zstdLevel 0..20
     */
    public record Order(long seconds, Plan.Way way, int zstdLevel) {}

    /** How pages would travel, and what the migration would come to. */
    public record Planned(Plan.Strategy strategy, Plan plan) {}

    /**
     * What was found.
     *
     * @param seed of the choice of pages
     * @param usedPages of RAM that were ever written
     * @param zeroShare 0..1 of these
     * @param dirtyPages different ones written within a second
     * @param strategies by name
     */
    public record Answer(
            long seed, long usedPages, double zeroShare, double dirtyPages, Map<String, Planned> strategies) {}

    /**
     * The latest plan.
     *
     * @param order null if there never was one
     * @param answer null unless measured
     * @param reason null unless failed
     */
    public record Result(Status status, Order order, Answer answer, String reason) {}

    private final Guest guest;
    private final Supplier<DirtySource> writes;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition closing = lock.newCondition();
    private Result result = new Result(Status.UNSTARTED, null, null, null);
    private Thread measuring;
    private boolean closed;

    /** @param writes opens a dirty source that may be started beside a migration; asked once the guest is there */
    public Planning(Guest guest, Supplier<DirtySource> writes) {
        this.guest = guest;
        this.writes = writes;
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
     * @return false if one is under way
     */
    public boolean start(Order order) {
        lock.lock();
        try {
            if (result.status == Status.MEASURING || closed) {
                return false;
            }
            result = new Result(Status.MEASURING, order, null, null);
            measuring = Thread.ofPlatform().daemon().name("plan").start(() -> measure(order));
            return true;
        } finally {
            lock.unlock();
        }
    }

    private void measure(Order order) {
        Result end;
        try {
            end = new Result(Status.MEASURED, order, answer(order), null);
        } catch (RuntimeException | InternalError e) { // the latter: the file behind the RAM was cut
            end = new Result(Status.FAILED, order, null, "the guest could not be looked at: " + e.getMessage());
        }
        lock.lock();
        try {
            result = end;
        } finally {
            lock.unlock();
        }
    }

    private Answer answer(Order order) {
        GuestMemory memory = guest.memory();
        try (Lease _ = memory.lease("plan")) {
            DirtyCurve curve = new DirtyCurve();
            PauseCosts costs = look(memory, order.seconds, curve);
            long seed = new SplittableRandom().nextLong();
            SampledPages pages = SampledPages.take(memory, new SplittableRandom(seed), order.zstdLevel);
            Plan.Load load = new Plan.Load(pages.usedPages(), pages.zeroShare(), curve, costs);
            Map<String, Planned> strategies = new LinkedHashMap<>();
            pages.strategies()
                    .forEach((name, strategy) ->
                            strategies.put(name, new Planned(strategy, Plan.of(load, order.way, strategy))));
            return new Answer(seed, pages.usedPages(), pages.zeroShare(), curve.pagesWithin(SECOND), strategies);
        }
    }

    /** Each look after twice the time of the one before, for the curve to have a shape. */
    private PauseCosts look(GuestMemory memory, long seconds, DirtyCurve curve) {
        PauseCosts costs = PauseCosts.USUAL;
        try (DirtySource source = writes.get()) {
            source.start();
            long _ = harvest(source, memory); // what was written before
            long last = System.nanoTime();
            long end = last + TimeUnit.SECONDS.toNanos(seconds);
            long interval = FIRST_LOOK_NANOS;
            while (end - last > 0) {
                sleepUntil(end - last < 2 * interval ? end : last + interval);
                long from = System.nanoTime();
                long found = harvest(source, memory);
                curve.look(from - last, found);
                costs = costs.harvest((double) (System.nanoTime() - from));
                last = from;
                interval *= 2;
            }
        }
        return costs;
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

    private void sleepUntil(long end) {
        lock.lock();
        try {
            long left = end - System.nanoTime();
            while (!closed && left > 0) {
                left = closing.awaitNanos(left);
            }
            if (closed) {
                throw new IllegalStateException("the process ends");
            }
        } catch (InterruptedException e) {
            throw new IllegalStateException("nobody interrupts this thread", e);
        } finally {
            lock.unlock();
        }
    }

    /** Ends a plan that is under way, and waits until nothing is held for it. */
    @Override
    public void close() {
        Thread running;
        lock.lock();
        try {
            closed = true;
            running = measuring;
            closing.signalAll();
        } finally {
            lock.unlock();
        }
        if (running != null) {
            Threads.join(running);
        }
    }
}
