package org.transhume.engine.incoming;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.transhume.channels.Connection;
import org.transhume.channels.Listener;
import org.transhume.channels.qemu.CorruptStreamException;
import org.transhume.channels.qemu.HandoverRecord;
import org.transhume.channels.qemu.MainStreamParser;
import org.transhume.channels.qemu.MultifdHello;
import org.transhume.channels.qemu.PostcopyPackage;
import org.transhume.channels.qemu.ReturnPathMessage;
import org.transhume.channels.qemu.StreamReader;
import org.transhume.engine.ConnectionSet;
import org.transhume.engine.Extensions;
import org.transhume.engine.HalfState;
import org.transhume.engine.IncomingGuest;
import org.transhume.engine.MigrationException;
import org.transhume.engine.MigrationObserver;
import org.transhume.engine.MigrationState;
import org.transhume.engine.PageCounters;
import org.transhume.engine.PostcopyTimes;
import org.transhume.engine.Threads;
import org.transhume.engine.counters.ChannelBytes;
import org.transhume.engine.counters.Counter;
import org.transhume.engine.counters.CounterValues;
import org.transhume.engine.counters.Side;
import org.transhume.engine.counters.StateCode;
import org.transhume.engine.digest.RamDigest;
import org.transhume.engine.handover.Agreement;
import org.transhume.engine.stalls.PageStalls;
import org.transhume.engine.stalls.StallFigures;

/**
 * Takes one guest in. Accepts connections, tells them apart by their first four bytes, loads RAM and devices, starts the
 * guest and tells the source. The peer is not trusted: whatever it sends, this ends with a guest that is whole or with a
 * failure that left nothing behind. Public methods may be called from any thread.
 */
public final class IncomingMigration {
    private static final double NANOS_PER_MILLI = 1e6;
    private static final int MAGIC_BYTES = 4;
    /** Connections beside those expected that may be half-way through their first bytes. */
    private static final int STRANGERS = 16;

