package org.transhume.engine;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.instrument.Instrumentation;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.transhume.channels.Address;
import org.transhume.channels.Connections;
import org.transhume.channels.Listener;
import org.transhume.engine.counters.Counter;
import org.transhume.engine.guest.PassiveGuest;
import org.transhume.engine.guest.SyntheticGuest;
import org.transhume.engine.guest.WorkloadSpec;
import org.transhume.engine.incoming.IncomingConfig;
import org.transhume.engine.incoming.IncomingMigration;
import org.transhume.engine.incoming.IncomingReport;
import org.transhume.engine.incoming.PostcopyArrival;
import org.transhume.engine.outgoing.Dialer;
import org.transhume.engine.outgoing.OutgoingConfig;
import org.transhume.engine.outgoing.OutgoingMigration;
import org.transhume.engine.outgoing.OutgoingReport;
import org.transhume.engine.outgoing.PostcopyTerms;
import org.transhume.memory.GuestAccess;
import org.transhume.memory.GuestMemory;
import org.transhume.memory.MissingPages;
import org.transhume.memory.RamBlock;
import org.transhume.memory.WriterMarks;

/**
 * Fifty postcopies one after the other, both sides and the guest's threads in a JVM that is stopped again and again in every way
 * that it knows. Run by {@link PostcopyStormTest} in a process of its own, with itself as its agent.
 */
final class PostcopyStorm {
    private static final int RUNS = 50;
    private static final long RAM = 4 * Guests.MIB;
    private static final long BETWEEN_STOPS_NANOS = 3_000_000;
    private static final int LIMIT_SECONDS = 20;

    private static volatile Instrumentation instrumentation;

    private PostcopyStorm() {}

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
        stopAgainAndAgain(collections, () -> {
            System.gc();
            return null;
        });
        stopAgainAndAgain(dumps, () -> threads.dumpAllThreads(true, true));
        stopAgainAndAgain(redefinitions, () -> {
            instrumentation.retransformClasses(GuestAccess.class, MissingPages.class, IncomingMigration.class);
            return null;
        });
        long asked = 0;
        long wrong = 0;
        for (int run = 0; run < RUNS; run++) {
            try (SyntheticGuest guest = Guests.source("transhume-1.0", RAM, "marks", "uniform:rate=20000")) {
                guest.resume();
                if (run % 2 == 0) {
                    try (PassiveGuest there = PassiveGuest.touching(5000, run)) {
                        asked += move(guest, there, run);
                        MemorySegment came = there.memory().blocks().getFirst().segment();
                        wrong += Guests.ram(guest).mismatch(came) == -1 ? 0 : 1;
                    }
                } else {
                    try (SyntheticGuest there = writing(run)) {
                        asked += move(guest, there, run);
                        wrong += there.running() && !guest.running() ? 0 : 1;
                    }
                }
            }
        }
        System.out.printf(
                "runs=%d asked=%d collections=%d dumps=%d redefinitions=%d wrong=%d%n",
                RUNS, asked, collections.get(), dumps.get(), redefinitions.get(), wrong);
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

    /** A guest whose own threads write what has not come yet. */
    private static SyntheticGuest writing(int seed) {
        GuestMemory memory = new GuestMemory(List.of(RamBlock.memfd(SyntheticGuest.BLOCK, RAM)));
        return new SyntheticGuest(
                "transhume-1.0",
                memory,
                new WriterMarks(memory),
                WorkloadSpec.parse("uniform:rate=5000,seed=" + seed),
                true);
    }

    /** @return pages that were asked for */
    private static long move(SyntheticGuest guest, IncomingGuest there, int run) throws Exception {
        boolean preempt = run % 4 < 2;
        Listener listener = Connections.listen(new Address.Tcp("127.0.0.1", 0));
        MigrationObserver nobody = new MigrationObserver() {};
        IncomingMigration in = IncomingMigration.start(
                there,
                listener,
                IncomingConfig.DEFAULT.withPostcopy(new PostcopyArrival(preempt, true, false, null)),
                nobody,
                "in");
        OutgoingConfig config = OutgoingConfig.builder()
                .returnPath(true)
                .postcopy(new PostcopyTerms(preempt, false, 64 * Guests.MIB, null))
                .build();
        OutgoingMigration out = OutgoingMigration.start(guest, Dialer.to(listener.address()), config, nobody, "out");
        out.startPostcopy();
        OutgoingReport left = out.completion().get(LIMIT_SECONDS, TimeUnit.SECONDS);
        IncomingReport came = in.completion().get(LIMIT_SECONDS, TimeUnit.SECONDS);
        in.endAnnouncements();
        if (!left.outcome().equals("completed") || !came.outcome().equals("completed")) {
            throw new IOException("run %d: %s, %s".formatted(run, left.reason(), came.reason()));
        }
        return in.counters().get(Counter.POSTCOPY_REQUESTS);
    }
}
