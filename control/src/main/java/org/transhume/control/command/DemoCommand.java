package org.transhume.control.command;

import java.io.IOException;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.transhume.channels.Address;
import org.transhume.control.display.JsonText;
import org.transhume.control.display.PackingText;
import org.transhume.control.display.ProgressLine;
import org.transhume.control.display.ReportText;
import org.transhume.control.display.Units;
import org.transhume.control.guest.MigrationConfigs;
import org.transhume.control.guest.Rehearsal;
import org.transhume.control.settings.Capability;
import org.transhume.control.settings.Parameter;
import org.transhume.control.settings.Profile;
import org.transhume.control.settings.SettingsValues;
import org.transhume.engine.MigrationObserver;
import org.transhume.engine.counters.CountersFile;
import org.transhume.engine.digest.RamDigest;
import org.transhume.engine.guest.SyntheticGuest;
import org.transhume.engine.guest.WorkloadSpec;
import org.transhume.engine.outgoing.Dialer;
import org.transhume.engine.outgoing.OutgoingConfig;
import org.transhume.engine.outgoing.OutgoingMigration;
import org.transhume.engine.outgoing.OutgoingReport;
import org.transhume.memory.DirtySources;
import org.transhume.memory.GuestMemory;
import org.transhume.memory.RamBlock;
import picocli.CommandLine;

/** {@code demo}: moves a guest that keeps writing its RAM to a second process, and proves that nothing was lost. */
@CommandLine.Command(
        name = "demo",
        description =
                "Move a guest that keeps writing its RAM to a second process on this host, then compare every byte.",
        mixinStandardHelpOptions = true)
public final class DemoCommand implements Callable<Integer> {
    private static final int FAILED = 1;

    @CommandLine.Option(
            names = "--ram",
            paramLabel = "SIZE",
            defaultValue = "2G",
            converter = SizeConverter.class,
            description = "RAM of the guest (default: ${DEFAULT-VALUE}).")
    private long ram;

    @CommandLine.Option(
            names = "--touched",
            paramLabel = "SIZE",
            converter = SizeConverter.class,
            description = "How much of it was ever written, and is written again (default: all).")
    private Long touched;

    @CommandLine.Option(
            names = "--workload",
            paramLabel = "SPEC",
            description = "What the guest does (default: uniform:rate=20000 over all that is touched).",
            converter = WorkloadConverter.class)
    private WorkloadSpec workload;

    @CommandLine.Option(
            names = "--channels",
            paramLabel = "N",
            defaultValue = "2",
            description = "multifd channels, 0 for the main channel alone (default: ${DEFAULT-VALUE}).")
    private int channels;

    @CommandLine.Option(
            names = "--max-bandwidth",
            paramLabel = "SIZE",
            defaultValue = "0",
            converter = SizeConverter.class,
            description = "Bytes per second, 0 for no cap (default).")
    private long maxBandwidth;

    @CommandLine.Option(
            names = "--downtime-limit",
            paramLabel = "MS",
            defaultValue = "300",
            description = "Longest pause to aim for (default: ${DEFAULT-VALUE}).")
    private long downtimeLimit;

    @CommandLine.Mixin
    private SettingOptions options;

    @CommandLine.Option(names = "--json", description = "Print the report as JSON.")
    private boolean json;

    @CommandLine.Spec
    private CommandLine.Model.CommandSpec spec;

    /**
     * What the demonstration showed.
     *
     * @param equal whether every byte of RAM is the same on both sides
     * @param migration its report
     * @param packing how pages were packed on their way
     * @param comparedBytes bytes that were compared; the rest is untouched on both sides
     */
    record Result(
            OutgoingReport migration, String packing, boolean equal, long comparedBytes, long downtimeLimitMillis) {}

    @Override
    public Integer call() throws IOException {
        PrintWriter out = spec.commandLine().getOut();
        PrintWriter err = spec.commandLine().getErr();
        SettingsValues settings = settings();
        Rehearsal rehearsal = Rehearsal.begin(); // while the other process starts
        GuestMemory memory = new GuestMemory(List.of(RamBlock.memfd(SyntheticGuest.BLOCK, ram)));
        try (DemoDestination destination =
                        DemoDestination.start(spec.root().userObject().getClass(), ram, settings);
                SyntheticGuest guest = new SyntheticGuest(
                        SyntheticGuest.MACHINE, memory, DirtySources.best(memory), workload(), true)) {
            Address address = destination.listen();
            if (settings.enabled(Capability.X_RAM_DIGEST)) {
                RamDigest.prepareSoon();
            }
            guest.fill();
            guest.resume();
            if (!json) {
                err.printf(
                        "guest of %s, %s, moves to process %d at %s%n",
                        Units.bytes(ram), workload(), destination.pid(), address.uri());
            }
            OutgoingConfig config = MigrationConfigs.outgoing(settings);
            rehearsal.end();
            OutgoingMigration migration =
                    OutgoingMigration.start(guest, Dialer.to(address), config, new MigrationObserver() {}, "demo");
            OutgoingReport report;
            try (CountersFile counters = CountersFile.open();
                    CountersFile.Shown _ = counters.show("demo", migration::counters)) {
                report = new ProgressLine(err, json).await(migration);
            }
            return conclude(out, guest, destination, report, settings);
        }
    }

    private SettingsValues settings() {
        List<Capability> on = new ArrayList<>(List.of(Capability.RETURN_PATH, Capability.X_HOLE_RUNS));
        Map<Parameter, String> values = new EnumMap<>(Parameter.class);
        values.put(Parameter.MAX_BANDWIDTH, Long.toString(maxBandwidth));
        values.put(Parameter.DOWNTIME_LIMIT, Long.toString(downtimeLimit));
        if (channels > 0) {
            on.add(Capability.MULTIFD);
            values.put(Parameter.MULTIFD_CHANNELS, Integer.toString(channels));
        }
        SettingsValues settings = options.settings(Profile.V10_0, on, values).values();
        options.checkNobodyHasToContinue(settings);
        return settings;
    }

    private Integer conclude(
            PrintWriter out,
            SyntheticGuest guest,
            DemoDestination destination,
            OutgoingReport report,
            SettingsValues settings)
            throws IOException {
        String packing = PackingText.of(settings);
        boolean completed = report.outcome().equals("completed");
        RamComparison comparison = completed
                ? RamComparison.of(guest.memory().blocks().getFirst(), destination.ramFile())
                : new RamComparison(0, -1);
        if (json) {
            out.println(JsonText.of(new Result(
                    report,
                    packing,
                    completed && comparison.equal(),
                    comparison.comparedBytes(),
                    settings.size(Parameter.DOWNTIME_LIMIT))));
        } else {
            ReportText.print(report, packing, out);
            if (completed) {
                out.println(comparison.text());
            }
        }
        out.flush();
        if (!completed) {
            throw new IOException(report.reason() == null ? "the migration was cancelled" : report.reason());
        }
        return comparison.equal() ? CommandLine.ExitCode.OK : FAILED;
    }

    private WorkloadSpec workload() {
        if (workload != null) {
            return workload;
        }
        long set = touched == null ? ram : Math.min(touched, ram);
        return WorkloadSpec.parse("uniform:rate=20000,ws=" + set);
    }
}
