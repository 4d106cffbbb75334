package org.transhume.benchmarks.profile;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import one.profiler.AsyncProfilerLoader;
import org.transhume.control.command.SizeConverter;
import org.transhume.control.qmp.QmpError;
import picocli.CommandLine;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** {@code bin/transhume bench profile}: one migration between two fresh processes, and where the CPU of each went. */
@CommandLine.Command(
        name = "profile",
        description = "One migration between two fresh guest processes, and where the CPU of each went.",
        mixinStandardHelpOptions = true)
public final class ProfileCommand implements Callable<Integer> {
    private static final double GIB = 1L << 30;

    @CommandLine.Parameters(
            arity = "0..1",
            paramLabel = "CONTENT",
            defaultValue = "random",
            description = "What RAM holds: ${COMPLETION-CANDIDATES} (default: ${DEFAULT-VALUE}).")
    private GuestContent content;

    @CommandLine.Option(
            names = "--ram",
            paramLabel = "SIZE",
            defaultValue = "1G",
            converter = SizeConverter.class,
            description = "RAM of the guest (default: ${DEFAULT-VALUE}).")
    private long bytes;

    @CommandLine.Option(
            names = "--channels",
            paramLabel = "N",
            defaultValue = "0",
            description = "Page channels; 0 is the main channel alone (default: ${DEFAULT-VALUE}).")
    private int channels;

    @CommandLine.Option(
            names = "--compression",
            paramLabel = "METHOD",
            description = "multifd-compression: none, zlib, zstd; needs --channels.")
    private String compression;

    @CommandLine.Option(
            names = "--workload",
            paramLabel = "SPEC",
            description = "The guest runs and writes as in guest --workload, which also fills its RAM.")
    private String workload;

    @CommandLine.Option(names = "--capability", paramLabel = "NAME", description = "Further capability, at both ends.")
    private List<String> capabilities = new ArrayList<>();

    @CommandLine.Option(
            names = "--parameter",
            paramLabel = "NAME=VALUE",
            description = "Further parameter, at both ends.")
    private Map<String, String> parameters = new LinkedHashMap<>();

    @CommandLine.Option(names = "--jvm", paramLabel = "FLAG", description = "Further JVM flag of both, --jvm=-XX:...")
    private List<String> jvm = new ArrayList<>();

    @CommandLine.Option(
            names = "--interval",
            paramLabel = "TIME",
            defaultValue = "1ms",
            description = "CPU time between two samples of a thread (default: ${DEFAULT-VALUE}).")
    private String interval;

    @CommandLine.Option(
            names = "--out",
            paramLabel = "DIR",
            defaultValue = "transhume-profile",
            description = "Takes flame graphs and stacks of both sides (default: ${DEFAULT-VALUE}).")
    private Path out;

    @CommandLine.Spec
    private CommandLine.Model.CommandSpec spec;

    @Override
    public Integer call() throws IOException, QmpError {
        if (compression != null && channels == 0) {
            throw new CommandLine.ParameterException(spec.commandLine(), "--compression needs --channels");
        }
        Files.createDirectories(out);
        Path folder = Files.createTempDirectory(Path.of("/dev/shm"), "transhume-profile");
        try {
            AsyncProfilerLoader.setExtractionDirectory(folder);
            List<String> arguments = new ArrayList<>();
            if (workload == null) {
                arguments.add("--paused");
                arguments.addAll(content.options(folder.resolve("ram"), bytes));
            } else {
                arguments.addAll(List.of("--workload", workload));
            }
            try (ProfiledGuest destination = start("destination", folder, List.of("--incoming", "defer"));
                    ProfiledGuest source = start("source", folder, arguments)) {
                migrate(source, destination);
            }
        } finally {
            delete(folder);
        }
        return CommandLine.ExitCode.OK;
    }

    private ProfiledGuest start(String name, Path folder, List<String> arguments) throws IOException, QmpError {
        List<String> all = new ArrayList<>(arguments);
        all.addAll(List.of("--ram", Long.toString(bytes)));
        ProfiledGuest guest = new ProfiledGuest(name, folder, interval, jvm, all.toArray(String[]::new));
        try {
            configure(guest);
            return guest;
        } catch (IOException | QmpError | RuntimeException e) {
            guest.close();
            throw e;
        }
    }

    private void configure(ProfiledGuest guest) throws IOException, QmpError {
        List<String> on = new ArrayList<>(capabilities);
        ObjectNode values = JsonNodeFactory.instance.objectNode().put("max-bandwidth", 0);
        if (channels > 0) {
            on.add("multifd");
            values.put("multifd-channels", channels);
        }
        if (compression != null) {
            values.put("multifd-compression", compression);
        }
        parameters.forEach((name, value) -> {
            if (value.matches("\\d+")) {
                values.put(name, Long.parseLong(value));
            } else {
                values.put(name, value);
            }
        });
        if (!on.isEmpty()) {
            guest.execute("migrate-set-capabilities", ProfiledGuest.capabilities(on));
        }
        guest.execute("migrate-set-parameters", values);
    }

    private void migrate(ProfiledGuest source, ProfiledGuest destination) throws IOException, QmpError {
        destination.execute(
                "migrate-incoming", JsonNodeFactory.instance.objectNode().put("uri", "tcp:127.0.0.1:0"));
        int port = destination
                .execute("query-migrate", null)
                .at("/socket-address/0/port")
                .asInt();
        List<ProfiledGuest> sides = List.of(source, destination);
        double[] before = new double[sides.size()];
        double[] seconds = new double[sides.size()];
        for (ProfiledGuest side : sides) {
            side.settle();
        }
        for (int i = 0; i < before.length; i++) {
            sides.get(i).profile();
            before[i] = sides.get(i).cpuSeconds();
        }
        source.execute("migrate", JsonNodeFactory.instance.objectNode().put("uri", "tcp:127.0.0.1:" + port));
        for (ProfiledGuest side : sides) {
            String status = side.awaitEnd();
            if (!status.equals("completed")) {
                throw new IOException("the migration %s:%n%s".formatted(status, side.said()));
            }
        }
        for (int i = 0; i < seconds.length; i++) {
            seconds[i] = sides.get(i).cpuSeconds() - before[i];
        }
        for (ProfiledGuest side : sides) {
            side.profiled(out);
        }
        JsonNode info = source.execute("query-migrate", null);
        System.out.printf(
                "%s, %.2f GiB, %d page channels: %d ms, %d MiB sent%n",
                workload == null ? content : workload,
                bytes / GIB,
                channels,
                info.path("total-time").asInt(),
                info.at("/ram/transferred").asLong() >> 20);
        print("source", seconds[0]);
        print("destination", seconds[1]);
    }

    private void print(String side, double seconds) throws IOException {
        CpuTable table = CpuTable.read(out.resolve(side + ".collapsed"));
        System.out.printf(
                "%n%s: %.2f s of CPU, %d samples, %s%n", side, seconds, table.samples(), out.resolve(side + ".html"));
        if (!table.kernelSeen()) {
            System.out.println(
                    "no frames of the kernel: what it does counts as that of its caller; docs/performance.md says how to allow them");
        }
        table.print(System.out, seconds, bytes / GIB);
    }

    private static void delete(Path folder) throws IOException {
        try (Stream<Path> all = Files.walk(folder)) {
            for (Path path : all.sorted((a, b) -> b.compareTo(a)).toList()) {
                Files.delete(path);
            }
        }
    }
}
