package org.transhume.control.process;

import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.transhume.channels.Address;
import org.transhume.control.guest.GuestRuntime;
import org.transhume.control.guest.MigrationControl;
import org.transhume.control.guest.RunState;
import org.transhume.control.qmp.Argument;
import org.transhume.control.qmp.ArgumentType;
import org.transhume.control.qmp.Arguments;
import org.transhume.control.qmp.QmpCommand;
import org.transhume.control.qmp.QmpError;
import org.transhume.control.settings.Capability;
import org.transhume.control.settings.Parameter;
import org.transhume.control.settings.Profile;
import org.transhume.control.settings.Settings;
import org.transhume.control.settings.SettingsValues;
import org.transhume.control.throttle.DirtyLimits;
import org.transhume.engine.MigrationException;
import org.transhume.engine.MigrationState;
import org.transhume.engine.incoming.IncomingMigration;
import org.transhume.engine.outgoing.DeltaProgress;
import org.transhume.engine.outgoing.MigrationProgress;
import org.transhume.engine.outgoing.OutgoingMigration;
import org.transhume.engine.outgoing.PageCompressionProgress;
import org.transhume.engine.stalls.StallFigures;
import org.transhume.memory.PageSize;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** {@code migrate} and its relatives, and the run state (spec: control.md §1.9, §2.2, §4). */
public final class MigrationCommands {
    private static final double BITS_PER_MEGABIT = 1e6 / 8;

    private final GuestRuntime guest;
    private final MigrationControl control;
    private final Profile profile;

    private MigrationCommands(GuestRuntime guest, MigrationControl control) {
        this.guest = guest;
        this.control = control;
        this.profile = control.settings().profile();
    }

    public static QmpCommand[] of(GuestRuntime guest, MigrationControl control) {
        MigrationCommands commands = new MigrationCommands(guest, control);
        return new QmpCommand[] {
            QmpCommand.of("query-status", List.of(), _ -> commands.status())
                    .returning(MigrationTypes.status(commands.profile))
                    .describedAs("the guest's run state"),
            QmpCommand.of("stop", List.of(), _ -> commands.stop())
                    .describedAs("stops the guest; one that is to arrive stays stopped"),
            QmpCommand.of("cont", List.of(), _ -> commands.cont())
                    .describedAs("lets the guest run; one that is to arrive runs once it has")
                    .onlyWhen("at any time but finish-migrate, while a migration hands the guest over"),
            QmpCommand.of("migrate", commands.migrateArguments(), commands::migrate)
                    .describedAs("begins to move the guest; what becomes of it is told by events and query-migrate")
                    .onlyWhen(
                            "while no outgoing migration runs, and the guest is here with all its pages: not inmigrate,"
                                    + " not postmigrate; with resume, while the one that runs is in postcopy-paused"),
            QmpCommand.of("migrate-incoming", commands.incomingArguments(), commands::incoming)
                    .describedAs("begins to listen for a guest")
                    .onlyWhen("in a process started with --incoming defer, until one has succeeded"),
            QmpCommand.of("migrate_cancel", List.of(), _ -> commands.cancel())
                    .describedAs("gives up the outgoing migration, if there is one; the guest goes on here")
                    .onlyWhen("at any time but in postcopy, at its source"),
            QmpCommand.of("migrate-continue", commands.continueArguments(), commands::proceed)
                    .describedAs("lets a migration go on that waits before its switchover")
                    .onlyWhen("in the state that is named; pre-switchover is the one that waits"),
            QmpCommand.of("query-migrate", List.of(), _ -> commands.query())
                    .returning(MigrationTypes.info(commands.profile))
                    .describedAs("state and figures of the latest migration, out or in; empty before the first")
        };
    }

    private static final String URIS = "tcp:HOST:PORT, unix:PATH, file:PATH[,offset=N], exec:COMMAND or fd:N";

    private List<Argument> migrateArguments() {
        ArgumentType flag = new ArgumentType.Flag();
        return profile == Profile.V3_1
                ? List.of(
                        Argument.required("uri", new ArgumentType.Text()).about(URIS),
                        Argument.optional("blk", flag),
                        Argument.optional("inc", flag),
                        Argument.optional("detach", flag).about("without effect"),
                        Argument.optional("resume", flag).about("go on with a paused postcopy"))
                : List.of(
                        Argument.optional("uri", new ArgumentType.Text()).about(URIS),
                        Argument.optional("channels", MigrationAddresses.CHANNELS)
                                .about("the same in parts, instead of uri"),
                        Argument.optional("detach", flag).about("without effect"),
                        Argument.optional("resume", flag).about("go on with a paused postcopy"));
    }

    /** All states there are, whether or not this release ever gets into them: a script may name any. */
    private List<Argument> continueArguments() {
        return List.of(Argument.required("state", MigrationTypes.state(profile)));
    }

    private List<Argument> incomingArguments() {
        return profile == Profile.V3_1
                ? List.of(Argument.required("uri", new ArgumentType.Text()).about(URIS))
                : List.of(
                        Argument.optional("uri", new ArgumentType.Text()).about(URIS),
                        Argument.optional("channels", MigrationAddresses.CHANNELS)
                                .about("the same in parts, instead of uri"),
                        Argument.optional("exit-on-error", new ArgumentType.Flag())
                                .about("the process ends if loading fails; true without it"));
    }

