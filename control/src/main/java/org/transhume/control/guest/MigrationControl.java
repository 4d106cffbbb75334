package org.transhume.control.guest;

import java.io.IOException;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.BiConsumer;
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
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;

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
    private static final String IN_PROGRESS = "There's a migration process in progress";

    private final GuestRuntime guest;
    private final Settings settings;
    private final BiConsumer<String, JsonNode> events;
    private final ShownMigrations shown = new ShownMigrations();
    private Incoming incomingMode;
    private volatile OutgoingMigration outgoing; // volatile: looked at without the lock by what may wait for nobody
    private volatile IncomingMigration incoming;
    private Address listening;
    private boolean exitOnError = true;
    private int excluding; // snapshots that are being saved or loaded
    private volatile WaitLimits waits = WaitLimits.DEFAULT;
    private BiConsumer<OutgoingReport, SettingsValues> reports = (_, _) -> {};
    private volatile MigrationObserver watcher = new MigrationObserver() {};
    private final DirtyLimits dirtyLimits; // null where vCPUs are not counted one by one
    private final CompletableFuture<IncomingReport> incomingEnd = new CompletableFuture<>();

    /** @param events hears MIGRATION and MIGRATION_PASS with their data, if the capability is on */
    public MigrationControl(
            GuestRuntime guest, Settings settings, Incoming incomingMode, BiConsumer<String, JsonNode> events) {
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
        Circumstances circumstances = new Circumstances(
                outgoingRuns() && !outgoing.state().ended(),
                listens(),
                guest.state() == RunState.INMIGRATE,
                HostSupport.USUAL.withDirtyRing(dirtyLimits != null));
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
        if (outgoingRuns()) {
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
        SettingsValues latched = settings.values();
        BiConsumer<OutgoingReport, SettingsValues> reader = reports;
        outgoing = OutgoingMigration.start(
                guest,
                dialer,
                MigrationConfigs.outgoing(latched, settings::values, dirtyLimits, waits),
                new Announcer(true),
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
        if (outgoingRuns()) {
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
        if (!address.multiChannel() && MigrationConfigs.channels(settings.values()) > 0) {
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
        incoming = IncomingMigration.start(guest, listener, this::incomingConfig, new Announcer(false), "incoming");
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

    /** Has {@code observer} hear of outgoing migrations, from their own threads, before the operators do. */
    public void watch(MigrationObserver observer) {
        watcher = observer;
    }

    private IncomingConfig incomingConfig() {
        WaitLimits limits = waits;
        return MigrationConfigs.incoming(settings.values())
                .withStallLimit(limits.stall())
                .withSilenceLimit(limits.silence());
    }

    /** How long migrations that begin from here on wait for their peers. */
    public void waits(WaitLimits limits) {
        waits = limits;
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

    /** Gives up the outgoing migration, if there is one. */
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
        String actual = outgoing == null ? "none" : wireName(outgoing.state());
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
        return open ? Optional.of(listening) : Optional.empty();
    }

    /** Whether a failure to load ends the process. */
    public synchronized boolean exitOnError() {
        return exitOnError;
    }

    /** The name of a state in QMP. */
    public static String wireName(MigrationState state) {
        String[] words = state.getClass().getSimpleName().split("(?<=[a-z])(?=[A-Z])", -1);
        return String.join("-", words).toLowerCase(Locale.ROOT);
    }

    /** Ends whatever runs, and waits until it has. */
    @Override
    public void close() {
        cancel();
        Optional<OutgoingMigration> out = outgoing();
        Optional<IncomingMigration> in = incoming();
        in.ifPresent(migration -> migration.abort("the process was told to quit"));
        out.ifPresent(migration -> migration.completion().join());
        in.ifPresent(migration -> migration.completion().join());
        in.ifPresent(IncomingMigration::endAnnouncements);
        dirtyLimits().ifPresent(DirtyLimits::close);
    }

    private final class Announcer implements MigrationObserver {
        private final boolean source;

        Announcer(boolean source) {
            this.source = source;
        }

        @Override
        public void state(MigrationState state) {
            boolean gone = state instanceof MigrationState.Completed
                    || (state instanceof MigrationState.Failed failed && failed.ownershipUnknown());
            if (source && gone) {
                guest.left();
            }
            if (source) {
                watcher.state(state);
            }
            if (settings.enabled(Capability.EVENTS)) {
                events.accept("MIGRATION", JsonNodeFactory.instance.objectNode().put("status", wireName(state)));
            }
        }

        @Override
        public void pass(int number) {
            if (source) {
                watcher.pass(number);
            }
            if (source && settings.enabled(Capability.EVENTS)) {
                events.accept(
                        "MIGRATION_PASS", JsonNodeFactory.instance.objectNode().put("pass", number));
            }
        }
    }
}
