package org.transhume.engine.outgoing;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.transhume.channels.Connection;
import org.transhume.channels.qemu.BlockEntry;
import org.transhume.channels.qemu.Command;
import org.transhume.channels.qemu.DeviceTail;
import org.transhume.channels.qemu.Dialect;
import org.transhume.channels.qemu.MainStreamWriter;
import org.transhume.channels.qemu.MultifdHello;
import org.transhume.channels.qemu.SectionKind;
import org.transhume.channels.qemu.StreamWriter;
import org.transhume.engine.ConnectionSet;
import org.transhume.engine.Extensions;
import org.transhume.engine.Guest;
import org.transhume.engine.MigrationException;
import org.transhume.engine.MigrationObserver;
import org.transhume.engine.MigrationState;
import org.transhume.engine.PageCounters;
import org.transhume.memory.Lease;

/**
 * Moves a guest away: rounds of dirty pages while it runs, then the switchover. Runs in a thread of its own from
 * {@link #start} to its end; every public method may be called from any thread.
 *
 * <p>Until the first byte that lets the destination start the guest, any failure leaves the guest as it was, its dirty
 * information whole and nothing held. After that byte the guest stays paused unless the destination answers that it did not
 * load it (docs/decisions/0005).
 */
public final class OutgoingMigration {
    private static final long SLICE_NANOS = 50_000_000;
    private static final double NANOS_PER_MILLI = 1e6;
    private static final double NANOS_PER_SECOND = 1e9;
    /** Part of the downtime limit that is not planned with. */
    private static final double RESERVE = 0.25;

    private static final Duration COMMAND_END_LIMIT = Duration.ofSeconds(10);

    private final Guest guest;
    private final Dialer dialer;
    private final OutgoingConfig config;
    private final MigrationObserver observer;
    private final String name;
    private final Dialect dialect;

    private final ConnectionSet connections = new ConnectionSet();
    private final RateLimit rate;
    private final Meter meter = new Meter();
    private final PageCounters pages = new PageCounters();
    private final PageForms forms;

    private final CompletableFuture<OutgoingReport> completion = new CompletableFuture<>();
    private final List<OutgoingReport.Round> rounds = new ArrayList<>();
    private final long ramBytes;
    private final long startNanos = System.nanoTime();

    private volatile MigrationState state = new MigrationState.Setup();
    private volatile Duration downtimeLimit;
    private volatile long switchoverBandwidth;
    private volatile long cap;
    private volatile long activeNanos;
    private volatile long endNanos;
    private volatile long pausedNanos;
    private volatile long remainingBytes;
    private volatile long mainBytesAtPause;
    private volatile Connection main;
    private volatile Thread dialing;
    private volatile int passes;

    // Guarded by this: which of the two came first decides.
    private boolean cancelled;
    private boolean handedOver;

    // Only the migration's thread.
    private long dirtyBytesAtHarvest;
    private long harvestNanos;
    private long roundPages;
    private long roundBytes;
    private long roundNanos;
    private boolean acknowledged;
    private boolean pausedHere;
    private OutgoingReport.Downtime downtime;
    private String during = "connecting";

    private OutgoingMigration(
            Guest guest, Dialer dialer, OutgoingConfig config, MigrationObserver observer, String name) {
        this.guest = guest;
        this.dialer = dialer;
        this.config = config;
        this.observer = observer;
        this.name = name;
        this.dialect = Dialect.ofMachine(guest.machine());
        this.rate = new RateLimit(config.maxBandwidth());
        this.downtimeLimit = config.downtimeLimit();
        this.cap = config.maxBandwidth();
        this.switchoverBandwidth = config.switchoverBandwidth();
        this.forms = new PageForms(config, pages, rate, name);
        this.ramBytes = guest.memory().size();
        this.remainingBytes = ramBytes;
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
        OutgoingMigration migration = new OutgoingMigration(guest, dialer, config, observer, name);
        Thread.ofPlatform().daemon().name(name).start(migration::run);
        return migration;
    }

    public MigrationState state() {
        return state;
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
        synchronized (this) {
            if (cancelled || handedOver || state.ended()) {
                return;
            }
            cancelled = true;
        }
        // Whoever waits for a window, a peer or a connection wakes with an error, and the thread sees why.
        rate.stop();
        connections.close();
        Thread waiting = dialing;
        if (waiting != null) {
            waiting.interrupt();
        }
    }

    /** Changes the cap at once; 0 lifts it. Without effect once the guest is stopped. */
    public void maxBandwidth(long bytesPerSecond) {
        cap = bytesPerSecond;
        if (pausedNanos == 0) {
            rate.set(bytesPerSecond);
        }
    }

    public void downtimeLimit(Duration limit) {
        downtimeLimit = limit;
    }

