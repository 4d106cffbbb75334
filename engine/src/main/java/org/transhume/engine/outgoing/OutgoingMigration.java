package org.transhume.engine.outgoing;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import org.transhume.channels.Connection;
import org.transhume.channels.qemu.BlockEntry;
import org.transhume.channels.qemu.Command;
import org.transhume.channels.qemu.Dialect;
import org.transhume.channels.qemu.MainStreamWriter;
import org.transhume.channels.qemu.MultifdHello;
import org.transhume.channels.qemu.SectionKind;
import org.transhume.channels.qemu.StreamWriter;
import org.transhume.engine.ArrivingPages;
import org.transhume.engine.ConnectionSet;
import org.transhume.engine.Crew;
import org.transhume.engine.Extensions;
import org.transhume.engine.Guest;
import org.transhume.engine.HalfState;
import org.transhume.engine.MigrationException;
import org.transhume.engine.MigrationObserver;
import org.transhume.engine.MigrationState;
import org.transhume.engine.PageCounters;
import org.transhume.engine.counters.CounterValues;
import org.transhume.engine.forecast.Forecaster;
import org.transhume.engine.handover.SourceOwnership;
import org.transhume.memory.Lease;
import org.transhume.memory.PageSize;
import org.transhume.memory.RamBlock;

/**
 * Moves a guest away: rounds of dirty pages while it runs, then the switchover. Runs in a thread of its own from
 * {@link #start} to its end; every public method may be called from any thread.
 *
 * <p>Until the first byte that lets the destination start the guest, any failure leaves the guest as it was, its dirty
 * information whole and nothing held. After that byte the guest stays paused unless the destination answers that it did not
 * load it (docs/decisions/0005).
 */
public final class OutgoingMigration {
    /** What QEMU says in this case (spec: control.md §2.7). */
    private static final String YANKED = "Unable to write to socket: Broken pipe";

    /** Pages of a batch while others may be in a hurry: what is in front of them in the sockets delays them anyway. */
    private static final int URGENT_BATCH = 64;

    private final Guest guest;
    private final Dialer dialer;
    private final OutgoingConfig config;
    private final String name;
    private final Crew crew;
    private final Dialect dialect;

    private final ConnectionSet connections = new ConnectionSet();
    private final PageCounters pages = new PageCounters();
    private final RateLimit rate;
    private final PageForms forms;
    private final Limits limits;
    private final Orders orders;
    private final Gate held;
    private final Stage stage;
    private final Throttle throttle;
    private final Forecaster forecaster;
    private final Figures figures;
    private final CompletableFuture<OutgoingReport> completion = new CompletableFuture<>();

    private volatile Thread dialing;
    private volatile ZeroPageDetection zeroPages;
    private volatile boolean yanked;
    private volatile OutgoingPostcopy postcopy;

    private OutgoingMigration(
            Guest guest, Dialer dialer, OutgoingConfig config, MigrationObserver observer, String name) {
        this.guest = guest;
        this.dialer = dialer;
        this.config = config;
        this.name = name;
        this.crew = new Crew(name);
        this.dialect = Dialect.ofMachine(guest.machine());
        this.orders = new Orders(config.agreement());
        this.rate = config.budget() == null
                ? new RateLimit(config.maxBandwidth(), config.clock())
                : new RateLimit(config.maxBandwidth(), config.budget(), config.clock());
        this.forms = new PageForms(config, guest.memory(), pages, rate, crew);
        this.limits = new Limits(config, rate);
        this.held = new Gate(config.clock());
        this.zeroPages = config.zeroPages();
        this.throttle = new Throttle(config.throttle(), guest, config.clock());
        this.forecaster = new Forecaster(guest.memory().size() / PageSize.BYTES);
        this.figures = new Figures(
                config.clock(),
                connections,
                pages,
                forms,
                limits,
                throttle,
                observer,
                forecaster,
                guest.memory().size());
        this.stage = new Stage(figures::entered, observer);
    }

    /**
     * Begins; returns at once.
     *
     * @param name names the threads
     * @throws MigrationException if the transport has no room for the channels, or memory none for the delta cache
     */
    public static OutgoingMigration start(
            Guest guest, Dialer dialer, OutgoingConfig config, MigrationObserver observer, String name) {
        if (config.channels() > 0 && !dialer.multiChannel()) {
            throw new MigrationException("Migration requires multi-channel URIs (e.g. tcp)");
        }
        checkPages(guest, config);
        OutgoingMigration migration = new OutgoingMigration(guest, dialer, config, observer, name);
        Thread _ = migration.crew.start(migration::run);
        return migration;
    }

