package org.transhume.control.guest;

import java.io.IOException;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import org.transhume.channels.Address;
import org.transhume.channels.Connections;
import org.transhume.channels.Listener;
import org.transhume.control.settings.Capability;
import org.transhume.control.settings.Circumstances;
import org.transhume.control.settings.HostSupport;
import org.transhume.control.settings.Parameter;
import org.transhume.control.settings.Profile;
import org.transhume.control.settings.SettingRefusedException;
import org.transhume.control.settings.Settings;
import org.transhume.control.settings.SettingsValues;
import org.transhume.control.throttle.DirtyLimits;
import org.transhume.engine.HalfState;
import org.transhume.engine.MigrationException;
import org.transhume.engine.MigrationObserver;
import org.transhume.engine.MigrationState;
import org.transhume.engine.counters.CountersFile;
import org.transhume.engine.digest.RamDigest;
import org.transhume.engine.incoming.IncomingConfig;
import org.transhume.engine.incoming.IncomingMigration;
import org.transhume.engine.incoming.IncomingReport;
import org.transhume.engine.outgoing.Dialer;
import org.transhume.engine.outgoing.OutgoingMigration;
import org.transhume.engine.outgoing.OutgoingReport;
import org.transhume.memory.MissingPages;

/**
 * The migrations of one guest: at most one at a time, in or out. Refusals carry the texts that QEMU has for them. Any thread.
 */
public final class MigrationControl implements AutoCloseable {
    /** How the guest's process takes part in an incoming migration. */
    public enum Incoming {
        /** It was not started to take one. */
        NONE,
        /** It waits for {@code migrate-incoming}. */
        DEFERRED,
        /** It listens, or did. */
        STARTED
    }

    private static final long DIRTY_LIMIT_PERIOD = 1000; // milliseconds
    private static final String TOLD_TO_QUIT = "the process was told to quit";
    private static final String IN_PROGRESS = "There's a migration process in progress";

    private final GuestRuntime guest;
    private final Settings settings;
    private final EventOrder events;
    private final ShownMigrations shown = new ShownMigrations();
    private Incoming incomingMode;
    private volatile OutgoingMigration outgoing; // volatile: looked at without the lock by what may wait for nobody
    private volatile IncomingMigration incoming;
    private volatile Address listening; // volatile as well, with a lock of its own to change it in postcopy
    private final Object recovering = new Object();
    private final Object told = new Object(); // wakes when an outgoing migration is in another state
    private boolean exitOnError = true;
    private volatile boolean arrivedInPostcopy;
    private int excluding; // snapshots that are being saved or loaded
    private volatile WaitLimits waits = WaitLimits.DEFAULT;
    private volatile Consumer<HalfState> salvage = _ -> {};
    private volatile boolean listensOn;
    private BiConsumer<OutgoingReport, SettingsValues> reports = (_, _) -> {};
    private volatile Rehearsal rehearsal; // null: none
    private volatile MigrationObserver watcher = new MigrationObserver() {};
    private volatile MigrationObserver arrivalWatcher = new MigrationObserver() {};
    private final DirtyLimits dirtyLimits; // null where vCPUs are not counted one by one
    private final CompletableFuture<IncomingReport> incomingEnd = new CompletableFuture<>();

    /** @param events hears of every state and pass */
    public MigrationControl(GuestRuntime guest, Settings settings, Incoming incomingMode, EventOrder events) {
        this.guest = guest;
        this.settings = settings;
        this.incomingMode = incomingMode;
        this.events = events;
        this.dirtyLimits = guest.vcpuRings()
                .map(rings -> new DirtyLimits(rings, this::dirtyLimitPeriod))
                .orElse(null);
    }

    /** The parameter is for migrations. */
    private long dirtyLimitPeriod() {
        return limiting() ? settings.size(Parameter.X_VCPU_DIRTY_LIMIT_PERIOD) : DIRTY_LIMIT_PERIOD;
    }

