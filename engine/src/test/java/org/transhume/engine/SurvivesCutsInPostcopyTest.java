package org.transhume.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.ConnectException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.transhume.channels.Address;
import org.transhume.channels.Connection;
import org.transhume.channels.Connections;
import org.transhume.channels.IoVector;
import org.transhume.channels.Listener;
import org.transhume.channels.ThroughConnection;
import org.transhume.engine.guest.PassiveGuest;
import org.transhume.engine.guest.SyntheticGuest;
import org.transhume.engine.incoming.IncomingConfig;
import org.transhume.engine.incoming.IncomingMigration;
import org.transhume.engine.incoming.IncomingReport;
import org.transhume.engine.incoming.PostcopyArrival;
import org.transhume.engine.outgoing.Dialer;
import org.transhume.engine.outgoing.OutgoingConfig;
import org.transhume.engine.outgoing.OutgoingMigration;
import org.transhume.engine.outgoing.OutgoingReport;
import org.transhume.engine.outgoing.PostcopyTerms;

/**
 * Connections break anywhere on the way of a guest that runs before its pages have come, also while that is mended. Its operator
 * does what operators do; no page is lost, and at no instant do both sides run it.
 */
@Timeout(60)
class SurvivesCutsInPostcopyTest {
    private static final String MACHINE = "transhume-1.0";
    private static final long RAM = LosesConnectionsTest.RAM;
    private static final int LIMIT_SECONDS = 20;
    private static final int SEEDS = 120;
    /** Everything a small guest's switch says, and a little of what follows. */
    private static final int SWITCH_BYTES = 600;
    /** READY, PONG and the first requests. */
    private static final int ANSWER_BYTES = 120;

    private static final AtomicInteger CUTS = new AtomicInteger();

    @RegisterExtension
    final NothingLeft nothingLeft = new NothingLeft();

    @TempDir
    Path directory;

    /** When the first connection breaks. */
    private enum Moment {
        BEFORE_THE_SWITCH,
        /** What the source says in the pause: old pages, devices, the word, the first pages. */
        SWITCH,
        /** What the destination says then. */
        ANSWERS,
        /** The other channels then. */
        SWITCH_BESIDE,
        PAGES,
        REQUESTS,
        /** The end of the stream, and the last word of the source. */
        END,
        /** The last word of the destination. */
        LAST_ANSWER,
        /** As {@link #PAGES}, and again: nobody answers the call, the comparison breaks, or what follows it. */
        REFUSED_AGAIN,
        COMPARISON_AGAIN,
        COMPARISON_ANSWERS_AGAIN,
        PAGES_AGAIN
    }

    private enum Way {
        MAIN(0, false, false),
        MAIN_GRANTED(0, false, true),
        URGENT(0, true, false),
        URGENT_GRANTED(0, true, true),
        CHANNELS(2, true, false),
        CHANNELS_GRANTED(2, true, true);

        final int channels;
        final boolean preempt;
        final boolean handover;

        Way(int channels, boolean preempt, boolean handover) {
            this.channels = channels;
            this.preempt = preempt;
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
            return shared;
        }

        /** Connections beside the main one: page channels, and the last for requested pages. */
        int others() {
            return channels > 0 ? channels + 1 : preempt ? 1 : 0;
        }
    }

    /**
     * @param link on which connections: 0 the first, then those of each recovery
     * @param from when bytes begin to count; null: at the end of the stream
     * @param channel 0 the main one
     * @param writing whether what goes out counts, or what comes in
     */
    private record Cut(int link, Class<? extends MigrationState> from, int channel, boolean writing, long bytes) {}

    static IntStream seeds() {
        return IntStream.range(0, SEEDS);
    }

    @AfterAll
    static void cutsHappened() {
        assertTrue(CUTS.get() >= 100, "only " + CUTS.get() + " connections broke");
    }

    @ParameterizedTest
    @MethodSource("seeds")
    void noPageIsLostAndNobodyRunsItTwice(int seed) throws Exception {
        Moment[] moments = Moment.values();
        Way[] ways = Way.values();
        try (Trip trip =
                new Trip(seed, moments[seed % moments.length], ways[seed / moments.length % ways.length], directory)) {
            trip.go();
        } catch (AssertionError e) {
            throw new AssertionError("seed %d: %s".formatted(seed, e.getMessage()), e);
        }
    }