    /** A destination wants all parts of a huge page at once, and is told of the pages' size before RAM. */
    private static void checkPages(Guest guest, OutgoingConfig config) {
        for (RamBlock block : guest.memory().blocks()) {
            if (config.postcopy() != null && block.hostPageSize() != PageSize.BYTES) {
                throw new MigrationException(
                        "block '%s' lies in pages of %d bytes, which cannot follow a guest in postcopy: switch postcopy-ram off"
                                .formatted(block.name(), block.hostPageSize()));
            }
        }
    }

    public MigrationState state() {
        return stage.state();
    }

    /**
     * Completes once, after everything was given back and the guest runs or stays as the outcome demands; with the report
     * of a migration that completed, failed or was cancelled alike.
     */
    public CompletableFuture<OutgoingReport> completion() {
        return completion;
    }

    /** Gives up, unless the guest was handed over already. Returns at once; {@link #completion} tells the end. */
    public void cancel() {
        if (!orders.cancel()) {
            return;
        }
        breakConnections();
        held.open();
    }

    /**
     * Breaks its connections, as a network does that fails: whoever waits for one wakes, and the migration ends as it would
     * then. Returns at once, without waiting for any lock that a stuck migration holds.
     */
    public void yank() {
        OutgoingPostcopy moved = postcopy;
        if (moved != null && moved.hasLeft()) {
            connections.breakAll(); // it waits for others
            return;
        }
        yanked = true;
        breakConnections();
    }

    /** Whoever waits for a window, a peer or a connection wakes with an error, and the thread sees why. */
    private void breakConnections() {
        rate.stop();
        connections.close();
        Thread waiting = dialing;
        if (waiting != null) {
            waiting.interrupt();
        }
    }

    /** Its threads that run now. */
    public List<Crew.Member> threads() {
        return crew.running();
    }

    /** Lets a migration in {@link MigrationState.PreSwitchover} go on; in any other state nothing happens. Returns at once. */
    public void proceed() {
        held.open();
    }

    /**
     * Lets the guest move before all of its pages have, as soon as that can be; without effect if it has moved. Returns at
     * once. Needs {@link OutgoingConfig#postcopy}.
     */
    public void startPostcopy() {
        orders.startPostcopy();
    }

    /**
     * Breaks the connection of a postcopy, which then waits for {@link #resume}. Waits for nobody; takes effect when the guest
     * runs at the destination, and no more when everything was sent by then.
     *
     * @return false if it is not in {@code postcopy-active} or {@code postcopy-recover}, or if everything was sent, the answer
     *     is still to come, and could not be asked for again (without capability {@code x-handover})
     */
    public boolean pausePostcopy() {
        OutgoingPostcopy moved = postcopy;
        return moved != null && moved.pause();
    }

    /**
     * Goes on with a postcopy that lost its connection. Returns at once.
     *
     * @param dialer opens the new ones
     * @return false if it is not in {@code postcopy-paused}
     */
    public boolean resume(Dialer dialer) {
        OutgoingPostcopy moved = postcopy;
        return moved != null && moved.resume(dialer);
    }

    /**
     * Ends a postcopy that is paused, or about to be: what is not at the destination is lost there. Without effect on any
     * other migration.
     */
    public void abandon(String why) {
        OutgoingPostcopy moved = postcopy;
        if (moved != null) {
            moved.abandon(why);
        }
    }

    /** Changes the cap on pages that nobody asked for at once; 0 lifts it. */
    public void maxPostcopyBandwidth(long bytesPerSecond) {
        limits.maxPostcopyBandwidth(bytesPerSecond);
    }

    /** Changes the cap at once; 0 lifts it. Without effect once the guest is stopped. */
    public void maxBandwidth(long bytesPerSecond) {
        limits.maxBandwidth(bytesPerSecond);
    }

    public void downtimeLimit(Duration limit) {
        limits.downtime(limit);
    }

    /** Bandwidth to assume for the last pages, bytes per second; 0: as measured. */
    public void switchoverBandwidth(long bytesPerSecond) {
        limits.switchoverBandwidth(bytesPerSecond);
    }

    /**
     * Changes the size of the XBZRLE cache, which begins empty again; without effect where no deltas are made.
     *
     * @param bytes a power of two of 4096 and up
     * @throws MigrationException if memory cannot be had; the cache stays as it was
     */
    public void deltaCache(long bytes) {
        forms.deltaCache(bytes);
    }

    /** Changes who looks for zero pages, from the next slice of pages on. */
    public void zeroPages(ZeroPageDetection value) {
        zeroPages = value;
    }

