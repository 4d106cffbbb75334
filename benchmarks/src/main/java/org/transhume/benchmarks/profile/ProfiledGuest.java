package org.transhume.benchmarks.profile;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import one.profiler.AsyncProfilerLoader;
import org.transhume.control.Transhume;
import org.transhume.control.qmp.QmpAddress;
import org.transhume.control.qmp.QmpClient;
import org.transhume.control.qmp.QmpError;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** A fresh {@code guest} process that a profiler is attached to from outside, so that it runs what a user's runs. */
final class ProfiledGuest implements AutoCloseable {
    private static final Duration LIMIT = Duration.ofMinutes(5);
    private static final Duration SETTLING = Duration.ofSeconds(10);
    private static final int LOOK_MILLIS = 200;
    /** CPU time per elapsed time below which a process counts as idle. */
    private static final double IDLE = 0.05;

    private final String name;
    private final Path log;
    private final Process process;
    private final QmpClient qmp;
    private final String interval;

    /**
     * Starts the process and waits until it answers.
     *
     * @param name of its files in {@code folder}
     * @param interval between samples, in the profiler's words
     * @param jvm further flags
     */
    ProfiledGuest(String name, Path folder, String interval, List<String> jvm, String... arguments)
            throws IOException, QmpError {
        this.name = name;
        this.interval = interval;
        this.log = folder.resolve(name + ".log");
        Path socket = folder.resolve(name + ".qmp");
        List<String> line = new ArrayList<>();
        line.add(ProcessHandle.current().info().command().orElse("java"));
        line.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
        // Frames of what is compiled into others, also in code that is older than the profiler's stay.
        line.addAll(
                List.of("-XX:+UnlockDiagnosticVMOptions", "-XX:+DebugNonSafepoints", "-XX:+EnableDynamicAgentLoading"));
        line.addAll(jvm);
        line.addAll(List.of("-cp", System.getProperty("java.class.path"), Transhume.class.getName()));
        line.addAll(List.of("guest", "--qmp", "unix:" + socket));
        line.addAll(List.of(arguments));
        process = new ProcessBuilder(line)
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
        try {
            awaitReady();
            qmp = QmpClient.connect(QmpAddress.parse("unix:" + socket), LIMIT);
            execute("migrate-set-capabilities", capabilities(List.of("events")));
        } catch (IOException | QmpError | RuntimeException e) {
            process.destroyForcibly();
            throw e;
        }
    }

    private void awaitReady() throws IOException {
        long deadline = System.nanoTime() + LIMIT.toNanos();
        while (!Files.readString(log).contains("ready ")) {
            if (!process.isAlive() || System.nanoTime() > deadline) {
                throw new IOException("the %s did not start: %s".formatted(name, Files.readString(log)));
            }
            pause(10);
        }
    }

    private static void pause(int millis) throws IOException {
        try {
            TimeUnit.MILLISECONDS.sleep(millis);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        }
    }

    static ObjectNode capabilities(List<String> names) {
        ObjectNode arguments = JsonNodeFactory.instance.objectNode();
        for (String capability : names) {
            arguments
                    .withArray("capabilities")
                    .addObject()
                    .put("capability", capability)
                    .put("state", true);
        }
        return arguments;
    }

    JsonNode execute(String command, ObjectNode arguments) throws IOException, QmpError {
        return qmp.execute(command, arguments);
    }

    /** Returns once what a process does after its start is behind it, or {@link #SETTLING} has passed. */
    void settle() throws IOException {
        long deadline = System.nanoTime() + SETTLING.toNanos();
        double before = cpuSeconds();
        double share = 1;
        while (share > IDLE && System.nanoTime() < deadline) {
            pause(LOOK_MILLIS);
            double now = cpuSeconds();
            share = (now - before) * 1000 / LOOK_MILLIS;
            before = now;
        }
    }

    /** CPU time of the process so far, its kernel part with it. */
    double cpuSeconds() {
        return process.info().totalCpuDuration().orElse(Duration.ZERO).toNanos() / 1e9;
    }

    /** @return the status that the migration ended with */
    String awaitEnd() throws IOException {
        String status;
        do {
            status = qmp.awaitEvent("MIGRATION", LIMIT).at("/data/status").asString();
        } while (!List.of("completed", "failed", "cancelled").contains(status));
        return status;
    }

    /** Begins to take samples of the CPU time of all threads. */
    void profile() throws IOException {
        profiler("start", "-e", "cpu", "-i", interval);
    }

    /** Ends that, and writes {@code name.collapsed} and {@code name.html}, a flame graph, into {@code folder}. */
    void profiled(Path folder) throws IOException {
        profiler("dump", "-o", "collapsed", "-f", file(folder, "collapsed"));
        profiler("stop", "-o", "flamegraph", "--title", name, "-f", file(folder, "html"));
    }

    private String file(Path folder, String suffix) {
        return folder.resolve(name + "." + suffix).toAbsolutePath().toString();
    }

    private void profiler(String... arguments) throws IOException {
        List<String> all = new ArrayList<>(List.of(arguments));
        all.addAll(List.of("-t", "-a", Long.toString(process.pid())));
        AsyncProfilerLoader.ExecutionResult result = AsyncProfilerLoader.executeProfiler(all.toArray(String[]::new));
        String said = (result.getStdout() + result.getStderr()).strip();
        // What it cannot look into it says here, and goes on.
        said.lines()
                .filter(line -> line.startsWith("[WARN]") || line.startsWith("[ERROR]"))
                .forEach(line -> System.out.println(name + ": " + line));
    }

    @Override
    public void close() throws IOException {
        try (qmp) {
            process.destroyForcibly().onExit().join();
        }
    }

    /** What the process said, for when a migration failed. */
    String said() throws IOException {
        return Files.readString(log, StandardCharsets.UTF_8).strip();
    }
}