    private static final int SHUT_FAILED = 1;
    private static final ValueLayout.OfInt BE32 = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);

    private final IncomingGuest guest;
    private volatile Listener listener; // a recovery may bring another
    private final Supplier<IncomingConfig> settings;
    private final MigrationObserver observer;
    private final String name;

    private final ConnectionSet connections = new ConnectionSet();
    private final PageCounters pages = new PageCounters();
    private final PostcopyTimes postcopyTimes = new PostcopyTimes();
    private final CompletableFuture<LoadedRam> ramReady = new CompletableFuture<>();
    private final CompletableFuture<IncomingReport> completion = new CompletableFuture<>();
    /** Completes with the main stream loaded, or with the first thing that went wrong anywhere. */
    private final CompletableFuture<MainLoader> loaded = new CompletableFuture<>();

    private final List<Thread> arrivals = new ArrayList<>(); // guarded by itself
    private final List<ChannelLoader> channels = new ArrayList<>(); // guarded by arrivals
    private final BitSet channelIds = new BitSet(); // guarded by arrivals
    private Connection main; // guarded by arrivals
    private IncomingConfig config; // guarded by arrivals
    private SyncPoints syncs; // guarded by arrivals
    private boolean ending; // guarded by arrivals
    private final List<Thread> acceptors = new ArrayList<>(); // guarded by arrivals
    private MainStreamParser parser; // of the thread of the main channel
    private boolean toldMissing; // of this migration's thread
    private volatile boolean runsEarly;
    private int accepted; // guarded by arrivals

    private volatile MigrationState state = new MigrationState.Setup();
    private volatile MainLoader mainLoader;
    private volatile ReturnPath returnPath;
    private volatile Announcements announcements;
    private volatile Takeover takeover;
    private volatile String aborted;
    private volatile IncomingPostcopy postcopy;
    private volatile long firstNanos;
    private volatile long endNanos;
    private volatile boolean quiet;

    private IncomingMigration(
            IncomingGuest guest,
            Listener listener,
            Supplier<IncomingConfig> settings,
            MigrationObserver observer,
            String name) {
        this.guest = guest;
        this.listener = listener;
        this.settings = settings;
        this.observer = observer;
        this.name = name;
    }

    /** As {@link #start(IncomingGuest, Listener, Supplier, MigrationObserver, String)}, with settings that do not change. */
    public static IncomingMigration start(
            IncomingGuest guest, Listener listener, IncomingConfig config, MigrationObserver observer, String name) {
        return start(guest, listener, () -> config, observer, name);
    }

    /**
     * Begins to accept; returns at once. The listener is this migration's from here on.
     *
     * @param settings asked when the first peer says something, which is when they are latched; those of announcements
     *     once the guest is loaded
     * @param name names the threads
     */
    public static IncomingMigration start(
            IncomingGuest guest,
            Listener listener,
            Supplier<IncomingConfig> settings,
            MigrationObserver observer,
            String name) {
        IncomingMigration migration = new IncomingMigration(guest, listener, settings, observer, name);
        Thread.ofPlatform().daemon().name(name).start(migration::run);
        return migration;
    }

    public MigrationState state() {
        return state;
    }

    /** Completes once, after everything was given back, with the report of a migration that completed or failed alike. */
    public CompletableFuture<IncomingReport> completion() {
        return completion;
    }

    /** Ends a migration that has not completed; its source keeps the guest. */
    public void abort(String why) {
        aborted = why;
        loaded.completeExceptionally(new MigrationException(why));
        Takeover begun = takeover;
        if (begun != null) {
            begun.abort(why);
        }
        IncomingPostcopy arriving = postcopy;
        if (arriving != null) {
            arriving.giveUp(why);
        }
    }

    /** Breaks its connections, as a network does that fails; without effect while there are none. Returns at once. */
    public void yank() {
        if (postcopy != null) {
            connections.breakAll(); // it waits for others
        } else if (!connections.isEmpty()) {
            loaded.completeExceptionally(new MigrationException("its connections were closed by yank"));
            connections.close();
        }
    }

    /**
     * Breaks the connections of a postcopy, which then waits for others. Waits for nobody; takes effect when the guest runs
     * here: before, it is its source's, and the migration would fail.
     *
     * @return false if it is not in {@code postcopy-active} or {@code postcopy-recover}
     */
    public boolean pausePostcopy() {
        IncomingPostcopy arriving = postcopy;
        return arriving != null && arriving.pause();
    }

    /**
     * Has a postcopy that lost its connection wait for its source at {@code next}, which is this migration's from here on
     * if this returns true; one that was given before is closed.
     *
     * @return false if it is not in {@code postcopy-paused}
     */
    public boolean recover(Listener next) {
        IncomingPostcopy arriving = postcopy;
        if (arriving == null || !arriving.paused()) {
            return false;
        }
        Listener older = listener;
        listener = next;
        older.close();
        startAccepting(next);
        return true;
    }

    private void startAccepting(Listener from) {
        synchronized (arrivals) {
            acceptors.add(Thread.ofPlatform().daemon().name(name + " accept").start(() -> accept(from)));
        }
    }

    /** Gives up the address where it listens, so that {@link #recover} can be given another listener there. */
    public void dropListener() {
        listener.close();
    }

    /** How long threads waited for pages, so far or in all; empty while none were missing. */
    public Optional<StallFigures> stalls() {
        IncomingPostcopy arriving = postcopy;
        if (arriving == null) {
            return Optional.empty();
        }
        if (runsEarly && !state.ended()) {
            arriving.ram().stalls().vcpus(guest.vcpuThreads()); // a guest that was stopped meanwhile has others now
        }
        return Optional.of(arriving.ram().stalls().figures());
    }

    /** Ends the announcements of a guest that has arrived; none is under way when this returns. */
    public void endAnnouncements() {
        Announcements begun = announcements;
        if (begun != null) {
            begun.close();
        }
    }

    /** One look at what it counted so far. */
    public CounterValues counters() {
        CounterValues.Builder values = CounterValues.of(Side.DESTINATION);
        ChannelBytes.count(connections, values);
        long first = firstNanos;
        long end = endNanos;
        MainLoader loader = mainLoader;
        SyncPoints points = syncs();
        Optional<StallFigures> waits = stalls();
        return values.with(Counter.STATE, StateCode.of(state).code())
                .with(
                        Counter.POSTCOPY_BLOCKTIME_MILLIS,
                        waits.map(all -> TimeUnit.NANOSECONDS.toMillis(all.allStalledNanos()))
                                .orElse(0L))
                .with(
                        Counter.POSTCOPY_LATENCY_NANOS,
                        waits.map(all -> all.all().meanNanos()).orElse(0L))
                .with(
                        Counter.ELAPSED_MILLIS,
                        first == 0 ? 0 : TimeUnit.NANOSECONDS.toMillis((end == 0 ? System.nanoTime() : end) - first))
                .with(Counter.RAM_BYTES, loader == null ? 0 : loader.ramBytes())
                .with(Counter.DEVICE_BYTES, loader == null ? 0 : loader.deviceBytes())
                .with(Counter.NORMAL_PAGES, pages.normal.sum())
                .with(Counter.ZERO_PAGES, pages.zero.sum())
                .with(Counter.HOLE_PAGES, pages.hole.sum())
                .with(Counter.DELTA_PAGES, pages.delta.sum())
                .with(Counter.COMPRESSED_PAGES, pages.compressed.sum())
                .with(Counter.SYNC_PACKETS, pages.syncPackets.sum())
                .with(Counter.POSTCOPY_REQUESTS, pages.requested.sum())
                .with(Counter.SYNCS, points == null ? 0 : points.passed())
                .build();
    }

    private void run() {
        enter(state);
        startAccepting(listener);
        Throwable failure = null;
        MainLoader loader = null;
        double loadMillis = 0;
        double startMillis = 0;
        try {
            if (settings.get().shared().contains(Extensions.RAM_DIGEST)) {
                RamDigest.prepare(); // this thread has nothing else to do for now
            }
            loader = loaded.join();
            IncomingPostcopy arriving = postcopy;
            if (arriving == null) {
                stopChannels();
                loader.checkComplete();
            } else {
                guest.missing(arriving.ram());
                toldMissing = true;
            }
            long t0 = System.nanoTime();
            guest.load(arriving == null ? loader.devices() : arriving.whole().devices());
            // Whatever else must hold before the guest may run here is looked at now: it can still be refused.
            loadMillis = (System.nanoTime() - t0) / NANOS_PER_MILLI;
            takeOver(loader);
            long t1 = System.nanoTime();
            if (!latched().lateDisks() || guest.startsRunning()) {
                guest.activateDisks();
            }
            announcements = Announcements.begin(guest::announce, settings.get().announcements(), name);
            guest.start();
            takeover.started();
            startMillis = (System.nanoTime() - t1) / NANOS_PER_MILLI;
            if (arriving != null) {
                runsEarly = true;
                arriving.ram().stalls().vcpus(guest.vcpuThreads());
                arriving.started(returnPath);
                arriving.awaitWhole();
                takeover.whole(arriving.main(mainConnection()), 0);
            }
        } catch (CompletionException e) {
            failure = e.getCause();
        } catch (Throwable t) {
            failure = t;
        }
        if (failure != null && takeover != null) {
            takeover.failed();
        }
        if (failure == null || !runsEarly) { // else the source must not take it back
            answer(failure);
        }
        if (failure != null) {
            endAnnouncements();
        }
        if (takeover != null) {
            takeover.settle();
        }
        close(failure != null);
        end(failure, loadMillis, startMillis);
    }

    private void takeOver(MainLoader loader) throws IOException {
        Agreement agreement = latched().handover()
                ? Agreement.GRANTED
                : returnPath.opened() ? Agreement.ANSWERED : Agreement.UNANSWERED;
        Takeover last = postcopy == null
                ? new Takeover(agreement, mainConnection(), loader.end(), () -> false)
                : new Takeover(agreement, null, 0, postcopy::comes);
        takeover = last;
        String given = aborted;
        if (given != null) {
            last.abort(given);
        }
        last.loaded(returnPath);
    }

    /** The last word to the source, if it opened a return path: 0 once the guest is loaded and started. */
    private void answer(Throwable failure) {
        IncomingPostcopy arriving = postcopy;
        ReturnPath path = arriving == null ? returnPath : arriving.answers(returnPath);
        if (path == null) {
            return;
        }
        try {
            path.end(new ReturnPathMessage.Shut(failure == null ? 0 : SHUT_FAILED));
        } catch (IOException e) {
            // The guest is here and runs, or is not and does not: the source finds its own words for the lost answer.
        }
    }

    /** The settings that this migration keeps to its end: those of when it is first asked for them. */
    private IncomingConfig latched() {
        synchronized (arrivals) {
            if (config == null) {
                config = settings.get();
                syncs = new SyncPoints(config.channels());
                if (ending) {
                    syncs.end();
                }
            }
            return config;
        }
    }

    private void endSyncs() {
        synchronized (arrivals) {
            ending = true;
            if (syncs != null) {
                syncs.end();
            }
            arrivals.notifyAll();
        }
    }

    private Connection mainConnection() {
        synchronized (arrivals) {
            return main;
        }
    }

    private void accept(Listener from) {
        try {
            while (true) {
                Connection connection = from.accept(Duration.ZERO);
                Takeover last = takeover;
                if (last != null && postcopy == null && last.mayBeAsked()) {
                    last.asked(connection);
                    continue;
                }
                connections.add(connection);
                synchronized (arrivals) {
                    arrivals.removeIf(arrival -> !arrival.isAlive()); // who only looked leaves no trace
                    int expected = config == null ? settings.get().channels() : config.channels();
                    if (arrivals.size() > expected + STRANGERS) {
                        connections.drop(connection);
                        continue;
                    }
                    arrivals.add(Thread.ofPlatform()
                            .daemon()
                            .name("%s channel %d".formatted(name, accepted++))
                            .start(() -> arrived(connection)));
                }
            }
        } catch (IOException e) {
            if (!quiet && postcopy == null) {
                loaded.completeExceptionally(e);
            }
        }
    }

    private void arrived(Connection connection) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment first = arena.allocate(MultifdHello.BYTES, Long.BYTES);
            if (!readFully(connection, first, 0, MAGIC_BYTES)) {
                connections.drop(connection); // somebody looked whether we are here
                return;
            }
            IncomingConfig config = latched();
            int magic = first.get(BE32, 0);
            if (magic == HandoverRecord.MAGIC && takeover != null) {
                takeover.asked(connection, first.asSlice(0, MAGIC_BYTES));
                connections.drop(connection);
            } else if (magic == MultifdHello.MAGIC) {
                if (config.channels() == 0) {
                    throw new MigrationException(
                            "a multifd channel connected, but multifd is off here: set it alike on both sides");
                }
                connection.limitReads("multifd channel", config.stallLimit());
                if (!readFully(connection, first, MAGIC_BYTES, MultifdHello.BYTES)) {
                    throw new CorruptStreamException(
                            "multifd channel", MAGIC_BYTES, "the channel ends in its first 64 bytes");
                }
                MultifdHello hello = MultifdHello.parse(first, config.channels());
                identify(hello);
                loadChannel(connection, hello.id(), config);
            } else if (postcopy != null) {
                postcopy.connected(connection, first.asSlice(0, MAGIC_BYTES));
            } else {
                loadMain(connection, first.asSlice(0, MAGIC_BYTES), config);
            }
        } catch (Throwable t) {
            if (!quiet && postcopy == null) {
                loaded.completeExceptionally(t);
            }
        }
    }

    /** Unlike the stream's header, a channel's says every time whose it is: nobody's, if the source has no UUID. */
    private void identify(MultifdHello hello) {
        UUID here = guest.uuid();
        if (here != null && !here.equals(hello.uuid())) {
            throw new MigrationException(
                    "multifd channel %d: UUID received is %s and local is %s: give both sides the same UUID"
                            .formatted(hello.id(), hello.uuid() == null ? "none" : hello.uuid(), here));
        }
        if (here == null && hello.uuid() != null) {
            guest.identify(hello.uuid());
        }
    }

    private static boolean readFully(Connection connection, MemorySegment into, int from, int to) throws IOException {
        while (from < to) {
            int read = connection.read(into, from, to - from);
            if (read < 0) {
                return false;
            }
            from += read;
        }
        return true;
    }

    private void loadMain(Connection connection, MemorySegment first, IncomingConfig config) throws IOException {
        synchronized (arrivals) {
            if (main != null) {
                connections.drop(connection); // a surplus connection is nobody's loss
                return;
            }
            main = connection;
        }
        connections.identify(connection, ConnectionSet.MAIN);
        firstNanos = System.nanoTime();
        try (StreamReader in = new StreamReader(connection, "main", first)) {
            in.limitWaits(config.stallLimit(), config.silenceLimit());
            connection.limitWrites("return path", config.stallLimit());
            ReturnPath answers = new ReturnPath(connection);
            returnPath = answers;
            MainLoader loader = new MainLoader(
                    guest,
                    config,
                    syncs(),
                    pages,
                    answers,
                    ramReady,
                    this::awaitChannels,
                    this::beginPostcopy,
                    this::told,
                    name);
            mainLoader = loader;
            enter(new MigrationState.Active());
            parser = new MainStreamParser(in, loader, config.maxRam());
            try {
                parser.parse();
                if (postcopy != null) {
                    postcopy.mainEnded(0);
                    return;
                }
            } catch (Throwable t) {
                if (postcopy == null) {
                    throw t;
                }
                postcopy.lost(0, t);
                return;
            } finally {
                loader.leave();
            }
            loader.ended(parser.end(), parser.surplus());
            loaded.complete(loader);
        }
    }

    private void told(HandoverRecord word) {
        Takeover last = takeover;
        if (last == null) {
            throw new MigrationException("%s before READY was said; the source is broken".formatted(word.code()));
        }
        last.told(word);
    }

    private void unconnected() {
        Takeover last = takeover;
        if (last != null) {
            last.lost();
        }
    }

    /** The main channel's thread: the source has sent what starts the guest, and goes on with pages. */
    private IncomingPostcopy beginPostcopy(PostcopyPackage whole, LoadedRam ram) {
        IncomingConfig config = latched();
        PostcopyRam missing = new PostcopyRam(ram, pages, new PageStalls(System::nanoTime), returnPath, name);
        IncomingPostcopy begun = new IncomingPostcopy(
                whole, missing, config, connections, mainLoader, parser, syncs(), this::enter, this::unconnected);
        synchronized (arrivals) {
            for (int i = channelIds.cardinality(); i > 0; i--) {
                int _ = begun.channelBegan();
            }
        }
        begun.begins(() -> postcopy = begun);
        loaded.complete(mainLoader);
        return begun;
    }

    private void loadChannel(Connection connection, int id, IncomingConfig config) throws IOException {
        IncomingPostcopy arriving = postcopy;
        int number = arriving == null ? 0 : arriving.channelBegan();
        try {
            SyncPoints meeting = arriving == null ? syncs : arriving.channelBack(id);
            ChannelLoader loader = new ChannelLoader(
                    connection,
                    id,
                    meeting,
                    pages,
                    config.acceptedMethods(),
                    config.stallLimit(),
                    () -> postcopy == null ? null : postcopy.ram());
            synchronized (arrivals) {
                if (arriving == null && channelIds.get(id)) {
                    throw new MigrationException("multifd channel %d connected twice".formatted(id));
                }
                channelIds.set(id);
                channels.add(loader);
                connections.identify(connection, id);
                arrivals.notifyAll();
            }
            loader.load(ramReady.join());
        } catch (Throwable t) {
            if (postcopy == null) {
                throw t;
            }
            postcopy.lost(number, t);
        } finally {
            if (postcopy != null) {
                postcopy.channelEnded(number);
            }
        }
    }

    private SyncPoints syncs() {
        synchronized (arrivals) {
            return syncs;
        }
    }

    private void awaitChannels() {
        IncomingConfig config = latched();
        long deadline = System.nanoTime() + config.channelLimit().toNanos();
        synchronized (arrivals) {
            while (channelIds.cardinality() < config.channels()) {
                long left = TimeUnit.NANOSECONDS.toMillis(deadline - System.nanoTime());
                if (left <= 0 || loaded.isDone()) {
                    throw new MigrationException(
                            "%d of %d multifd channels connected within %d s: set multifd-channels alike on both sides"
                                    .formatted(
                                            channelIds.cardinality(),
                                            config.channels(),
                                            config.channelLimit().toSeconds()));
                }
                try {
                    arrivals.wait(left);
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                    throw new MigrationException("interrupted");
                }
            }
        }
    }

    /** RAM is complete on main: no channel may touch it from here on, and none may have gone on behind the last sync. */
    private void stopChannels() {
        quiet = true;
        endSyncs();
        List<Thread> threads;
        synchronized (arrivals) {
            threads = arrivals.stream().toList();
        }
        Connection mainChannel = mainConnection();
        connections.closeAllBut(mainChannel);
        for (Thread thread : threads) {
            Threads.join(thread);
        }
        synchronized (arrivals) {
            for (ChannelLoader channel : channels) {
                if (channel.pagesSinceSync()) {
                    throw new MigrationException(
                            "a multifd channel sent pages behind the last sync point; the source is broken");
                }
            }
        }
    }

    private void close(boolean failed) {
        quiet = true;
        endSyncs();
        listener.close();
        connections.close();
        if (takeover != null) {
            takeover.close();
        }
        ramReady.cancel(false);
        List<Thread> threads = new ArrayList<>();
        synchronized (arrivals) {
            threads.addAll(acceptors);
            threads.addAll(arrivals);
        }
        for (Thread thread : threads) {
            Threads.join(thread);
        }
        synchronized (arrivals) {
            channels.forEach(ChannelLoader::close);
        }
        if (postcopy != null) {
            endPostcopy(postcopy, failed);
        }
        if (mainLoader != null) {
            mainLoader.close();
        }
        if (returnPath != null) {
            returnPath.close();
        }
    }

    /** All connections are closed, and whoever read them has ended. */
    private void endPostcopy(IncomingPostcopy arriving, boolean failed) {
        if (failed && toldMissing) {
            guest.abandoned();
        }
        arriving.close();
        try {
            Consumer<HalfState> taker = latched().postcopy().salvage();
            if (failed && runsEarly && taker != null) {
                taker.accept(new HalfState(
                        HalfState.Side.DESTINATION,
                        mainLoader.header().machine(),
                        takeover.id(),
                        arriving.ram().loaded().memory(),
                        arriving.ram(),
                        null));
            }
        } finally {
            if (toldMissing) {
                guest.whole();
            }
        }
    }

    private void enter(MigrationState next) {
        state = next;
        postcopyTimes.entered(next, System.nanoTime(), connections.bytesRead());
        observer.state(next);
    }

    private void end(Throwable failure, double loadMillis, double startMillis) {
        MigrationState last = failure == null
                ? new MigrationState.Completed()
                : new MigrationState.Failed("loading", MigrationException.reasonOf(failure), failure, false);
        MainLoader loader = mainLoader;
        boolean described = loader != null && loader.devices() != null;
        endNanos = System.nanoTime();
        enter(last);
        CounterValues counted = counters();
        IncomingReport report = new IncomingReport(
                failure == null ? "completed" : "failed",
                failure == null ? null : MigrationException.reasonOf(failure),
                loader == null || loader.header() == null
                        ? null
                        : loader.header().machine(),
                loader == null || loader.header() == null
                        ? null
                        : loader.header().dialect().toString(),
                firstNanos == 0 ? 0 : (endNanos - firstNanos) / NANOS_PER_MILLI,
                loadMillis,
                startMillis,
                counted.get(Counter.RAM_BYTES),
                counted.get(Counter.MAIN_READ_BYTES),
                counted.get(Counter.MULTIFD_READ_BYTES),
                counted.get(Counter.NORMAL_PAGES),
                counted.get(Counter.ZERO_PAGES),
                counted.get(Counter.HOLE_PAGES),
                counted.get(Counter.DELTA_PAGES),
                counted.get(Counter.COMPRESSED_PAGES),
                loader == null ? null : loader.digest(),
                (int) counted.get(Counter.SYNCS),
                counted.get(Counter.DEVICE_BYTES),
                described && loader.devices().description() == null,
                postcopyTimes.report(
                        endNanos,
                        connections.bytesRead(),
                        counted.get(Counter.POSTCOPY_REQUESTS),
                        stalls().orElse(null)));
        completion.complete(report);
    }
}