    /** Whether pages wait for a busy thread of {@link PageCompression}, from the next page on. */
    public void waitForCompressThread(boolean value) {
        forms.waitForCompressThread(value);
    }

    public MigrationProgress progress() {
        return figures.progress(stage.state());
    }

    /** What the pause was made of; empty until it is over. */
    public Optional<OutgoingReport.Downtime> downtime() {
        return figures.downtime();
    }

    /** One look at what it counted so far. */
    public CounterValues counters() {
        return figures.counters(stage.state());
    }

    private void run() {
        stage.enter(stage.state());
        rate.enter();
        Throwable failure = null;
        try (forms;
                Lease _ = guest.memory().lease(name)) {
            migrate();
        } catch (Throwable t) {
            failure = t;
        } finally {
            if (postcopy != null) {
                postcopy.close();
            }
            rate.leave();
        }
        liftThrottle(failure);
        figures.ended();
        end(failure);
    }

    /** Whatever came of it: a guest that stays must not stay slow, and one that left must not come back so. */
    private void liftThrottle(Throwable failure) {
        try {
            throttle.lift();
        } catch (RuntimeException e) {
            // Who owns the guest is decided already, and nothing that a throttle does may change it.
            if (failure != null) {
                failure.addSuppressed(e);
            }
        }
    }

    private void migrate() throws IOException {
        try (connections;
                PendingPages pending = new PendingPages(guest.memory(), guest.dirtySource())) {
            try {
                connectAndMove(pending);
            } catch (Throwable t) {
                pending.giveBack();
                salvage();
                if (cancelled()) {
                    letGo(); // disarming the dirty source takes longer the larger the guest is, and it need not wait
                    // for that
                }
                throw t;
            }
        }
    }

    /** A postcopy was given up: whoever wants what is left of the guest here gets it. Nothing runs it any more. */
    private void salvage() {
        OutgoingPostcopy moved = postcopy;
        if (moved == null || !moved.incomplete() || orders.ownership().ours()) {
            return;
        }
        Consumer<HalfState> taker = config.postcopy().salvage();
        if (taker != null) {
            ArrivingPages all = moved::isHere;
            taker.accept(new HalfState(
                    HalfState.Side.SOURCE, guest.machine(), moved.id(), guest.memory(), all, moved.devices()));
        }
    }

    private void connectAndMove(PendingPages pending) throws IOException {
        Connection main = connections.add(dial(dialer), ConnectionSet.MAIN);
        main.limitWrites("main", config.stallLimit());
        figures.connected();
        if (config.returnPath() && !main.bidirectional()) {
            throw new MigrationException("return-path needs a transport that goes both ways (e.g. tcp)");
        }
        Echo echo = new Echo(config.clock());
        try (MainStreamWriter out = new MainStreamWriter(new StreamWriter(main), guest.ramSectionId())) {
            stage.during("opening the stream");
            out.header(Extensions.header(guest.machine(), config.validateUuid() ? guest.uuid() : null, extensions()));
            if (config.returnPath()) {
                out.command(new Command.OpenReturnPath());
                echo.ask(out, 0); // the first only to see that somebody is there
            }
            if (config.postcopy() != null) {
                out.command(new Command.PostcopyAdvise(PageSize.BYTES));
            }
            // The header goes first: a destination that does not look into a connection takes the first for the main
            // one.
            out.flush();
            OutgoingPostcopy moved = config.postcopy() == null ? null : postcopy(pending, out, echo);
            postcopy = moved;
            try (AnswerReader answers = config.returnPath() ? answers(main, echo, moved) : null;
                    UrgentChannel early = moved != null && config.postcopy().preempt() && dialect.urgentChannelAtFirst()
                            ? urgentChannel(pending, dialer)
                            : null;
                    LaneGroup lanes = lanes(out)) {
                Scanner scanner = new Scanner(
                        guest.memory(),
                        config.clock(),
                        pending,
                        lanes,
                        out,
                        rate,
                        pages,
                        forms.sent(),
                        forms.digest().recorder(),
                        config.holeRuns(),
                        () -> zeroPages,
                        config.channels() == 0,
                        dialect.zeroPagesInPackets(),
                        config.packetPages(),
                        null,
                        null);
                awaitEveryChannel(answers);
                begin(pending, scanner, out);
                Passage passage = new Passage(
                        guest,
                        config,
                        dialect,
                        orders,
                        held,
                        limits,
                        figures,
                        throttle,
                        forecaster,
                        stage,
                        forms,
                        pending,
                        scanner,
                        out,
                        answers,
                        echo);
                switch (new Precopy(passage).run()) {
                    case Precopy.Decision.Complete(double pause) -> {
                        Inquiry inquiry = new Inquiry(dialer, config.inquiryLimit(), config.clock());
                        new Switchover(passage, new HandOver(passage, main, inquiry)).run(pause);
                    }
                    case Precopy.Decision.Postcopy() -> {
                        PostcopyLink link = new PostcopyLink(connections, out, answers, true);
                        link.scanner(scanner(pending, out, config.channels() > 0 ? lanes : link.owned(plainLane(out))));
                        if (early == null) {
                            moved.urgentChannel(link);
                        } else {
                            moved.urgentChannel(link, early);
                        }
                        IOException lost = new PostcopySwitch(passage, moved, link).run();
                        moved.run(link, lost);
                    }
                }
            }
        }
    }