    private synchronized boolean limiting() {
        return outgoingRuns()
                && Capability.DIRTY_LIMIT.in(settings.profile())
                && settings.enabled(Capability.DIRTY_LIMIT);
    }

    /** The limits of the guest's vCPUs; empty if they are not counted one by one. */
    public Optional<DirtyLimits> dirtyLimits() {
        return Optional.ofNullable(dirtyLimits);
    }

    /** Whether the limits belong to a migration now, and to nobody else. */
    public boolean limitsInMigration() {
        return limiting() && dirtyLimits != null && dirtyLimits.inService();
    }

    public Settings settings() {
        return settings;
    }

    /**
     * Changes capabilities, where no migration uses them.
     *
     * @throws SettingRefusedException if they are not allowed, or cannot be had now; nothing has changed then
     */
    public synchronized void setCapabilities(Map<Capability, Boolean> changes) throws SettingRefusedException {
        boolean arrives = guest.state() == RunState.INMIGRATE;
        HostSupport host = HostSupport.USUAL.withDirtyRing(dirtyLimits != null);
        if (arrives && changes.getOrDefault(Capability.POSTCOPY_RAM, false)) {
            host = host.withPostcopyProblem(MissingPages.unavailable());
        }
        Circumstances circumstances =
                new Circumstances(outgoingRuns() && !outgoing.state().ended(), listens(), arrives, host);
        settings.setCapabilities(changes, circumstances);
        if (settings.values().enabled(Capability.X_RAM_DIGEST)) {
            RamDigest.prepareSoon(); // a migration that comes at once waits for it as long as it would have taken
        }
    }

    /**
     * Has no migration begin until {@link #admit}.
     *
     * @throws MigrationException if one runs
     */
    public synchronized void exclude() {
        if (outgoingRuns() || arrivesInPostcopy()) {
            throw new MigrationException(IN_PROGRESS);
        }
        excluding++;
    }

    public synchronized void admit() {
        excluding--;
    }

    private boolean listens() {
        return incomingMode == Incoming.STARTED
                && (incoming == null || !incoming.completion().isDone());
    }

    /** Whether the guest is here, but not all of its pages. Waits for nobody. */
    public boolean arrivesInPostcopy() {
        IncomingMigration in = incoming;
        return in != null && in.state().postcopy();
    }

    private boolean outgoingRuns() {
        return outgoing != null && !outgoing.completion().isDone();
    }

    /**
     * Begins to move the guest to {@code uri}; what goes wrong later is told by its state.
     *
     * @throws MigrationException if it cannot begin; or cannot be opened, where that needs no waiting, and then it has failed
     */
    public OutgoingMigration migrate(String uri) {
        Address address = checkAddress(uri);
        checkLeaves();
        FirstDial dial = new FirstDial(Dialer.to(address));
        OutgoingMigration begun = begin(dial);
        if (!address.multiChannel()) {
            dial.awaitOpened(begun);
        }
        return begun;
    }

    private synchronized OutgoingMigration begin(Dialer dialer) {
        checkFree();
        if (Capability.X_IGNORE_SHARED.in(settings.profile()) && settings.enabled(Capability.X_IGNORE_SHARED)) {
            throw new MigrationException(
                    "x-ignore-shared streams are loaded by this version, but not sent: switch the capability off");
        }
        endRehearsal();
        SettingsValues latched = settings.values();
        BiConsumer<OutgoingReport, SettingsValues> reader = reports;
        events.postcopyWanted(false);
        outgoing = OutgoingMigration.start(
                guest,
                dialer,
                MigrationConfigs.outgoing(latched, settings::values, dirtyLimits, waits, salvage),
                new Departure(),
                "migration");
        shown.outgoing(outgoing::counters);
        CompletableFuture<Void> _ = outgoing.completion().thenAccept(report -> reader.accept(report, latched));
        return outgoing;
    }