    /** Bandwidth to assume for the last pages, bytes per second; 0: as measured. */
    public void switchoverBandwidth(long bytesPerSecond) {
        switchoverBandwidth = bytesPerSecond;
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

    /** Whether pages wait for a busy thread of {@link PageCompression}, from the next page on. */
    public void waitForCompressThread(boolean value) {
        forms.waitForCompressThread(value);
    }

    public MigrationProgress progress() {
        long now = endNanos != 0 ? endNanos : System.nanoTime();
        long active = activeNanos;
        long paused = pausedNanos;
        Connection mainChannel = main;
        long mainBytes = mainChannel == null ? 0 : mainChannel.bytesWritten();
        long all = connections.bytesWritten();
        boolean completed = state instanceof MigrationState.Completed;
        double rate = completed && now > active ? all * 1e9 / (now - active) : meter.bytesPerSecond();
        return new MigrationProgress(
                millis(now - startNanos),
                active == 0 ? 0 : millis(active - startNanos),
                paused == 0 ? 0 : millis(now - paused),
                meter.expectedDowntimeMillis(downtimeLimit.toMillis()),
                ramBytes,
                completed ? 0 : remainingBytes,
                all,
                all - mainBytes,
                pages.normal.sum(),
                pages.zero.sum() + pages.hole.sum(),
                passes,
                completed ? 0 : meter.dirtyPagesPerSecond(),
                rate,
                meter.pagesPerSecond(),
                paused == 0 ? mainBytes : mainBytesAtPause,
                paused == 0 ? 0 : mainBytes - mainBytesAtPause,
                forms.delta(),
                forms.pageCompression());
    }

    private static long millis(long nanos) {
        return TimeUnit.NANOSECONDS.toMillis(nanos);
    }

    private void run() {
        observer.state(state);
        Throwable failure = null;
        try (forms;
                Lease _ = guest.memory().lease(name)) {
            migrate();
        } catch (Throwable t) {
            failure = t;
        }
        endNanos = System.nanoTime();
        end(failure);
    }

    private void migrate() throws IOException {
        try (connections;
                PendingPages pending = new PendingPages(guest.memory(), guest.dirtySource())) {
            try {
                connectAndMove(pending);
            } catch (Throwable t) {
                pending.giveBack();
                throw t;
            }
        }
    }

    private void connectAndMove(PendingPages pending) throws IOException {
        main = connections.add(dial());
        if (config.returnPath() && !main.bidirectional()) {
            throw new MigrationException("return-path needs a transport that goes both ways (e.g. tcp)");
        }
        try (MainStreamWriter out = new MainStreamWriter(new StreamWriter(main), guest.ramSectionId())) {
            during = "opening the stream";
            out.header(Extensions.header(guest.machine(), extensions()));
            if (config.returnPath()) {
                out.command(new Command.OpenReturnPath());
                out.command(new Command.Ping(1));
            }
            // The header goes first: a destination that does not look into a connection takes the first for the main
            // one.
            out.flush();
            try (AnswerReader answers = config.returnPath() ? new AnswerReader(main, connections, name) : null;
                    LaneGroup lanes = lanes(out)) {
                Scanner scanner = new Scanner(
                        guest.memory(),
                        pending,
                        lanes,
                        out,
                        rate,
                        pages,
                        forms.sent(),
                        config.holeRuns(),
                        config.zeroPages(),
                        config.channels() == 0
                                || (dialect.zeroPagesInPackets() && config.zeroPages() == ZeroPageDetection.MULTIFD));
                move(pending, scanner, out, answers);
            }
        }
    }

    private Connection dial() throws IOException {
        dialing = Thread.currentThread();
        try {
            return dialer.dial(config.connectLimit());
        } finally {
            dialing = null;
            boolean _ = Thread.interrupted(); // a cancel that came just too late to end the wait
        }
    }

    private LaneGroup lanes(MainStreamWriter out) throws IOException {
        if (config.channels() == 0) {
            return new InlineLanes(List.of(forms.mainLane(out)), rate);
        }
        List<BlockEntry> blocks = blockList();
        List<MultifdLane> lanes = new ArrayList<>();
        try {
            for (int i = 0; i < config.channels(); i++) {
                Connection channel = connections.add(dial());
                try (StreamWriter hello = new StreamWriter(channel)) {
                    new MultifdHello(i).write(hello);
                }
                lanes.add(new MultifdLane(channel, i, blocks, pages, forms.body()));
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
        return inline ? new InlineLanes(lanes, rate) : new RingLanes(lanes, rate, connections, name);
    }

    private List<String> extensions() {
        List<String> names = new ArrayList<>(forms.extensions());
        if (config.holeRuns()) {
            names.add(Extensions.HOLE_RUNS);
        }
        return names;
    }

    private List<BlockEntry> blockList() {
        return guest.memory().blocks().stream()
                .map(block -> new BlockEntry(block.name(), block.size()))
                .toList();
    }

    private void move(PendingPages pending, Scanner scanner, MainStreamWriter out, AnswerReader answers)
            throws IOException {
        during = "listing the blocks";
        pending.start();
        out.section(SectionKind.START);
        out.blocks(blockList(), false);
        scanner.sync();
        mark(out);
        out.endOfSection();
        out.flush();
        pass();
        beginRound(pending.remainingPages());
        activeNanos = System.nanoTime();
        meter.start(activeNanos, connections.bytesWritten(), sentPages());
        enter(new MigrationState.Active());
        during = "sending pages";
        double predicted = precopy(pending, scanner, out, answers);
        switchover(pending, scanner, out, answers, predicted);
    }

    /** @return the pause expected for what is left, in milliseconds */
    private double precopy(PendingPages pending, Scanner scanner, MainStreamWriter out, AnswerReader answers)
            throws IOException {
        while (true) {
            checkOrders(answers);
            remainingBytes = scanner.remainingBytes();
            if (scanner.holesSent() && fitsIntoPause()) {
                harvest(pending, scanner, out);
                if (fitsIntoPause()) {
                    double bandwidth = bandwidth();
                    return bandwidth > 0 ? remainingBytes * 1000 / bandwidth : 0;
                }
            }
            out.section(SectionKind.PART);
            scanner.scan(System.nanoTime() + SLICE_NANOS);
            // Pages that threads still compress must be in this section too.
            if (!dialect.perRoundSync() || config.pageCompression() != null) {
                scanner.sync();
            }
            out.endOfSection();
            out.flush();
            long now = System.nanoTime();
            meter.update(now, connections.bytesWritten(), sentPages(), dirtyBytesAtHarvest);
            forms.update(now, sentPages());
        }
    }

    private boolean fitsIntoPause() {
        return remainingBytes == 0 || remainingBytes < threshold();
    }

    /** Ends an epoch, so that no page travels twice within one, and asks the dirty source. */
    private void harvest(PendingPages pending, Scanner scanner, MainStreamWriter out) throws IOException {
        if (dialect.perRoundSync() && config.channels() > 0) {
            out.section(SectionKind.PART);
            scanner.sync();
            mark(out);
            out.endOfSection();
            out.flush();
        }
        forms.epochEnded();
        endRound();
        long before = System.nanoTime();
        long found = pending.harvest();
        harvestNanos = System.nanoTime() - before;
        meter.harvested(System.nanoTime(), found);
        remainingBytes = scanner.remainingBytes();
        dirtyBytesAtHarvest = remainingBytes;
        pass();
        scanner.beginRound(passes, false);
        beginRound(found);
    }

    private void switchover(
            PendingPages pending, Scanner scanner, MainStreamWriter out, AnswerReader answers, double predicted)
            throws IOException {
        during = "stopping the guest";
        mainBytesAtPause = main.bytesWritten();
        long t0 = System.nanoTime();
        pausedNanos = t0;
        pausedHere = guest.running();
        guest.pause();
        long stopped = System.nanoTime();
        enter(new MigrationState.Device());
        rate.set(0);
        endRound();
        during = "sending the last pages";
        long found = pending.harvest();
        pass();
        scanner.beginRound(passes, true);
        beginRound(found);
        long harvested = System.nanoTime();
        if (dialect.switchoverStart()) {
            out.command(new Command.SwitchoverStart());
        }
        out.section(SectionKind.END);
        while (!scanner.scan(System.nanoTime() + SLICE_NANOS)) {
            checkOrders(answers);
        }
        scanner.sync();
        mark(out);
        out.endOfSection();
        out.flush();
        endRound();
        remainingBytes = 0;
        long sent = System.nanoTime();
        during = "sending the devices";
        DeviceTail tail = guest.saveDevices();
        out.devices(tail);
        out.flush();
        checkOrders(answers);
        handOver();
        during = "handing over";
        out.end(tail);
        out.flush();
        long devices = System.nanoTime();
        if (answers == null) {
            main.finishWriting();
            main.awaitEnd(COMMAND_END_LIMIT);
        } else {
            awaitAnswer(answers);
        }
        long end = System.nanoTime();
        downtime = new OutgoingReport.Downtime(
                (end - t0) / NANOS_PER_MILLI,
                predicted,
                (stopped - t0) / NANOS_PER_MILLI,
                (harvested - stopped) / NANOS_PER_MILLI,
                (sent - harvested) / NANOS_PER_MILLI,
                (devices - sent) / NANOS_PER_MILLI,
                (end - devices) / NANOS_PER_MILLI);
    }

    private void mark(MainStreamWriter out) throws IOException {
        if (dialect.perRoundSync() && config.channels() > 0) {
            out.multifdFlush();
        }
    }

    private void handOver() {
        synchronized (this) {
            if (cancelled) {
                throw new MigrationException("the migration was cancelled");
            }
            handedOver = true;
        }
    }

    private void awaitAnswer(AnswerReader answers) throws IOException {
        int status = answers.status();
        if (status != 0) {
            // It says that it does not run the guest: ownership is known again, and it is ours.
            synchronized (this) {
                handedOver = false;
            }
            throw new IOException("the destination could not load the guest (status %d)".formatted(status));
        }
        acknowledged = true;
    }

    /** Looks whether somebody wants this to end: the caller, or the destination. */
    private void checkOrders(AnswerReader answers) throws IOException {
        synchronized (this) {
            if (cancelled) {
                throw new MigrationException("the migration was cancelled");
            }
        }
        if (answers != null && answers.ended()) {
            throw new IOException("the destination ended the migration before it was complete (status %d)"
                    .formatted(answers.status()));
        }
    }

    private double bandwidth() {
        long assumed = switchoverBandwidth;
        return assumed > 0 ? assumed : meter.bytesPerSecond();
    }

    /**
     * Bytes that can follow while the guest stands, without exceeding the limit: what the pause costs beside them comes off
     * first, and a part for whatever goes slower than it did.
     */
    private long threshold() {
        double limit = downtimeLimit.toNanos();
        double room = limit * (1 - RESERVE) - 2.0 * harvestNanos;
        // A limit that the fixed costs fill must not keep a guest for ever: a little is always allowed, as asked for.
        return (long) (bandwidth() * Math.max(room, limit / 10) / NANOS_PER_SECOND);
    }

    private long sentPages() {
        return pages.normal.sum() + pages.zero.sum() + pages.hole.sum() + forms.processedPages();
    }

    private void pass() {
        int number = passes + 1; // one writer: the migration's thread
        passes = number;
        observer.pass(number);
    }

    private void beginRound(long dirtyPages) {
        roundPages = dirtyPages;
        roundBytes = connections.bytesWritten();
        roundNanos = System.nanoTime();
    }

    private void endRound() {
        rounds.add(new OutgoingReport.Round(
                passes,
                roundPages,
                connections.bytesWritten() - roundBytes,
                (System.nanoTime() - roundNanos) / NANOS_PER_MILLI));
    }

    private void enter(MigrationState next) {
        state = next;
        observer.state(next);
    }

    private void end(Throwable failure) {
        boolean wasCancelled;
        boolean mayRunThere;
        synchronized (this) {
            wasCancelled = cancelled;
            mayRunThere = handedOver && !acknowledged && failure != null;
        }
        MigrationState last;
        if (failure == null) {
            last = new MigrationState.Completed();
        } else if (wasCancelled) {
            enter(new MigrationState.Cancelling());
            last = new MigrationState.Cancelled();
        } else {
            last = new MigrationState.Failed(during, failureReason(failure, mayRunThere), failure, mayRunThere);
        }
        if (last instanceof MigrationState.Failed) {
            enter(last); // before RESUME, as QEMU does
        }
        if (failure != null && !mayRunThere && pausedHere) {
            guest.resume();
        }
        if (!(last instanceof MigrationState.Failed)) {
            enter(last);
        }
        completion.complete(report(last));
    }

    private static String failureReason(Throwable failure, boolean mayRunThere) {
        return mayRunThere
                ? MigrationException.reasonOf(failure)
                        + "; the destination may run the guest already, so it stays paused here:"
                        + " find out, then use cont on the side that shall own it"
                : MigrationException.reasonOf(failure);
    }

    private OutgoingReport report(MigrationState last) {
        return new OutgoingReport(
                switch (last) {
                    case MigrationState.Completed _ -> "completed";
                    case MigrationState.Cancelled _ -> "cancelled";
                    default -> "failed";
                },
                last instanceof MigrationState.Failed failed
                        ? "%s: %s".formatted(failed.during(), failed.reason())
                        : null,
                acknowledged,
                (endNanos - startNanos) / NANOS_PER_MILLI,
                activeNanos == 0 ? 0 : (activeNanos - startNanos) / NANOS_PER_MILLI,
                downtime,
                ramBytes,
                connections.bytesWritten(),
                main == null ? 0 : connections.bytesWritten() - main.bytesWritten(),
                pages.normal.sum(),
                pages.zero.sum(),
                pages.hole.sum(),
                passes,
                config.channels(),
                cap,
                forms.delta(),
                forms.chosen(),
                forms.pageCompression(),
                guest.dirtySource().name(),
                List.copyOf(rounds));
    }
}