    private AnswerReader answers(Connection main, Echo echo, OutgoingPostcopy moved) {
        return new AnswerReader(main, connections, echo, orders, moved, config.clock(), crew);
    }

    private OutgoingPostcopy postcopy(PendingPages pending, MainStreamWriter first, Echo echo) {
        SendWindow window = new SendWindow(config.clock());
        UrgentPages urgent = new UrgentPages(guest.memory(), pending, pages, () -> {
            rate.hurry();
            window.hurry();
        });
        return new OutgoingPostcopy(
                config,
                guest.memory().blocks(),
                connections,
                orders,
                stage,
                figures,
                pending,
                urgent,
                window,
                echo,
                dialect.urgentChannelAtFirst(),
                new OutgoingPostcopy.Connector() {
                    private Dialer latest = dialer;

                    @Override
                    public PostcopyLink connect(Dialer again) throws IOException {
                        latest = again;
                        Connection main = connections.add(again.dial(config.connectLimit()), ConnectionSet.MAIN);
                        main.limitWrites("main", config.stallLimit());
                        MainStreamWriter out = first.onto(new StreamWriter(main));
                        return new PostcopyLink(connections, out, answers(main, echo, postcopy), false);
                    }

                    @Override
                    public void pages(PostcopyLink link) throws IOException {
                        rate.beginAgain(); // what was under way when the connection was lost is not
                        LaneGroup lanes = config.channels() > 0 ? pageLanes(latest) : plainLane(link.out());
                        link.scanner(scanner(pending, link.out(), link.owned(lanes)));
                    }

                    @Override
                    public Inquiry.Answer ask(UUID handover) throws IOException {
                        return new Inquiry(latest, config.inquiryLimit(), config.clock()).ask(handover);
                    }

                    @Override
                    public UrgentChannel urgent() throws IOException {
                        return urgentChannel(pending, latest);
                    }
                });
    }

    /** Pages that follow the guest over the main channel travel as they are, whatever form the others had. */
    private LaneGroup plainLane(MainStreamWriter out) {
        return new InlineLanes(
                List.of(new MainLane(out, pages, null, forms.digest().recorder(), false)), rate, config.clock());
    }

    private Scanner scanner(PendingPages pending, MainStreamWriter out, LaneGroup lanes) {
        return new Scanner(
                guest.memory(),
                config.clock(),
                pending,
                lanes,
                out,
                rate,
                pages,
                null,
                forms.digest().recorder(),
                false,
                () -> zeroPages,
                config.channels() == 0,
                dialect.zeroPagesInPackets(),
                URGENT_BATCH,
                postcopy.runs(),
                postcopy.urgentWaits());
    }

    private UrgentChannel urgentChannel(PendingPages pending, Dialer to) throws IOException {
        Connection channel = connections.add(to.dial(config.connectLimit()), ConnectionSet.URGENT);
        channel.limitWrites("preempt channel", config.stallLimit());
        return new UrgentChannel(channel, blockList(), guest.memory(), pending, pages);
    }

    private Connection dial(Dialer to) throws IOException {
        dialing = Thread.currentThread();
        try {
            orders.check(); // a cancel either sees that we dial, or is seen here
            return to.dial(config.connectLimit());
        } finally {
            dialing = null;
            boolean _ = Thread.interrupted(); // a cancel that came just too late to end the wait
        }
    }

    private LaneGroup lanes(MainStreamWriter out) throws IOException {
        return config.channels() == 0
                ? new InlineLanes(List.of(forms.mainLane(out)), rate, config.clock())
                : pageLanes(dialer);
    }