    /** @throws MigrationException unless a migration may begin from here */
    public void checkLeaves() {
        // The last one may still be giving things back: a script that heard of its end may begin the next at once.
        outgoing()
                .filter(last -> last.state().ended())
                .ifPresent(last -> last.completion().join());
        checkFree();
    }

    private synchronized void checkFree() {
        if (outgoingRuns() || arrivesInPostcopy()) {
            throw new MigrationException(IN_PROGRESS);
        }
        if (excluding > 0) {
            throw new MigrationException("A snapshot is being saved or loaded, please wait.");
        }
        if (guest.state() == RunState.INMIGRATE) {
            throw new MigrationException("Guest is waiting for an incoming migration");
        }
        if (guest.state() == RunState.POSTMIGRATE) {
            throw new MigrationException("Can't migrate the vm that was paused due to previous migration");
        }
    }

    /** @throws MigrationException unless a migration, as it is set now, could go to {@code uri} */
    public Address checkAddress(String uri) {
        Address address;
        try {
            address = address(uri);
        } catch (MigrationException e) {
            boolean old = settings.profile() == Profile.V3_1 && e.getMessage().startsWith("unknown migration protocol");
            throw old ? new MigrationException("Parameter 'uri' expects a valid migration protocol", e, false) : e;
        }
        checkChannels(address);
        return address;
    }

    private void checkChannels(Address address) {
        if (!address.multiChannel() && MigrationConfigs.severalConnections(settings.values())) {
            throw new MigrationException("Migration requires multi-channel URIs (e.g. tcp)");
        }
    }

    /** Where the report of each outgoing migration goes that begins from here on, with the settings at its beginning. */
    public synchronized void reportTo(BiConsumer<OutgoingReport, SettingsValues> reports) {
        this.reports = reports;
    }

    /** Shows the migrations that begin from here on to other processes; {@code file} stays the caller's. */
    public synchronized void showIn(CountersFile file) {
        shown.in(file);
    }

    /** @throws MigrationException unless this process waits for the word to listen */
    public synchronized void checkListens() {
        switch (incomingMode) {
            case NONE -> throw new MigrationException("'-incoming' was not specified on the command line");
            case STARTED -> throw new MigrationException("The incoming migration has already been started");
            case DEFERRED -> {
                // now
            }
        }
    }

    /**
     * Begins to listen for a guest.
     *
     * @param exitOnError whether the process ends when loading fails
     * @return where it listens
     * @throws MigrationException if it cannot listen; it may be tried again
     */
    public synchronized Address listen(String uri, boolean exitOnError) {
        checkListens();
        Address address = address(uri);
        checkChannels(address);
        Listener listener;
        try {
            listener = Connections.listen(address);
        } catch (IOException e) {
            throw new MigrationException(e.getMessage(), e, false);
        }
        incomingMode = Incoming.STARTED;
        this.exitOnError = exitOnError;
        listening = listener.address();
        arrivedInPostcopy = false;
        incoming = IncomingMigration.start(guest, listener, this::incomingConfig, new Arrival(), "incoming");
        shown.incoming(incoming::counters);
        CompletableFuture<Boolean> _ = incoming.completion().thenApply(incomingEnd::complete);
        return listening;
    }

    /**
     * After an incoming migration whose guest does not stay, waits for the word to listen again.
     *
     * @throws IllegalStateException if it has not ended
     */
    public synchronized void awaitAnother() {
        if (listens()) {
            throw new IllegalStateException("the incoming migration has not ended");
        }
        incomingMode = Incoming.DEFERRED;
    }

    /** Rehearses what a migration does, until there is one. */
    public void rehearse() {
        rehearsal = Rehearsal.begin();
    }

    private void endRehearsal() {
        Rehearsal begun = rehearsal;
        if (begun != null) {
            begun.end();
        }
    }