    /** One migration, whatever breaks it, to its end; and where it left the guest at home another one. */
    private static final class Trip implements AutoCloseable {
        private final Random random;
        private final Way way;
        private final boolean unix;
        private final Path directory;
        private final List<Cut> cuts = new ArrayList<>();
        private final Set<Integer> refused = new HashSet<>(); // links of which one connection is
        private final boolean switches;
        private final String where;

        private final SyntheticGuest source;
        private final Destination there;
        private final OneOwner owner = new OneOwner(true);
        private final LosesConnectionsTest.WritesOnTheWay writes;
        private final BlockingQueue<MigrationState> states = new LinkedBlockingQueue<>();
        private final List<Link> links = new CopyOnWriteArrayList<>();
        private volatile MigrationState last = new MigrationState.Setup();

        Trip(int seed, Moment moment, Way way, Path directory) {
            this.random = new Random(seed);
            this.way = way;
            this.unix = random.nextBoolean();
            this.directory = directory;
            plan(moment);
            switches = moment != Moment.BEFORE_THE_SWITCH || random.nextBoolean();
            source = Guests.source(MACHINE, RAM, "marks", "uniform:rate=20000");
            writes = new LosesConnectionsTest.WritesOnTheWay(source);
            boolean running = random.nextInt(3) == 0;
            there = running ? Destination.running(seed) : Destination.touching(seed);
            where = "%s, %s, %s, %s, %s, refused %s"
                    .formatted(moment, way, unix ? "unix" : "tcp", running ? "runs" : "touches", cuts, refused);
        }

        private void plan(Moment moment) {
            switch (moment) {
                case BEFORE_THE_SWITCH -> {
                    int channel = random.nextInt(way.channels + 1);
                    boolean pages = channel > 0 || way.channels == 0;
                    cut(0, MigrationState.Active.class, channel, true, pages ? RAM / 4 : 100);
                }
                case SWITCH -> cut(0, MigrationState.Device.class, 0, true, SWITCH_BYTES);
                case ANSWERS -> cut(0, MigrationState.Device.class, 0, false, ANSWER_BYTES);
                case SWITCH_BESIDE ->
                    cut(0, MigrationState.Device.class, random.nextInt(way.others() + 1), true, SWITCH_BYTES);
                case PAGES -> pages(0);
                case REQUESTS -> cut(0, MigrationState.PostcopyActive.class, 0, false, 10 * ANSWER_BYTES);
                case END -> cut(0, null, 0, true, 64);
                case LAST_ANSWER -> cut(0, null, 0, false, 8);
                case REFUSED_AGAIN -> {
                    pages(0);
                    refused.add(1);
                }
                case COMPARISON_AGAIN -> {
                    pages(0);
                    cut(1, MigrationState.PostcopyRecover.class, 0, true, 32);
                }
                case COMPARISON_ANSWERS_AGAIN -> {
                    pages(0);
                    cut(1, MigrationState.PostcopyRecover.class, 0, false, RAM / 4096 / 8 + 40);
                }
                case PAGES_AGAIN -> {
                    pages(0);
                    pages(1);
                    pages(2);
                }
            }
        }

        private void pages(int link) {
            int channel = random.nextInt(way.others() + 1);
            boolean urgent = channel > way.channels;
            boolean few = urgent || (channel == 0 && way.channels > 0);
            cut(link, MigrationState.PostcopyActive.class, channel, true, few ? 200 : RAM / 8);
        }

        private void cut(int link, Class<? extends MigrationState> from, int channel, boolean writing, long below) {
            cuts.add(new Cut(link, from, channel, writing, random.nextLong(below)));
        }

