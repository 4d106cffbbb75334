package org.transhume.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.ValueLayout;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.transhume.channels.Address;
import org.transhume.channels.Connections;
import org.transhume.channels.Listener;
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
import org.transhume.memory.DirtySources;
import org.transhume.memory.GuestMemory;
import org.transhume.memory.PageSize;
import org.transhume.memory.RamBlock;

/** A guest writes its memory before it is there, is stopped and started meanwhile, and moves on once it is. */
@Timeout(60)
class RunsOnBeforeItsPagesTest {
    private static final String MACHINE = "transhume-1.0";
    private static final long RAM = 32 * Guests.MIB;
    private static final long BANDWIDTH = 24 * Guests.MIB;
    private static final int LIMIT_SECONDS = 20;
    /** Of a page: what the guest wrote since it came; one that was lost would differ nearly everywhere. */
    private static final int WRITTEN_WORDS = 64;

    @RegisterExtension
    final NothingLeft nothingLeft = new NothingLeft();

    private final BlockingQueue<MigrationState> source = new LinkedBlockingQueue<>();
    private final BlockingQueue<MigrationState> destination = new LinkedBlockingQueue<>();

    @ParameterizedTest
    @CsvSource({"marks, true, false", "uffd-wp, false, true"})
    void aGuestStopsAndGoesOnWhileItsPagesAreCutOffAndMovesOnOnceTheyCame(
            String dirtySource, boolean fresh, boolean preempt) throws Exception {
        GuestMemory memory = new GuestMemory(List.of(RamBlock.memfd(SyntheticGuest.BLOCK, RAM)));
        try (SyntheticGuest left = Guests.source(MACHINE, RAM, "marks", "uniform:rate=20000");
                SyntheticGuest came = new SyntheticGuest(
                        MACHINE,
                        memory,
                        DirtySources.named(dirtySource, memory),
                        WorkloadSpec.parse("uniform:rate=4000,seed=9,ws=" + RAM / 2),
                        fresh)) {
            if (!fresh) {
                Guests.ram(came).fill((byte) 0x5a); // an earlier try got this far
            }
            left.resume();
            Listener listener = Connections.listen(new Address.Tcp("127.0.0.1", 0));
            IncomingMigration in = IncomingMigration.start(
                    came,
                    listener,
                    IncomingConfig.DEFAULT.withPostcopy(new PostcopyArrival(preempt, true, false, null)),
                    telling(destination),
                    "in");
            OutgoingMigration out = OutgoingMigration.start(
                    left,
                    Dialer.to(listener.address()),
                    OutgoingConfig.builder()
                            .maxBandwidth(BANDWIDTH)
                            .downtimeLimit(Duration.ZERO)
                            .returnPath(true)
                            .postcopy(new PostcopyTerms(preempt, false, BANDWIDTH, null))
                            .build(),
                    telling(source),
                    "out");
            take(source, MigrationState.Active.class);
            out.startPostcopy();
            take(source, MigrationState.PostcopyActive.class);
            await("its first page", () -> came.pagesWritten() > 0);
            assertTrue(out.pausePostcopy());
            take(source, MigrationState.PostcopyPaused.class);
            take(destination, MigrationState.PostcopyPaused.class);

            for (int times = 0; times < 3; times++) {
                came.pause(); // at once, whatever its threads wait for
                came.resume();
                System.gc();
                assertTrue(ManagementFactory.getThreadMXBean().dumpAllThreads(true, true).length > 0);
            }
            Listener again = Connections.listen(new Address.Tcp("127.0.0.1", 0));
            assertTrue(in.recover(again));
            assertTrue(out.resume(Dialer.to(again.address())));

            OutgoingReport sent = out.completion().get(LIMIT_SECONDS, TimeUnit.SECONDS);
            assertEquals("completed", sent.outcome(), sent.reason());
            IncomingReport arrived = in.completion().get(LIMIT_SECONDS, TimeUnit.SECONDS);
            assertEquals("completed", arrived.outcome(), arrived.reason());
            Guests.assertRunsOn(came, "at the destination");
            came.pause();
            assertHoldsWhatLeft(left, came);
            came.resume();
            assertMovesOn(came);
        }
    }

    private static void assertHoldsWhatLeft(SyntheticGuest left, SyntheticGuest came) {
        for (long at = 0; at < RAM; at += PageSize.BYTES) {
            int others = 0;
            for (long word = at; word < at + PageSize.BYTES; word += Long.BYTES) {
                long before = Guests.ram(left).get(ValueLayout.JAVA_LONG, word);
                others += before == Guests.ram(came).get(ValueLayout.JAVA_LONG, word) ? 0 : 1;
            }
            assertTrue(
                    others <= (at < RAM / 2 ? WRITTEN_WORDS : 0), "words that differ at %x: %d".formatted(at, others));
        }
    }

    private static void assertMovesOn(SyntheticGuest guest) throws Exception {
        try (Arrival next = Arrival.of(Guests.empty(MACHINE, RAM, true), "tcp", IncomingConfig.DEFAULT)) {
            OutgoingReport sent = OutgoingMigration.start(
                            guest,
                            Dialer.to(next.address),
                            OutgoingConfig.builder().returnPath(true).build(),
                            new MigrationObserver() {},
                            "out")
                    .completion()
                    .get(LIMIT_SECONDS, TimeUnit.SECONDS);
            assertEquals("completed", sent.outcome(), sent.reason());
            assertEquals("completed", next.await().outcome());
            Guests.assertSameRam(guest, next.guest, "moved on");
        }
    }

    private static MigrationObserver telling(BlockingQueue<MigrationState> states) {
        return new MigrationObserver() {
            @Override
            public void state(MigrationState state) {
                states.add(state);
            }
        };
    }

    private static void take(BlockingQueue<MigrationState> states, Class<? extends MigrationState> kind)
            throws InterruptedException {
        MigrationState next;
        do {
            next = states.poll(LIMIT_SECONDS, TimeUnit.SECONDS);
            assertTrue(next != null && !next.ended(), "no %s, but %s".formatted(kind.getSimpleName(), next));
        } while (!kind.isInstance(next));
    }

    private static void await(String what, BooleanSupplier condition) {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(LIMIT_SECONDS);
        while (!condition.getAsBoolean()) {
            assertTrue(System.nanoTime() - deadline < 0, "not within 20 s: " + what);
            LockSupport.parkNanos(500_000);
        }
    }
}