    /** Has {@code observer} hear of outgoing migrations, from their own threads, before the operators do. */
    public void watch(MigrationObserver observer) {
        watcher = observer;
    }

    /** Has {@code observer} hear of incoming migrations likewise. */
    public void watchArrival(MigrationObserver observer) {
        arrivalWatcher = observer;
    }

    private IncomingConfig incomingConfig() {
        WaitLimits limits = waits;
        return MigrationConfigs.incoming(settings.values(), listensOn, salvage)
                .withStallLimit(limits.stall())
                .withSilenceLimit(limits.silence());
    }

    /** How long migrations that begin from here on wait for their peers. */
    public void waits(WaitLimits limits) {
        waits = limits;
    }

    /**
     * Has {@code taker} hear what is here of a postcopy that is given up between the two sides, before it is freed; from the
     * thread of a migration that began since.
     */
    public void salvage(Consumer<HalfState> taker) {
        salvage = taker;
    }

    Consumer<HalfState> salvage() {
        return salvage;
    }

    /** Whether a source that lost its connection in postcopy may come back to the same address, unless told before. */
    public void listenOn(boolean value) {
        listensOn = value;
    }

    boolean listensOn() {
        return listensOn;
    }

    /**
     * Gives up what is in postcopy; whoever salvages hears of it.
     *
     * @return whether something was
     */
    public boolean abandonPostcopy(String why) {
        OutgoingMigration out = outgoing;
        IncomingMigration in = incoming;
        boolean leaves = out != null && out.state().postcopy();
        boolean arrives = in != null && in.state().postcopy();
        if (leaves) {
            boolean _ = out.pausePostcopy();
            out.abandon(why);
        }
        if (arrives) {
            boolean _ = in.pausePostcopy();
            in.abort(why);
        }
        return leaves || arrives;
    }

    /** Completes with the end of the incoming migration that began, or is still to begin. */
    public CompletableFuture<IncomingReport> incomingEnd() {
        return incomingEnd;
    }

    /**
     * Completes with the end of the latest incoming migration.
     *
     * @throws IllegalStateException if there was none
     */
    public synchronized CompletableFuture<IncomingReport> incomingNow() {
        if (incoming == null) {
            throw new IllegalStateException("no incoming migration has begun");
        }
        return incoming.completion();
    }

    private static Address address(String uri) {
        try {
            return Address.parse(uri);
        } catch (IllegalArgumentException e) {
            throw new MigrationException(e.getMessage(), e, false);
        }
    }

    /**
     * Lets the guest that leaves move before its pages, as soon as that can be; without effect if it has moved.
     *
     * @throws MigrationException if no migration began that could do that
     */
    public synchronized void startPostcopy() {
        if (!settings.enabled(Capability.POSTCOPY_RAM) && !settings.enabled(Capability.DIRTY_BITMAPS)) {
            throw new MigrationException("Enable postcopy with migrate_set_capability before the start of migration");
        }
        if (outgoing == null) {
            throw new MigrationException("Postcopy must be started after migration has been started");
        }
        events.postcopyWanted(true);
        outgoing.startPostcopy();
    }

    /**
     * Breaks the connection of a postcopy, out or in, which then waits for another. Waits for nobody.
     *
     * @throws MigrationException if there is none to break
     */
    public void pausePostcopy() {
        OutgoingMigration out = outgoing;
        IncomingMigration in = incoming;
        boolean paused = (out != null && out.pausePostcopy()) || (in != null && in.pausePostcopy());
        if (!paused) {
            throw new MigrationException("migrate-pause is currently only supported during postcopy-active"
                    + (settings.profile() == Profile.V3_1 ? " state" : " or postcopy-recover state"));
        }
    }

