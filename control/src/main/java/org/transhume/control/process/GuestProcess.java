package org.transhume.control.process;

import java.io.IOException;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.BooleanSupplier;
import org.transhume.control.devices.DeviceLayer;
import org.transhume.control.dirtyrate.DirtyRate;
import org.transhume.control.guest.EventOrder;
import org.transhume.control.guest.GuestRuntime;
import org.transhume.control.guest.MigrationControl;
import org.transhume.control.guest.RunState;
import org.transhume.control.jobs.JobCommands;
import org.transhume.control.jobs.Jobs;
import org.transhume.control.monitor.HumanMonitor;
import org.transhume.control.qmp.QmpAddress;
import org.transhume.control.qmp.QmpCommand;
import org.transhume.control.qmp.QmpDispatcher;
import org.transhume.control.qmp.QmpEvent;
import org.transhume.control.qmp.QmpServer;
import org.transhume.control.qmp.SettingsCommands;
import org.transhume.control.schema.SchemaCommand;
import org.transhume.control.settings.Settings;
import org.transhume.engine.Guest;
import org.transhume.engine.IncomingGuest;
import org.transhume.engine.counters.CountersFile;
import org.transhume.engine.plan.Planning;
import tools.jackson.databind.node.JsonNodeFactory;

/**
 * A guest as a process shows it: with a run state, migrations and, if asked for, a QMP socket. Closing ends the migrations
 * and the socket; the guest itself is its maker's.
 */
public final class GuestProcess implements AutoCloseable {
    private static final String VERSION = "0.1.0";

    private final QmpDispatcher dispatcher;
    private final GuestRuntime runtime;
    private final MigrationControl control;
    private final DirtyRate dirtyRate;
    private final Planning planning;
    private final Jobs jobs;
    private final XenCommands xen;
    private final AnnounceCommands announcing;
    private final CompletableFuture<Void> quit = new CompletableFuture<>();
    private QmpServer server;
    private CountersFile counters;

    /**
     * @param ranAtSource asked of a guest that has arrived
     * @param initial run state
     */
    public <G extends Guest & IncomingGuest> GuestProcess(
            G guest,
            BooleanSupplier ranAtSource,
            RunState initial,
            Settings settings,
            MigrationControl.Incoming incoming) {
        this(guest, ranAtSource, initial, settings, incoming, DeviceLayer.NONE);
    }

    /**
     * A guest with devices beside its RAM.
     *
     * @param ranAtSource asked of a guest that has arrived
     * @param initial run state
     * @param devices what commands about disks, displays and the like reach; its maker's
     */
    public <G extends Guest & IncomingGuest> GuestProcess(
            G guest,
            BooleanSupplier ranAtSource,
            RunState initial,
            Settings settings,
            MigrationControl.Incoming incoming,
            DeviceLayer devices) {
        dispatcher = new QmpDispatcher(settings.profile(), VERSION);
        EventOrder events = new EventOrder(settings, dispatcher::emit);
        runtime = new GuestRuntime(guest, guest, ranAtSource, initial, events);
        control = new MigrationControl(runtime, settings, incoming, events);
        dispatcher.register(MigrationCommands.of(runtime, control));
        dispatcher.register(DirtyLimitCommands.of(control));
        dirtyRate = new DirtyRate(runtime, runtime::observeWrites);
        dispatcher.register(DirtyRateCommands.of(dirtyRate, settings.profile()));
        planning = new Planning(runtime, runtime::observeWrites);
        dispatcher.register(PlanCommands.of(runtime, control, dirtyRate, planning));
        jobs = new Jobs(dispatcher::emit);
        xen = new XenCommands(runtime, devices, settings.profile());
        devices.attach(new EmittedDeviceEvents(dispatcher));
        announcing = new AnnounceCommands(runtime, devices);
        dispatcher.register(PostcopyCommands.of(control));
        dispatcher.register(ThreadCommands.of(control));
        dispatcher.register(YankCommands.of(control));
        dispatcher.register(announcing.commands(settings.profile()));
        dispatcher.register(JobCommands.of(jobs));
        dispatcher.register(SnapshotCommands.of(runtime, control, devices, jobs));
        dispatcher.register(ColoCommands.of(devices, settings.profile()));
        dispatcher.register(xen.commands());
        dispatcher.register(DisplayCommands.of(devices, settings.profile()));
        dispatcher.register(SettingsCommands.of(settings, control::setCapabilities, control::setParameters));
        dispatcher.register(QmpCommand.of("quit", List.of(), _ -> {
                    dispatcher.emit(
                            "SHUTDOWN",
                            JsonNodeFactory.instance
                                    .objectNode()
                                    .put("guest", false)
                                    .put("reason", "host-qmp-quit"));
                    quit.complete(null);
                    return null;
                })
                .describedAs("ends the process; a migration that runs is cancelled"));
        dispatcher.register(MigrationTypes.events(settings.profile()));
        dispatcher.register(EmittedDeviceEvents.of(settings.profile()).toArray(QmpEvent[]::new));
        dispatcher.register(JobCommands.event());
        dispatcher.register(HumanMonitor.of(dispatcher), SchemaCommand.of(dispatcher));
    }

    /**
     * Opens the QMP socket; it accepts when this returns.
     *
     * @return where it listens
     */
    public String serve(String uri) throws IOException {
        server = QmpServer.open(QmpAddress.parse(uri), dispatcher);
        return server.address().toString();
    }

    /** Shows the counters of its migrations to whoever may look into this process, until it is closed. */
    public void showCounters() {
        counters = CountersFile.open();
        control.showIn(counters);
    }

    /** Its commands and events. */
    public QmpDispatcher dispatcher() {
        return dispatcher;
    }

    public GuestRuntime runtime() {
        return runtime;
    }

    public MigrationControl control() {
        return control;
    }

    /** Completes when somebody says {@code quit}. */
    public CompletableFuture<Void> quit() {
        return quit;
    }

    @Override
    public void close() throws IOException {
        try (CountersFile _ = counters;
                QmpServer _ = server;
                dirtyRate;
                planning;
                xen;
                announcing;
                jobs) {
            control.close();
            runtime.releaseSource();
        }
    }
}
