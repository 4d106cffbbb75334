package org.transhume.engine.guest;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.transhume.engine.NothingLeft;
import org.transhume.engine.VcpuRings;
import org.transhume.memory.GuestMemory;
import org.transhume.memory.Lease;
import org.transhume.memory.RamBlock;
import org.transhume.memory.WriterMarks;

/** A guest that is slowed down really runs less, and can be stopped all the same. */
@Timeout(60)
class ThrottlesTest {
    private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();
    private static final long RAM = 64 << 20;
    private static final long AT_ONCE_NANOS = 400_000_000; // of sleeps of a second and more

    @RegisterExtension
    final NothingLeft nothingLeft = new NothingLeft();

    @ParameterizedTest
    @CsvSource({"1, 10101010, 101011", "20, 12500000, 2500001", "50, 20000000, 10000001", "99, 1000000000, 990000001"})
    void sleepsTheFractionThatIsAskedFor(int percent, long period, long sleep) {
        ThrottleSlices slices = new ThrottleSlices();
        long slept = 0;
        long end = 50 * period;
        for (long now = 0; now < end; ) {
            long due = slices.due(now, percent);
            slept += due;
            now += due > 0 ? due : 100_000;
        }

        assertEquals(period, ThrottleSlices.periodNanos(percent));
        assertEquals(sleep, ThrottleSlices.sleepNanos(percent));
        assertEquals(percent / 100.0, (double) slept / end, 0.02);
    }

    @Test
    void doesNotMakeUpForTicksThatItMissed() {
        ThrottleSlices slices = new ThrottleSlices();
        assertEquals(0, slices.due(0, 50));

        long late = slices.due(1_000_000_000, 50);

        assertEquals(ThrottleSlices.sleepNanos(50), late);
        assertEquals(0, slices.due(1_010_000_001, 50));
        assertEquals(0, slices.due(1_030_000_000, 0));
    }

    @Test
    void usesLittleOfTheProcessorWhenSlowed() throws Exception {
        try (SyntheticGuest guest = guest("uniform:rate=0")) {
            guest.resume();
            double free = busyShare(guest);

            guest.throttle(90);
            double slowed = busyShare(guest);

            assertTrue(slowed < 0.12, "of its time it used %.3f, freely %.3f".formatted(slowed, free));
            assertTrue(free > slowed, "of its time it used %.3f, freely %.3f".formatted(slowed, free));
        }
    }

    @Test
    void writesLessThanItsRateWhenSlowedAndItsRateAgainAfterwards() {
        try (SyntheticGuest guest = guest("uniform:rate=4000")) {
            guest.resume();
            guest.throttle(75);
            double slowed = pagesPerSecond(guest);

            guest.throttle(0);

            assertTrue(slowed < 1300, "pages a second: " + slowed);
            await("its own rate", () -> pagesPerSecond(guest) > 2 * slowed);
        }
    }

    @Test
    void isPausedAtOnceFromASleepOfASecond() {
        try (SyntheticGuest guest = guest("uniform:rate=0")) {
            guest.resume();
            guest.throttle(99);
            awaitSleep(guest);

            long before = System.nanoTime();
            guest.pause();

            assertTrue(System.nanoTime() - before < AT_ONCE_NANOS, "it slept on");
        }
    }

    @Test
    void runsOnAtOnceWhenTheThrottleIsLifted() {
        try (SyntheticGuest guest = guest("uniform:rate=0")) {
            guest.resume();
            guest.throttle(99);
            awaitSleep(guest);

            long before = System.nanoTime();
            long written = guest.pagesWritten();
            guest.throttle(0);
            await("a page", () -> guest.pagesWritten() > written);

            assertTrue(System.nanoTime() - before < AT_ONCE_NANOS, "it slept on");
        }
    }

    @Test
    void oneVcpuSleepsWhenItsRingIsFullAndTheOtherRunsOn() {
        try (SyntheticGuest guest = guest("uniform:rate=0")) {
            VcpuRings rings = guest.vcpuRings().orElseThrow();
            guest.resume();
            rings.sleep(0, TimeUnit.SECONDS.toMicros(100));
            try (Lease _ = rings.count()) {
                await("a full ring", () -> rings.dirtied(0) >= rings.ringPages());
                long asleep = rings.dirtied(0);
                long awake = rings.dirtied(1);
                await("the other's next rings", () -> rings.dirtied(1) > awake + 3L * rings.ringPages());
                assertEquals(asleep, rings.dirtied(0));

                rings.release(0);

                await("its next page", () -> rings.dirtied(0) > asleep);
                rings.sleep(0, TimeUnit.SECONDS.toMicros(100));
                rings.sleep(1, TimeUnit.SECONDS.toMicros(100));
                awaitSleep(guest);
                long before = System.nanoTime();
                guest.pause();
                assertTrue(System.nanoTime() - before < AT_ONCE_NANOS, "it slept on");
            }
        }
    }

    private static SyntheticGuest guest(String workload) {
        GuestMemory memory = new GuestMemory(List.of(RamBlock.memfd(SyntheticGuest.BLOCK, RAM)));
        return new SyntheticGuest(
                SyntheticGuest.MACHINE, memory, new WriterMarks(memory), WorkloadSpec.parse(workload), true);
    }

    /** Of half a second. */
    private static double pagesPerSecond(SyntheticGuest guest) {
        long from = System.nanoTime();
        long before = guest.pagesWritten();
        await("half a second", () -> System.nanoTime() - from > 500_000_000);
        return (guest.pagesWritten() - before) * 1e9 / (System.nanoTime() - from);
    }

    /** Part of the time that its threads had the processor, each of the two counted by itself: 0..1. */
    private static double busyShare(SyntheticGuest guest) throws InterruptedException {
        long[] vcpus = Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().startsWith("vcpu "))
                .mapToLong(Thread::threadId)
                .toArray();
        long written = guest.pagesWritten();
        await("its first pages", () -> guest.pagesWritten() > written + 1000);
        long from = System.nanoTime();
        long before = cpuNanos(vcpus);
        await("a second", () -> System.nanoTime() - from > 1_000_000_000);
        return (double) (cpuNanos(vcpus) - before) / (System.nanoTime() - from) / vcpus.length;
    }

    private static long cpuNanos(long[] threads) {
        long sum = 0;
        for (long thread : threads) {
            sum += THREADS.getThreadCpuTime(thread);
        }
        return sum;
    }

    private static void awaitSleep(SyntheticGuest guest) {
        await("a sleep", () -> {
            long written = guest.pagesWritten();
            LockSupport.parkNanos(50_000_000);
            return guest.pagesWritten() == written;
        });
    }

    private static void await(String what, BooleanSupplier condition) {
        long deadline = System.nanoTime() + 20_000_000_000L;
        while (!condition.getAsBoolean()) {
            assertTrue(System.nanoTime() - deadline < 0, "no " + what);
            LockSupport.parkNanos(1_000_000);
        }
    }
}