    private LaneGroup pageLanes(Dialer to) throws IOException {
        List<BlockEntry> blocks = blockList();
        List<MultifdLane> lanes = new ArrayList<>();
        try {
            for (int i = 0; i < config.channels(); i++) {
                Connection channel = connections.add(dial(to), i);
                channel.limitWrites("multifd channel " + i, config.stallLimit());
                try (StreamWriter hello = new StreamWriter(channel)) {
                    new MultifdHello(i, guest.uuid()).write(hello);
                }
                lanes.add(forms.multifdLane(channel, i, blocks));
            }
        } catch (Throwable t) {
            lanes.forEach(MultifdLane::close);
            throw t;
        }
        boolean inline = switch (config.placement()) {
            case INLINE -> true;
            case RING -> false;
            // With something to compute a lane is worth a thread of its own.
            case AUTOMATIC -> lanes.size() == 1 && !forms.compute();
        };
        return inline
                ? new InlineLanes(lanes, rate, config.clock())
                : new RingLanes(lanes, rate, connections, config.clock(), crew);
    }

    /** A destination of QEMU's that expects other channels than these waits for ever, and before it answers the first PING. */
    private void awaitEveryChannel(AnswerReader answers) throws IOException {
        if (config.channels() > 0 && answers != null && !answers.awaitFirstWord(config.stallLimit())) {
            throw new MigrationException(
                    "the destination did not answer within %s s after %d multifd channels connected: it hangs, or expects other channels; set multifd-channels alike on both sides"
                            .formatted(config.stallLimit().toMillis() / 1000.0, config.channels()));
        }
    }

    private List<String> extensions() {
        List<String> names = new ArrayList<>(forms.extensions());
        if (config.holeRuns()) {
            names.add(Extensions.HOLE_RUNS);
        }
        if (config.handover()) {
            names.add(Extensions.HANDOVER);
        }
        if (config.postcopy() != null && config.channels() > 0) {
            names.add(Extensions.MULTIFD_POSTCOPY);
        }
        return names;
    }

    private List<BlockEntry> blockList() {
        return guest.memory().blocks().stream()
                .map(block -> new BlockEntry(block.name(), block.size()))
                .toList();
    }

    private void begin(PendingPages pending, Scanner scanner, MainStreamWriter out) throws IOException {
        stage.during("listing the blocks");
        pending.start();
        out.section(SectionKind.START);
        out.blocks(blockList(), false);
        scanner.sync();
        if (dialect.perRoundSync() && config.channels() > 0) {
            out.multifdFlush();
        }
        out.endOfSection();
        out.flush();
        figures.pass();
        figures.beginRound(pending.remainingPages());
        figures.active();
        stage.enter(new MigrationState.Active());
        stage.during("sending pages");
    }

    private boolean cancelled() {
        return orders.ownership().state() == SourceOwnership.State.CANCELLED;
    }

    /** The guest of a cancelled migration may run; what it held is not all given back yet. */
    private void letGo() {
        if (!(stage.state() instanceof MigrationState.Cancelling)) {
            stage.enter(new MigrationState.Cancelling());
            stage.resume(guest);
        }
    }

    private void end(Throwable failure) {
        SourceOwnership ownership = orders.ownership();
        MigrationState last;
        boolean incomplete = postcopy != null && postcopy.incomplete();
        if (ownership.theirs() && !incomplete) {
            last = new MigrationState.Completed(); // whatever else went wrong since
            forecaster.ended();
        } else if (cancelled()) {
            letGo();
            last = new MigrationState.Cancelled();
        } else {
            last = new MigrationState.Failed(
                    stage.during(), failureReason(failure, ownership.unknown()), failure, !ownership.ours());
        }
        if (last instanceof MigrationState.Failed) {
            stage.enter(last); // before RESUME, as QEMU does
            if (ownership.ours()) {
                stage.resume(guest);
            }
        } else {
            stage.enter(last);
        }
        completion.complete(figures.report(
                last,
                ownership.state() == SourceOwnership.State.THERE,
                config.channels(),
                guest.dirtySource().name()));
    }

    private String failureReason(Throwable failure, boolean mayRunThere) {
        String reason = yanked ? YANKED : MigrationException.reasonOf(failure);
        if (mayRunThere) {
            return reason
                    + "; the destination may run the guest already, or nobody does, so it stays paused here:"
                    + " find out, then use cont on the side that shall own it";
        }
        // A destination that expects other channels hangs up or hangs; it seldom can say why.
        return config.channels() > 0 && !yanked && failure instanceof IOException && figures.inFirstRound()
                ? reason + "; if the destination does not say why: set multifd-channels alike on both sides"
                : reason;
    }
}
