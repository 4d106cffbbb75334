package org.transhume.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.transhume.channels.Address;
import org.transhume.channels.Connections;
import org.transhume.channels.Listener;
import org.transhume.channels.qemu.MultifdMethod;
import org.transhume.engine.counters.Counter;
import org.transhume.engine.guest.PassiveGuest;
import org.transhume.engine.guest.SyntheticGuest;
import org.transhume.engine.incoming.IncomingConfig;
import org.transhume.engine.incoming.IncomingMigration;
import org.transhume.engine.incoming.IncomingReport;
import org.transhume.engine.incoming.PostcopyArrival;
import org.transhume.engine.outgoing.Compression;
import org.transhume.engine.outgoing.Dialer;
import org.transhume.engine.outgoing.OutgoingConfig;
import org.transhume.engine.outgoing.OutgoingMigration;
import org.transhume.engine.outgoing.OutgoingReport;
import org.transhume.engine.outgoing.PostcopyTerms;
import org.transhume.memory.GuestAccess;
import org.transhume.memory.PageSize;
import org.transhume.memory.RamBlock;

/** Postcopy between two guests of one process: the pages follow, whatever becomes of the connection. */
@Timeout(60)
class MovesBeforeItsPagesTest {
    private static final long RAM = 64 * Guests.MIB;
    private static final int LIMIT_SECONDS = 20;

    @RegisterExtension
    final NothingLeft nothingLeft = new NothingLeft();

    private final BlockingQueue<MigrationState> source = new LinkedBlockingQueue<>();
    private final BlockingQueue<MigrationState> destination = new LinkedBlockingQueue<>();

    /** What pages go over. */
    @SuppressWarnings("ImmutableEnumChecker") // compressions are records without anything to change
    enum Ways {
        MAIN(0, false, new Compression.None(), false),
        URGENT_CHANNEL(0, true, new Compression.None(), false),
        PAGE_CHANNELS(2, false, new Compression.None(), false),
        COMPRESSED(2, true, new Compression.Zstd(1), false),
        GRANTED(0, true, new Compression.None(), true),
        GRANTED_PAGE_CHANNELS(3, true, new Compression.Lz4(), true);

        final int channels;
        final boolean preempt;
        final Compression compression;
        final boolean handover;

        Ways(int channels, boolean preempt, Compression compression, boolean handover) {
            this.channels = channels;
            this.preempt = preempt;
            this.compression = compression;
            this.handover = handover;
        }

        Set<String> shared() {
            Set<String> shared = new HashSet<>();
            if (channels > 0) {
                shared.add(Extensions.MULTIFD_POSTCOPY);
            }
            if (handover) {
                shared.add(Extensions.HANDOVER);
            }
            if (compression instanceof Compression.Lz4) {
                shared.add(Extensions.LZ4);
            }
            return shared;
        }
    }

    @ParameterizedTest
    @EnumSource(Ways.class)
    void allPagesFollowAndThoseAskedForComeFirst(Ways ways) throws Exception {
        try (SyntheticGuest guest = Guests.source("transhume-1.0", RAM, "marks", "uniform:rate=20000");
                PassiveGuest there = PassiveGuest.touching(5000, 1)) {
            guest.resume();
            IncomingMigration in = incoming(there, ways);
            OutgoingMigration out = outgoing(guest, 64 * Guests.MIB, ways);
            await(source, MigrationState.Active.class);
            out.startPostcopy();

            assertEquals("completed", report(out).outcome(), () -> report(out).reason());
            IncomingReport arrived = in.completion().get(LIMIT_SECONDS, TimeUnit.SECONDS);
            assertEquals("completed", arrived.outcome(), arrived.reason());
            assertSameRam(guest, there);
            assertFalse(guest.running());
            assertTrue(out.progress().postcopyRequests() > 0, "nothing was asked for");
            assertTrue(out.progress().postcopyBytes() > 0);
        }
    }

    @ParameterizedTest
    @EnumSource(Ways.class)
    void aConnectionThatIsLostIsReplacedAndNoPageWithIt(Ways ways) throws Exception {
        try (SyntheticGuest guest = Guests.source("transhume-1.0", RAM, "marks", "uniform:rate=20000");
                PassiveGuest there = PassiveGuest.touching(5000, 1)) {
            guest.resume();
            IncomingMigration in = incoming(there, ways);
            OutgoingMigration out = outgoing(guest, 32 * Guests.MIB, ways);
            await(source, MigrationState.Active.class);
            out.startPostcopy();
            await(destination, MigrationState.PostcopyActive.class);
            for (int cut = 0; cut < 3; cut++) {
                await(source, MigrationState.PostcopyActive.class);
                boolean asked = cut % 2 == 0 ? out.pausePostcopy() : in.pausePostcopy();
                assertTrue(asked);
                await(source, MigrationState.PostcopyPaused.class);
                await(destination, MigrationState.PostcopyPaused.class);
                Listener again = Connections.listen(new Address.Tcp("127.0.0.1", 0));
                assertTrue(in.recover(again));
                assertTrue(out.resume(Dialer.to(again.address())));
            }

            assertEquals("completed", report(out).outcome(), () -> report(out).reason());
            IncomingReport arrived = in.completion().get(LIMIT_SECONDS, TimeUnit.SECONDS);
            assertEquals("completed", arrived.outcome(), arrived.reason());
            assertSameRam(guest, there);
        }
    }