    /**
     * Goes on with an outgoing postcopy that is paused, over connections to {@code uri}; what goes wrong later is told by its
     * state.
     *
     * @throws MigrationException if it cannot
     */
    public void resume(String uri) {
        OutgoingMigration paused = outgoing;
        MigrationState before = paused == null ? null : paused.state();
        if (!(before instanceof MigrationState.PostcopyPaused)) {
            throw notPaused();
        }
        // What was given back at once cannot be sent again; between two Transhumes it is kept until it has arrived.
        if (settings.enabled(Capability.RELEASE_RAM) && !settings.enabled(Capability.X_HANDOVER)) {
            throw new MigrationException("Postcopy recovery cannot work when release-ram capability is set");
        }
        if (!paused.resume(Dialer.to(checkAddress(uri)))) {
            throw notPaused();
        }
        // Whoever asks for the state next must not take the old pause for a new one.
        synchronized (told) {
            while (paused.state() == before) {
                try {
                    told.wait();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                    return;
                }
            }
        }
    }

    private static MigrationException notPaused() {
        return new MigrationException("Cannot resume if there is no paused migration");
    }

    /**
     * Listens for the connection on which an incoming postcopy goes on that is paused. May be done again, which closes the
     * listener before. Waits for no migration.
     *
     * @return where it listens
     * @throws MigrationException if it cannot
     */
    public Address recover(String uri) {
        IncomingMigration paused = incoming;
        if (paused == null || !(paused.state() instanceof MigrationState.PostcopyPaused)) {
            throw notToRecover();
        }
        Address address = address(uri);
        checkChannels(address);
        synchronized (recovering) {
            Listener listener;
            paused.dropListener(); // it may be where the next one is to be
            listening = null;
            try {
                listener = Connections.listen(address);
            } catch (IOException e) {
                throw new MigrationException(e.getMessage(), e, false);
            }
            if (!paused.recover(listener)) {
                listener.close();
                throw notToRecover();
            }
            listening = listener.address();
            return listening;
        }
    }

    private static MigrationException notToRecover() {
        return new MigrationException("Migrate recover can only be run when postcopy is paused.");
    }

    /**
     * Gives up the outgoing migration, if there is one.
     *
     * @throws MigrationException if its guest is at the destination already
     */
    public void giveUp() {
        OutgoingMigration leaving = outgoing;
        if (leaving != null && leaving.state().postcopy()) {
            throw new MigrationException("Postcopy migration in progress, cannot cancel.");
        }
        cancel();
    }

    /** As {@link #giveUp}, without effect on a guest that is at the destination already. */
    public synchronized void cancel() {
        if (outgoing != null) {
            outgoing.cancel();
        }
        if (dirtyLimits != null) {
            dirtyLimits.limitAll(0);
        }
    }

    /** Whether a migration holds connections, or waits for one. Waits for nobody. */
    public boolean yankable() {
        OutgoingMigration out = outgoing;
        IncomingMigration in = incoming;
        return (out != null && !out.completion().isDone())
                || (in != null && !in.completion().isDone());
    }

    /** Breaks the connections of the migration that runs. Waits for nobody. */
    public void yank() {
        OutgoingMigration out = outgoing;
        IncomingMigration in = incoming;
        if (out != null) {
            out.yank();
        }
        if (in != null) {
            in.yank();
        }
    }

    /**
     * Lets a migration go on that waits before its switchover.
     *
     * @param state the one it is expected to be in; any that it really is in will do, as with QEMU
     * @throws MigrationException if it is in another
     */
    public synchronized void proceed(String state) {
        String actual = outgoing == null ? "none" : nameOf(outgoing.state());
        if (!actual.equals(state)) {
            throw new MigrationException("Migration not in expected state: " + actual);
        }
        if (outgoing != null) {
            outgoing.proceed();
        }
    }

    /**
     * Changes parameters; those that act at once reach the migration that runs.
     *
     * @throws SettingRefusedException if they are not allowed, or cannot be had; nothing has changed then
     */
    public synchronized void setParameters(Map<Parameter, ?> changes) throws SettingRefusedException {
        settings.setParameters(changes, next -> {
            if (outgoingRuns()) {
                take(next);
            }
        });
    }

