package org.transhume.benchmarks.postcopy;

import java.io.IOException;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.locks.LockSupport;
import org.transhume.channels.Address;
import org.transhume.channels.Connections;
import org.transhume.channels.Listener;
import org.transhume.channels.qemu.BlockEntry;
import org.transhume.channels.qemu.DeviceTail;
import org.transhume.control.guest.Rehearsal;
import org.transhume.engine.ArrivingPages;
import org.transhume.engine.IncomingGuest;
import org.transhume.engine.MigrationObserver;
import org.transhume.engine.MigrationState;
import org.transhume.engine.Threads;
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
import org.transhume.engine.stalls.StallFigures;
import org.transhume.memory.DirtySources;
import org.transhume.memory.GuestAccess;
import org.transhume.memory.GuestMemory;
import org.transhume.memory.PageSize;
import org.transhume.memory.RamBlock;

/** The two processes of a migration that {@link PostcopyComparison} measures; each says what it measured in one line. */
final class PostcopyEnds {
    private static final double NANOS_PER_MICRO = 1e3;
    private static final int MOST_TOUCHES = 1 << 20;

    private PostcopyEnds() {}

    /** {@code destination RATE | source URI BYTES WORKLOAD postcopy|precopy}. */
    public static void main(String[] arguments) throws Exception {
        Rehearsal.begin().await(); // as a process of one guest does, before anybody has it migrate
        switch (arguments[0]) {
            case "destination" -> destination(Integer.parseInt(arguments[1]));
            case "source" ->
                source(arguments[1], Long.parseLong(arguments[2]), arguments[3], arguments[4].equals("postcopy"));
            default -> throw new IllegalArgumentException(arguments[0]);
        }
    }

    private static void destination(int rate) throws Exception {
        try (Touched guest = new Touched(rate)) {
            Listener listener = Connections.listen(new Address.Tcp("127.0.0.1", 0));
            System.out.println("ready " + listener.address().uri());
            IncomingMigration migration = IncomingMigration.start(
                    guest,
                    listener,
                    IncomingConfig.DEFAULT.withPostcopy(new PostcopyArrival(true, true, false, null)),
                    new MigrationObserver() {},
                    "in");
            IncomingReport report = migration.completion().join();
            if (!report.outcome().equals("completed")) {
                throw new IOException(report.reason());
            }
            System.out.println(
                    guest.result(migration.stalls().map(StallFigures::latencies).orElse(List.of())));
        }
    }

    private static void source(String uri, long bytes, String workload, boolean postcopy) throws Exception {
        GuestMemory memory = new GuestMemory(List.of(RamBlock.memfd(SyntheticGuest.BLOCK, bytes)));
        try (SyntheticGuest guest = new SyntheticGuest(
                SyntheticGuest.MACHINE, memory, DirtySources.best(memory), WorkloadSpec.parse(workload), true)) {
            guest.fill();
            if (postcopy) {
                guest.resume();
            }
            CountDownLatch active = new CountDownLatch(1);
            OutgoingConfig config = OutgoingConfig.builder()
                    .returnPath(true)
                    .postcopy(new PostcopyTerms(true, false, 0, null))
                    .build();
            OutgoingMigration migration = OutgoingMigration.start(
                    guest,
                    Dialer.to(Address.parse(uri)),
                    config,
                    new MigrationObserver() {
                        @Override
                        public void state(MigrationState state) {
                            if (state instanceof MigrationState.Active || state.ended()) {
                                active.countDown();
                            }
                        }
                    },
                    "out");
            if (postcopy) {
                active.await();
                migration.startPostcopy();
            }
            OutgoingReport report = migration.completion().join();
            if (!report.outcome().equals("completed")) {
                throw new IOException(report.reason());
            }
            System.out.printf(
                    "{\"pause\": %.2f, \"seconds\": %.4f, \"bytes\": %d}%n",
                    report.downtime().total(),
                    Duration.ofNanos((long) ((report.totalMillis() - report.setupMillis()) * 1e6))
                                    .toMillis()
                            / 1e3,
                    report.transferredBytes());
        }
    }

    /** Reads pages that are missing, at a rate, and measures for how long it waits for each. */
    private static final class Touched implements IncomingGuest, AutoCloseable {
        private final PassiveGuest guest = new PassiveGuest();
        private final int rate;
        private final long[] waits = new long[MOST_TOUCHES];
        private int count;
        private volatile boolean whole;
        private ArrivingPages pages;
        private Thread toucher;

        Touched(int rate) {
            this.rate = rate;
        }

        @Override
        public GuestMemory accept(String machine, List<BlockEntry> blocks) {
            return guest.accept(machine, blocks);
        }

        @Override
        public boolean fresh() {
            return true;
        }

        @Override
        public void load(DeviceTail devices) {
            guest.load(devices);
        }

        @Override
        public void missing(ArrivingPages pages) {
            this.pages = pages;
        }

        @Override
        public void start() {
            if (pages != null) {
                toucher = Thread.ofPlatform().name("toucher").start(this::touch);
            }
        }

        private void touch() {
            Random random = new Random(1);
            RamBlock block = guest.memory().blocks().getFirst();
            long gap = 1_000_000_000L / rate;
            long next = System.nanoTime();
            while (!whole && count < waits.length) {
                long offset = random.nextLong(block.pages()) * PageSize.BYTES;
                if (pages.isThere(0, offset)) {
                    continue;
                }
                long before = System.nanoTime();
                GuestAccess.touch(block.address() + offset);
                waits[count++] = System.nanoTime() - before;
                next = Math.max(next + gap, System.nanoTime());
                LockSupport.parkNanos(next - System.nanoTime());
            }
        }

        @Override
        public void whole() {
            whole = true;
            if (toucher != null) {
                Threads.join(toucher); // it asks what is there, which nobody may from here on
            }
        }

        /** @param latencies as the engine measured them, in buckets of powers of two microseconds */
        String result(List<Long> latencies) {
            long[] sorted = Arrays.copyOf(waits, count);
            Arrays.sort(sorted);
            return "{\"touched\": %d, \"asked50\": %.1f, \"asked99\": %.1f, \"p50\": %.1f, \"p99\": %.1f, \"max\": %.1f, \"mean\": %.1f}"
                    .formatted(
                            count,
                            within(latencies, 0.5),
                            within(latencies, 0.99),
                            at(sorted, 0.5),
                            at(sorted, 0.99),
                            at(sorted, 1),
                            Arrays.stream(sorted).average().orElse(0) / NANOS_PER_MICRO);
        }

        /** Between the ends of a bucket waits are taken to be spread evenly. */
        private static double within(List<Long> latencies, double part) {
            double left = latencies.stream().mapToLong(Long::longValue).sum() * part;
            for (int bucket = 0; bucket < latencies.size(); bucket++) {
                long here = latencies.get(bucket);
                if (left <= here && here > 0) {
                    return (1L << bucket) * (1 + left / here);
                }
                left -= here;
            }
            return 0;
        }

        private static double at(long[] sorted, double part) {
            return sorted.length == 0
                    ? 0
                    : sorted[(int) Math.min(sorted.length - 1, sorted.length * part)] / NANOS_PER_MICRO;
        }

        @Override
        public void close() {
            guest.close();
        }
    }
}
