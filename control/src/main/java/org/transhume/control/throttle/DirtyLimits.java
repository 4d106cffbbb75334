package org.transhume.control.throttle;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import org.transhume.engine.Threads;
import org.transhume.engine.VcpuRings;
import org.transhume.memory.Lease;
import org.transhume.memory.PageSize;

/**
 * Holds virtual CPUs to dirty rates, each to its own. While there is a limit a thread looks at what each vCPU dirtied in a
 * period, and sets how long it sleeps when its ring is full. Any thread.
 */
public final class DirtyLimits implements AutoCloseable {
    private static final long PAGES_PER_MIB = (1 << 20) / PageSize.BYTES;

    /**
     * A limited vCPU; rates in MiB a second.
     *
     * @param limit largest rate it shall have; unsigned
     * @param current rate in the last period
     */
    public record Limit(int vcpu, long limit, long current) {}

    private final VcpuRings rings;
    private final LongSupplier periodMillis;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    // All of these guarded by the lock.
    private final long[] quota; // 0: none
    private final long[] current;
    private final DirtyLimitRegulation[] regulation;
    private long highestRate;
    private long ringFullMicros;
    private Thread sampler;

    /**
     * @param periodMillis asked before each period, 1 and up
     */
    public DirtyLimits(VcpuRings rings, LongSupplier periodMillis) {
        this.rings = rings;
        this.periodMillis = periodMillis;
        this.quota = new long[rings.vcpus()];
        this.current = new long[rings.vcpus()];
        this.regulation = new DirtyLimitRegulation[rings.vcpus()];
    }

    public int vcpus() {
        return quota.length;
    }

    /** @param mebibytes a second, unsigned; 0 lifts the limit */
    public void limit(int vcpu, long mebibytes) {
        lock.lock();
        try {
            set(vcpu, mebibytes);
            startOrWake();
        } finally {
            lock.unlock();
        }
    }

    /** The same for every vCPU. */
    public void limitAll(long mebibytes) {
        lock.lock();
        try {
            for (int vcpu = 0; vcpu < quota.length; vcpu++) {
                set(vcpu, mebibytes);
            }
            startOrWake();
        } finally {
            lock.unlock();
        }
    }

    private void set(int vcpu, long mebibytes) {
        // More than a long holds is more than anybody dirties.
        quota[vcpu] = mebibytes < 0 ? Long.MAX_VALUE : mebibytes;
        if (mebibytes == 0) {
            regulation[vcpu] = null;
            rings.release(vcpu);
        } else if (regulation[vcpu] == null) {
            regulation[vcpu] = new DirtyLimitRegulation();
        }
    }

    private void startOrWake() {
        if (sampler == null && limited()) {
            sampler = Thread.ofPlatform().daemon().name("dirty-limit").start(this::sample);
        } else {
            changed.signalAll();
        }
    }

    private boolean limited() {
        for (long each : quota) {
            if (each != 0) {
                return true;
            }
        }
        return false;
    }

    /** Whether any vCPU has a limit now. */
    public boolean inService() {
        lock.lock();
        try {
            return limited();
        } finally {
            lock.unlock();
        }
    }

    /** The limited vCPUs, by number. */
    public List<Limit> limits() {
        lock.lock();
        try {
            List<Limit> limits = new ArrayList<>();
            for (int vcpu = 0; vcpu < quota.length; vcpu++) {
                if (quota[vcpu] != 0) {
                    limits.add(new Limit(vcpu, quota[vcpu], current[vcpu]));
                }
            }
            return limits;
        } finally {
            lock.unlock();
        }
    }

    /** The longest time that a vCPU sleeps when its ring is full. */
    public long throttleMicros() {
        lock.lock();
        try {
            long longest = 0;
            for (DirtyLimitRegulation each : regulation) {
                longest = each == null ? longest : Math.max(longest, each.sleep());
            }
            return longest;
        } finally {
            lock.unlock();
        }
    }

    /** Time in which a ring fills at the mean rate of the vCPUs; 0 if they dirty nothing. */
    public long ringFullMicros() {
        lock.lock();
        try {
            return ringFullMicros;
        } finally {
            lock.unlock();
        }
    }

    private void sample() {
        try (Lease _ = rings.count()) {
            long[] before = dirtied();
            long from = System.nanoTime();
            while (true) {
                long period = TimeUnit.MILLISECONDS.toNanos(periodMillis.getAsLong());
                lock.lock();
                try {
                    if (!waitUntil(from + period)) {
                        sampler = null;
                        return;
                    }
                    long now = System.nanoTime();
                    long[] after = dirtied();
                    rings.reap();
                    regulate(before, after, Math.max(1, TimeUnit.NANOSECONDS.toMillis(now - from)));
                    from = now;
                    before = after;
                } finally {
                    lock.unlock();
                }
            }
        }
    }

    /** @return false as soon as there is no limit any more */
    private boolean waitUntil(long nanos) {
        long rest = nanos - System.nanoTime();
        while (rest > 0 && limited()) {
            try {
                rest = changed.awaitNanos(rest);
            } catch (InterruptedException e) {
                throw new IllegalStateException("nobody interrupts this thread", e);
            }
        }
        return limited();
    }

    private long[] dirtied() {
        long[] pages = new long[quota.length];
        for (int vcpu = 0; vcpu < pages.length; vcpu++) {
            pages[vcpu] = rings.dirtied(vcpu);
        }
        return pages;
    }

    private void regulate(long[] before, long[] after, long millis) {
        long sum = 0;
        for (int vcpu = 0; vcpu < quota.length; vcpu++) {
            current[vcpu] = rate(after[vcpu] - before[vcpu], millis);
            highestRate = Math.max(highestRate, current[vcpu]);
            sum += current[vcpu];
        }
        long mean = sum / quota.length;
        ringFullMicros = mean == 0 ? 0 : ringFull(mean);
        for (int vcpu = 0; vcpu < quota.length; vcpu++) {
            if (quota[vcpu] != 0) {
                long ringFull = highestRate == 0 ? 0 : ringFull(highestRate);
                rings.sleep(vcpu, regulation[vcpu].next(quota[vcpu], current[vcpu], ringFull));
            }
        }
    }

    private long ringFull(long rate) {
        return rings.ringPages() / PAGES_PER_MIB * 1_000_000 / rate;
    }

    /** MiB a second, in whole numbers as QEMU counts. */
    public static long rate(long pages, long millis) {
        return pages * 1000 / PAGES_PER_MIB / millis;
    }

    /** Lifts every limit, and waits until nobody counts for it any more. */
    @Override
    public void close() {
        Thread running;
        lock.lock();
        try {
            running = sampler;
            limitAll(0);
        } finally {
            lock.unlock();
        }
        if (running != null) {
            Threads.join(running);
        }
    }
}