    private JsonNode status() {
        RunState state = guest.state();
        ObjectNode status = object().put("running", state == RunState.RUNNING);
        if (profile == Profile.V3_1) {
            status.put("singlestep", false);
        }
        return status.put("status", state.wireName());
    }

    private JsonNode stop() {
        guest.stop();
        return null;
    }

    private JsonNode cont() throws QmpError {
        try {
            guest.cont();
            return null;
        } catch (IllegalStateException e) {
            throw new QmpError(e.getMessage());
        }
    }

    private JsonNode migrate(Arguments arguments) throws QmpError {
        String uri = MigrationAddresses.uri(arguments);
        boolean resumes = arguments.flag("resume", false);
        try {
            if (profile != Profile.V3_1) {
                control.checkAddress(uri); // older ones look at it last
            }
            if (resumes) {
                control.resume(uri);
                return null;
            }
            control.checkLeaves();
            if (arguments.flag("blk", false) || arguments.flag("inc", false)) {
                throw storageRefusal();
            }
            control.migrate(uri);
            return null;
        } catch (MigrationException e) {
            throw new QmpError(e.getMessage());
        }
    }

    /** Only profiles come here that know storage migration. */
    private QmpError storageRefusal() {
        SettingsValues settings = control.settings().values();
        boolean twice = settings.enabled(Capability.BLOCK) || settings.flag(Parameter.BLOCK_INCREMENTAL);
        return new QmpError(
                twice
                        ? "Command options are incompatible with current migration capabilities"
                        : Settings.NO_STORAGE_MIGRATION);
    }

    private JsonNode incoming(Arguments arguments) throws QmpError {
        try {
            control.checkListens();
            if (arguments.structs("channels").size() > 1) {
                throw new QmpError("Channel list must have only one entry, for type 'main'");
            }
            control.listen(MigrationAddresses.uri(arguments), arguments.flag("exit-on-error", true));
            return null;
        } catch (MigrationException e) {
            throw new QmpError(e.getMessage());
        }
    }

    private JsonNode cancel() throws QmpError {
        try {
            control.giveUp();
            return null;
        } catch (MigrationException e) {
            throw new QmpError(e.getMessage());
        }
    }

    private JsonNode proceed(Arguments arguments) throws QmpError {
        try {
            control.proceed(arguments.text("state").orElseThrow());
            return null;
        } catch (MigrationException e) {
            throw new QmpError(e.getMessage());
        }
    }

    private JsonNode query() {
        Optional<OutgoingMigration> outgoing = control.outgoing();
        if (outgoing.isPresent()) {
            return source(outgoing.get());
        }
        return control.incoming().map(this::destination).orElseGet(MigrationCommands::object);
    }

    private JsonNode destination(IncomingMigration migration) {
        MigrationState state = migration.state();
        ObjectNode info = object().put("status", control.nameOf(state));
        control.listening()
                .map(MigrationCommands::socketAddress)
                .ifPresent(address -> info.putArray("socket-address").add(address));
        if (state instanceof MigrationState.Failed failed) {
            info.put("error-desc", failed.reason());
        }
        migration.stalls().ifPresent(stalls -> putStalls(info, state, stalls));
        return info;
    }

    private void putStalls(ObjectNode info, MigrationState state, StallFigures stalls) {
        SettingsValues settings = control.settings().values();
        if (state instanceof MigrationState.Completed && settings.enabled(Capability.POSTCOPY_BLOCKTIME)) {
            info.put("postcopy-blocktime", TimeUnit.NANOSECONDS.toMillis(stalls.allStalledNanos()));
            ArrayNode vcpus = info.putArray("postcopy-vcpu-blocktime");
            stalls.vcpus().forEach(waits -> vcpus.add(TimeUnit.NANOSECONDS.toMillis(waits.nanos())));
        }
        if (settings.enabled(Capability.X_REPORT)) {
            info.set(ForecastMember.NAME, ForecastMember.of(stalls));
        }
    }

    private static JsonNode socketAddress(Address address) {
        return switch (address) {
            case Address.Unix(var path) -> object().put("type", "unix").put("path", path.toString());
            case Address.Tcp(String host, int port) ->
                object().put("type", "inet")
                        .put("host", host)
                        .put("port", Integer.toString(port))
                        .put(host.contains(":") ? "ipv6" : "ipv4", true);
            case Address.Fd(int number) -> object().put("type", "fd").put("str", Integer.toString(number));
            default -> null;
        };
    }