        void go() throws Exception {
            source.resume();
            Link first = link(0);
            IncomingMigration in = incoming(first.listener);
            OutgoingMigration out = outgoing(first);
            operate(out, in);
            OutgoingReport left = out.completion().get(LIMIT_SECONDS, TimeUnit.SECONDS);
            // A destination whose last word may not have been heard would wait for the question long after all is well.
            boolean waits = way.handover && cuts.stream().anyMatch(cut -> cut.from == null);
            if (waits || !"completed".equals(left.outcome())) {
                in.abort("the source ended: " + left.reason());
            }
            IncomingReport arrived = in.completion().get(LIMIT_SECONDS, TimeUnit.SECONDS);
            in.endAnnouncements();
            String story = "%s: source %s (%s), destination %s (%s)"
                    .formatted(where, left.outcome(), left.reason(), arrived.outcome(), arrived.reason());
            CUTS.addAndGet(links.stream().mapToInt(Link::broken).sum());

            assertEquals(List.of(), owner.violations(), story);
            if ("completed".equals(arrived.outcome())) {
                assertTrue(owner.atDestination(), story);
                assertFalse(source.running(), story);
                there.assertHolds(source, story);
                assertTrue("completed".equals(left.outcome()) || (!way.handover && unknown(out)), story);
                return;
            }
            assertEquals("failed", left.outcome(), story);
            assertFalse(owner.atDestination(), story);
            if (unknown(out)) {
                assertFalse(way.handover, story);
                assertTrue(left.reason().contains("or nobody does"), story);
                assertFalse(source.running(), story);
                source.resume(); // as its operator found out
            }
            Guests.assertRunsOn(source, story);
            assertEquals(Set.of(), writes.forgotten(), story + ": pages written on the way, not told again");
            OutgoingConfig plain = OutgoingConfig.builder().returnPath(true).build();
            LosesConnectionsTest.assertMoves(source, MACHINE, "unix", plain, story);
        }

        private static boolean unknown(OutgoingMigration out) {
            return out.state() instanceof MigrationState.Failed failed && failed.ownershipUnknown();
        }

        /** Has both sides connect again while they wait for it, and gives up where there is nobody to connect to. */
        private void operate(OutgoingMigration out, IncomingMigration in) throws Exception {
            while (true) {
                MigrationState next = states.poll(LIMIT_SECONDS, TimeUnit.SECONDS);
                assertTrue(next != null, () -> "%s: source %s, destination %s".formatted(where, last, in.state()));
                if (next.ended()) {
                    return;
                }
                if (next instanceof MigrationState.Active && switches) {
                    out.startPostcopy();
                }
                if (next instanceof MigrationState.PostcopyPaused) {
                    if (awaitHalt(in)) {
                        Link again = link(links.size());
                        // What is left of a connection that broke may just be arriving there.
                        while (awaitHalt(in) && !in.recover(again.listener)) {}
                        assertTrue(out.resume(again), where);
                    } else {
                        out.abandon("the destination ended");
                    }
                }
            }
        }

        /** @return whether it waits for another connection; else it ended */
        private boolean awaitHalt(IncomingMigration in) {
            long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(LIMIT_SECONDS);
            while (!(in.state() instanceof MigrationState.PostcopyPaused)
                    && !in.state().ended()) {
                assertTrue(System.nanoTime() - deadline < 0, () -> "%s: paused, but %s".formatted(where, in.state()));
                LockSupport.parkNanos(100_000);
            }
            return !in.state().ended();
        }

        private IncomingMigration incoming(Listener listener) {
            IncomingConfig config = IncomingConfig.DEFAULT
                    .withChannels(way.channels)
                    .withChannelLimit(Duration.ofSeconds(5))
                    .withShared(way.shared())
                    .withPostcopy(new PostcopyArrival(way.preempt, true, false, null));
            return IncomingMigration.start(
                    owner.arriving(there.guest), listener, config, new MigrationObserver() {}, "in");
        }

        private OutgoingMigration outgoing(Link first) {
            OutgoingConfig config = OutgoingConfig.builder()
                    .maxBandwidth(100 * Guests.MIB)
                    .downtimeLimit(Duration.ZERO)
                    .inquiryLimit(Duration.ofSeconds(10))
                    .returnPath(true)
                    .channels(way.channels)
                    .handover(way.handover)
                    .postcopy(new PostcopyTerms(way.preempt, false, 50 * Guests.MIB, null))
                    .build();
            return OutgoingMigration.start(owner.leaving(source), first, config, new Watch(), "out");
        }

        private Link link(int number) throws IOException {
            Listener listener = Connections.listen(
                    unix ? new Address.Unix(directory.resolve("link" + number)) : new Address.Tcp("127.0.0.1", 0));
            Link link = new Link(
                    number,
                    listener,
                    refused.contains(number) ? random.nextInt(way.others() + 1) : -1,
                    cuts.stream().filter(cut -> cut.link == number).toList());
            links.add(link);
            return link;
        }