    @ParameterizedTest
    @EnumSource(Ways.class)
    void aDestinationThatIsPausedBeforeItHasTheGuestWaitsForIt(Ways ways) throws Exception {
        try (SyntheticGuest guest = Guests.source("transhume-1.0", RAM, "marks", "uniform:rate=20000");
                PassiveGuest there = PassiveGuest.touching(5000, 1)) {
            guest.resume();
            CompletableFuture<IncomingMigration> started = new CompletableFuture<>();
            List<Boolean> paused = new ArrayList<>();
            listening = () -> {
                listening = () -> {};
                paused.add(started.join().pausePostcopy());
            };
            IncomingMigration in = incoming(there, ways);
            started.complete(in);
            OutgoingMigration out = outgoing(guest, 32 * Guests.MIB, ways);
            await(source, MigrationState.Active.class);
            out.startPostcopy();

            await(destination, MigrationState.PostcopyPaused.class);
            await(source, MigrationState.PostcopyPaused.class);
            assertEquals(List.of(true), paused);
            Listener again = Connections.listen(new Address.Tcp("127.0.0.1", 0));
            assertTrue(in.recover(again));
            assertTrue(out.resume(Dialer.to(again.address())));

            assertEquals("completed", report(out).outcome(), () -> report(out).reason());
            assertSameRam(guest, there);
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = Ways.class,
            names = {"MAIN", "PAGE_CHANNELS", "GRANTED"})
    void pagesThatCameAreGivenBackAndNoneElseThoughTheConnectionIsLost(Ways ways) throws Exception {
        try (SyntheticGuest guest = Guests.source("transhume-1.0", RAM, "marks", "uniform:rate=20000");
                PassiveGuest there = PassiveGuest.touching(1000, 1)) {
            guest.resume();
            release = true;
            byte[][] content = new byte[1][];
            long[] before = new long[1];
            standing = () -> {
                content[0] = Guests.ram(guest).toArray(ValueLayout.JAVA_BYTE);
                before[0] = held(guest);
            };
            IncomingMigration in = incoming(there, ways);
            OutgoingMigration out = outgoing(guest, 32 * Guests.MIB, ways);
            await(source, MigrationState.Active.class);
            out.startPostcopy();
            await(destination, MigrationState.PostcopyActive.class);
            await(source, MigrationState.PostcopyActive.class);
            awaitSome(() -> held(guest) < before[0] - 4 * Guests.MIB);
            assertTrue(out.pausePostcopy());
            await(source, MigrationState.PostcopyPaused.class);
            await(destination, MigrationState.PostcopyPaused.class);
            Listener again = Connections.listen(new Address.Tcp("127.0.0.1", 0));
            assertTrue(in.recover(again));
            assertTrue(out.resume(Dialer.to(again.address())));

            assertEquals("completed", report(out).outcome(), () -> report(out).reason());
            assertEquals(
                    "completed",
                    in.completion().get(LIMIT_SECONDS, TimeUnit.SECONDS).outcome());
            assertEquals(
                    -1L,
                    MemorySegment.ofArray(content[0])
                            .mismatch(there.memory().blocks().getFirst().segment()));
        }
    }

    private static long held(SyntheticGuest guest) {
        long[] sum = {0};
        guest.memory().blocks().getFirst().populatedExtents((_, length) -> sum[0] += length);
        return sum[0];
    }

    private static void awaitSome(BooleanSupplier condition) {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(LIMIT_SECONDS);
        while (!condition.getAsBoolean()) {
            assertTrue(System.nanoTime() - deadline < 0, "it never came");
            LockSupport.parkNanos(1_000_000);
        }
    }

    @Test
    void whatIsGivenUpIsHandedOverByBothSidesAndWholeTogether() throws Exception {
        List<String> handed = Collections.synchronizedList(new ArrayList<>());
        try (SyntheticGuest guest = Guests.source("transhume-1.0", RAM, "marks", "uniform:rate=20000");
                PassiveGuest there = PassiveGuest.touching(5000, 1)) {
            guest.resume();
            salvage = half -> {
                MemorySegment page = Arena.ofAuto().allocate(PageSize.BYTES);
                RamBlock block = half.memory().blocks().getFirst();
                long present = 0;
                for (long at = 0; at < block.size(); at += PageSize.BYTES) {
                    if (half.present().isThere(0, at)) {
                        present++;
                        // A page of zeroes may have no memory yet: not from Java.
                        GuestAccess.read(block.address() + at, page, PageSize.BYTES);
                        assertEquals(
                                -1L,
                                MemorySegment.mismatch(
                                        Guests.ram(guest), at, at + PageSize.BYTES, page, 0, PageSize.BYTES));
                    }
                }
                boolean source = half.side() == HalfState.Side.SOURCE;
                boolean all = present == block.pages();
                handed.add("%s %s %s".formatted(half.side(), present > 0 && all == source, half.devices() != null));
            };
            IncomingMigration in = incoming(there, Ways.MAIN);
            OutgoingMigration out = outgoing(guest, 8 * Guests.MIB, Ways.MAIN);
            await(source, MigrationState.Active.class);
            out.startPostcopy();
            await(destination, MigrationState.PostcopyActive.class);
            await(source, MigrationState.PostcopyActive.class);
            awaitSome(() -> in.counters().get(Counter.NORMAL_PAGES) > 100);
            assertTrue(out.pausePostcopy());
            await(source, MigrationState.PostcopyPaused.class);
            await(destination, MigrationState.PostcopyPaused.class);

            out.abandon("no more of it");
            in.abort("nor here");

            assertEquals("failed", report(out).outcome());
            assertEquals(
                    "failed",
                    in.completion().get(LIMIT_SECONDS, TimeUnit.SECONDS).outcome());
            assertEquals(Set.of("SOURCE true true", "DESTINATION true false"), Set.copyOf(handed));
            assertEquals(2, handed.size());
            assertFalse(guest.running());
        }
    }

    private Address address;
    private boolean release;
    private Runnable standing = () -> {}; // run when the guest stands and nothing of it is given back
    private volatile Runnable listening = () -> {}; // run when the destination takes part in a postcopy
    private Consumer<HalfState> salvage;

    private IncomingMigration incoming(PassiveGuest guest, Ways ways) throws IOException {
        Listener listener = Connections.listen(new Address.Tcp("127.0.0.1", 0));
        address = listener.address();
        IncomingConfig config = IncomingConfig.DEFAULT
                .withChannels(ways.channels)
                .withMethod(ways.compression instanceof Compression.Zstd ? MultifdMethod.ZSTD : MultifdMethod.NONE)
                .withShared(ways.shared())
                .withPostcopy(new PostcopyArrival(ways.preempt, true, false, salvage));
        MigrationObserver told = new MigrationObserver() {
            @Override
            public void state(MigrationState state) {
                if (state instanceof MigrationState.PostcopyActive) {
                    listening.run();
                }
                destination.add(state);
            }
        };
        return IncomingMigration.start(guest, listener, config, told, "in");
    }

    private OutgoingMigration outgoing(SyntheticGuest guest, long bandwidth, Ways ways) {
        OutgoingConfig config = OutgoingConfig.builder()
                .maxBandwidth(bandwidth)
                .downtimeLimit(Duration.ZERO)
                .returnPath(true)
                .channels(ways.channels)
                .compression(ways.compression)
                .handover(ways.handover)
                .postcopy(new PostcopyTerms(ways.preempt, release, bandwidth, salvage))
                .build();
        MigrationObserver told = new MigrationObserver() {
            @Override
            public void state(MigrationState state) {
                if (state instanceof MigrationState.Device) {
                    standing.run();
                }
                source.add(state);
            }
        };
        return OutgoingMigration.start(guest, Dialer.to(address), config, told, "out");
    }

    /** Takes states until one of {@code kind} comes. */
    private static MigrationState await(BlockingQueue<MigrationState> states, Class<? extends MigrationState> kind)
            throws InterruptedException {
        while (true) {
            MigrationState next = states.poll(LIMIT_SECONDS, TimeUnit.SECONDS);
            assertTrue(next != null, "no " + kind.getSimpleName());
            if (kind.isInstance(next)) {
                return next;
            }
            assertFalse(next.ended(), () -> "ended as " + next);
        }
    }

    private static OutgoingReport report(OutgoingMigration out) {
        try {
            return out.completion().get(LIMIT_SECONDS, TimeUnit.SECONDS);
        } catch (Exception e) {
            throw new AssertionError("the source did not end: " + out.state(), e);
        }
    }

    private static void assertSameRam(SyntheticGuest guest, PassiveGuest there) {
        assertEquals(
                List.of(-1L),
                List.of(Guests.ram(guest)
                        .mismatch(there.memory().blocks().getFirst().segment())));
    }
}