    private JsonNode source(OutgoingMigration migration) {
        MigrationState state = migration.state();
        ObjectNode info = object().put("status", control.nameOf(state));
        switch (state) {
            case MigrationState.Setup _, MigrationState.Cancelled _ -> {
                // the status says it all
            }
            case MigrationState.Failed failed -> info.put("error-desc", failed.reason());
            case MigrationState.Completed _ -> {
                MigrationProgress progress = migration.progress();
                info.put("total-time", progress.totalMillis());
                info.put("downtime", progress.downtimeMillis());
                putStatistics(info, progress);
                putForecast(info, migration, progress);
            }
            case MigrationState.Active _,
                    MigrationState.PreSwitchover _,
                    MigrationState.Device _,
                    MigrationState.Cancelling _ -> {
                MigrationProgress progress = migration.progress();
                info.put("total-time", progress.totalMillis());
                info.put("expected-downtime", progress.expectedDowntimeMillis());
                putStatistics(info, progress);
                putForecast(info, migration, progress);
            }
            case MigrationState.PostcopyActive _,
                    MigrationState.PostcopyPaused _,
                    MigrationState.PostcopyRecoverSetup _,
                    MigrationState.PostcopyRecover _ -> {
                MigrationProgress progress = migration.progress();
                info.put("total-time", progress.totalMillis());
                if (profile == Profile.V3_1) {
                    info.put("expected-downtime", progress.expectedDowntimeMillis()); // as QEMU up to 7.2, at least
                }
                info.put("downtime", progress.downtimeMillis());
                if (state instanceof MigrationState.PostcopyPaused(String reason)) {
                    info.put("error-desc", reason);
                }
                putStatistics(info, progress);
                putForecast(info, migration, progress);
            }
        }
        return info;
    }

    private void putStatistics(ObjectNode info, MigrationProgress progress) {
        SettingsValues settings = control.settings().values();
        info.put("setup-time", progress.setupMillis());
        info.set("ram", ram(progress));
        if (progress.throttlePercent() > 0) {
            info.put("cpu-throttle-percentage", progress.throttlePercent());
        }
        if (settings.enabled(Capability.DIRTY_LIMIT)) {
            control.dirtyLimits().filter(DirtyLimits::inService).ifPresent(limits -> {
                info.put("dirty-limit-throttle-time-per-round", limits.throttleMicros());
                info.put("dirty-limit-ring-full-time", limits.ringFullMicros());
            });
        }
        if (settings.enabled(Capability.XBZRLE) && progress.delta() != null) {
            info.set("xbzrle-cache", xbzrleCache(settings.size(Parameter.XBZRLE_CACHE_SIZE), progress.delta()));
        }
        if (settings.enabled(Capability.COMPRESS) && progress.pageCompression() != null) {
            info.set("compression", compression(progress.pageCompression()));
        }
    }

    private void putForecast(ObjectNode info, OutgoingMigration migration, MigrationProgress progress) {
        if (control.settings().values().enabled(Capability.X_REPORT)) {
            info.set(ForecastMember.NAME, ForecastMember.of(progress, migration.downtime()));
        }
    }

    private ObjectNode xbzrleCache(long size, DeltaProgress delta) {
        ObjectNode cache = object();
        cache.put("cache-size", size);
        cache.put("bytes", delta.bytes());
        // The older release counts only pages that went out as deltas.
        cache.put(
                "pages",
                profile == Profile.V3_1 ? delta.pages() - delta.unchanged() - delta.overflows() : delta.pages());
        cache.put("cache-miss", delta.misses());
        cache.put("cache-miss-rate", delta.missRate());
        if (profile == Profile.V10_0) {
            cache.put("encoding-rate", delta.encodingRate());
        }
        return cache.put("overflow", delta.overflows());
    }

    private static ObjectNode compression(PageCompressionProgress progress) {
        return object().put("pages", progress.pages())
                .put("busy", progress.busy())
                .put("busy-rate", progress.busyRate())
                .put("compressed-size", progress.compressedBytes())
                .put("compression-rate", progress.compressionRate());
    }

    private ObjectNode ram(MigrationProgress progress) {
        ObjectNode ram = object();
        ram.put("total", progress.ramBytes());
        ram.put("remaining", progress.remainingBytes());
        ram.put("transferred", progress.transferredBytes());
        ram.put("duplicate", progress.zeroPages());
        if (profile == Profile.V3_1) {
            ram.put("skipped", 0);
        }
        ram.put("normal", progress.normalPages());
        ram.put("normal-bytes", progress.normalPages() * PageSize.BYTES);
        ram.put("dirty-pages-rate", progress.dirtyPagesPerSecond());
        ram.put("mbps", progress.bytesPerSecond() / BITS_PER_MEGABIT);
        ram.put("dirty-sync-count", progress.rounds());
        ram.put("postcopy-requests", progress.postcopyRequests());
        ram.put("page-size", PageSize.BYTES);
        ram.put("multifd-bytes", progress.multifdBytes());
        if (profile == Profile.V10_0) {
            ram.put("pages-per-second", progress.pagesPerSecond());
            ram.put("precopy-bytes", progress.precopyBytes());
            ram.put("downtime-bytes", progress.downtimeBytes());
            ram.put("postcopy-bytes", progress.postcopyBytes());
            ram.put("dirty-sync-missed-zero-copy", 0);
        }
        return ram;
    }

    private static ObjectNode object() {
        return JsonNodeFactory.instance.objectNode();
    }
}