        @Override
        public void close() throws IOException {
            source.close();
            there.close();
            for (Link link : links) {
                link.listener.close();
                Files.deleteIfExists(directory.resolve("link" + link.number));
            }
        }

        private final class Watch implements MigrationObserver {
            private boolean stands; // what is written then is no guest's

            @Override
            public void pass(int number) {
                if (!stands) {
                    writes.pass(number);
                }
            }

            @Override
            public void state(MigrationState state) {
                last = state;
                if (!stands) {
                    writes.state(state);
                }
                stands |= state instanceof MigrationState.Device;
                links.getLast().at(state.getClass());
                states.add(state);
            }
        }
    }

    /** Connections between two losses. */
    private static final class Link implements Dialer {
        final int number;
        final Listener listener;
        private final int refused;
        private final List<Cut> cuts;
        private final List<Cut> armed = new CopyOnWriteArrayList<>();
        private final List<CutConnection> made = new CopyOnWriteArrayList<>();
        private int dialed; // one thread at a time

        /** @param refused number of the connection that nobody answers; -1: none */
        Link(int number, Listener listener, int refused, List<Cut> cuts) {
            this.number = number;
            this.listener = listener;
            this.refused = refused;
            this.cuts = cuts;
        }

        @Override
        public Connection dial(Duration limit) throws IOException {
            int channel = dialed++;
            if (channel == refused) {
                throw new ConnectException("refused");
            }
            CutConnection connection = new CutConnection(Connections.connect(listener.address(), limit));
            made.add(connection);
            armed.stream().filter(cut -> cut.channel == channel).forEach(cut -> arm(connection, cut));
            return channel == 0 ? new EndWatcher(connection, () -> at(null)) : connection;
        }

        @Override
        public boolean multiChannel() {
            return true;
        }

        /** @param state that begins; null: the end of the stream is about to be written */
        void at(Class<? extends MigrationState> state) {
            for (Cut cut : cuts) {
                if (cut.from == state && !armed.contains(cut)) {
                    armed.add(cut);
                    if (cut.channel < made.size()) {
                        arm(made.get(cut.channel), cut);
                    }
                }
            }
        }

        private static void arm(CutConnection connection, Cut cut) {
            if (cut.writing) {
                connection.afterWriting(connection.bytesWritten() + cut.bytes);
            } else {
                connection.afterReading(connection.bytesRead() + cut.bytes);
            }
        }

        int broken() {
            return (int) made.stream().filter(CutConnection::broken).count()
                    + (refused >= 0 && dialed > refused ? 1 : 0);
        }
    }

    /** Sees the end of the stream go out: the one section of that kind. */
    private static final class EndWatcher extends ThroughConnection {
        private static final byte SECTION_END = 3;
        private static final int LONGEST = 64;
        private final Runnable hook;

        EndWatcher(Connection real, Runnable hook) {
            super(real);
            this.hook = hook;
        }

        @Override
        public void write(IoVector from) throws IOException {
            MemorySegment first = from.first();
            if (from.bytes() < LONGEST && first.get(ValueLayout.JAVA_BYTE, 0) == SECTION_END) {
                hook.run();
            }
            real.write(from);
        }
    }

    /** Where the guest arrives: a reader of pages that are missing, or one whose own threads write them. */
    private static final class Destination implements AutoCloseable {
        final IncomingGuest guest;
        private final SyntheticGuest running;
        private final PassiveGuest touching;

        private Destination(SyntheticGuest running, PassiveGuest touching) {
            this.running = running;
            this.touching = touching;
            this.guest = running == null ? touching : running;
        }

        static Destination touching(int seed) {
            return new Destination(null, PassiveGuest.touching(20_000, seed));
        }

        static Destination running(int seed) {
            return new Destination(Guests.writing(MACHINE, RAM, "uniform:rate=3000,seed=" + (seed + 1)), null);
        }

        /** What was sent, but where the guest wrote since. */
        void assertHolds(SyntheticGuest source, String where) {
            if (running == null) {
                assertEquals(
                        -1,
                        Guests.ram(source)
                                .mismatch(touching.memory().blocks().getFirst().segment()),
                        where + ": first byte that differs");
            } else {
                running.pause();
                Guests.assertSameButForItsOwn(source, running, where);
            }
        }

        @Override
        public void close() {
            if (running == null) {
                touching.close();
            } else {
                running.close();
            }
        }
    }
}