    private void take(SettingsValues next) throws SettingRefusedException {
        if (next.size(Parameter.XBZRLE_CACHE_SIZE) != settings.size(Parameter.XBZRLE_CACHE_SIZE)) {
            try {
                outgoing.deltaCache(MigrationConfigs.deltaCache(next));
            } catch (MigrationException e) {
                throw new SettingRefusedException(e.getMessage());
            }
        }
        outgoing.maxBandwidth(next.size(Parameter.MAX_BANDWIDTH));
        outgoing.maxPostcopyBandwidth(next.size(Parameter.MAX_POSTCOPY_BANDWIDTH));
        outgoing.downtimeLimit(MigrationConfigs.downtimeLimit(next));
        if (MigrationConfigs.known(next, Parameter.AVAIL_SWITCHOVER_BANDWIDTH)) {
            outgoing.switchoverBandwidth(next.size(Parameter.AVAIL_SWITCHOVER_BANDWIDTH));
        }
        outgoing.zeroPages(MigrationConfigs.zeroPages(next));
        if (MigrationConfigs.known(next, Parameter.COMPRESS_WAIT_THREAD)) {
            outgoing.waitForCompressThread(next.flag(Parameter.COMPRESS_WAIT_THREAD));
        }
    }

    /** The latest outgoing migration. */
    public synchronized Optional<OutgoingMigration> outgoing() {
        return Optional.ofNullable(outgoing);
    }

    public synchronized Optional<IncomingMigration> incoming() {
        return Optional.ofNullable(incoming);
    }

    /** Where the incoming side listens, while it does. */
    public synchronized Optional<Address> listening() {
        boolean open = incoming != null && !incoming.completion().isDone();
        return open ? Optional.ofNullable(listening) : Optional.empty();
    }

    /** Whether a failure to load ends the process: one of a guest that ran here without all its pages always does. */
    public synchronized boolean exitOnError() {
        return exitOnError || arrivedInPostcopy;
    }

    /** The name of a state in QMP, as far as the profile has one. */
    public String nameOf(MigrationState state) {
        return events.name(state);
    }

    /** The name of a state in QMP. */
    static String wireName(MigrationState state) {
        String[] words = state.getClass().getSimpleName().split("(?<=[a-z])(?=[A-Z])", -1);
        return String.join("-", words).toLowerCase(Locale.ROOT);
    }

    /** Ends whatever runs, and waits until it has. */
    @Override
    public void close() {
        cancel();
        boolean _ = abandonPostcopy(TOLD_TO_QUIT);
        Optional<OutgoingMigration> out = outgoing();
        Optional<IncomingMigration> in = incoming();
        in.ifPresent(migration -> migration.abort(TOLD_TO_QUIT));
        out.ifPresent(migration -> migration.completion().join());
        in.ifPresent(migration -> migration.completion().join());
        in.ifPresent(IncomingMigration::endAnnouncements);
        dirtyLimits().ifPresent(DirtyLimits::close);
    }

    /** The guest leaves. */
    private final class Departure implements MigrationObserver {
        @Override
        public void state(MigrationState state) {
            boolean gone = state instanceof MigrationState.Completed
                    || (state instanceof MigrationState.Failed failed && failed.ownershipUnknown());
            if (gone) {
                guest.left();
            }
            watcher.state(state);
            events.source(state);
            synchronized (told) {
                told.notifyAll();
            }
        }

        @Override
        public void pass(int number) {
            watcher.pass(number);
            events.pass(number);
        }
    }

    /** The guest arrives. */
    private final class Arrival implements MigrationObserver {
        @Override
        public void state(MigrationState state) {
            if (state instanceof MigrationState.Active) {
                endRehearsal();
            }
            if (state.postcopy()) {
                arrivedInPostcopy = true;
            }
            arrivalWatcher.state(state);
            events.destination(state);
        }
    }
}
