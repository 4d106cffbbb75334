package org.transhume.control.soak;

import java.io.BufferedReader;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.transhume.control.qmp.Json;
import org.transhume.control.qmp.QmpAddress;
import org.transhume.control.qmp.QmpClient;
import org.transhume.control.qmp.QmpError;
import org.transhume.control.settings.Capability;
import org.transhume.control.settings.Parameter;
import org.transhume.engine.guest.SyntheticGuest;
import org.transhume.memory.Access;
import org.transhume.memory.RamBlock;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** A {@code guest} process, driven over QMP, whose RAM is seen from here and outlives it. */
final class ChildGuest implements AutoCloseable {
    private static final Duration LIMIT = Duration.ofSeconds(30);
    private static final long QUIT_SECONDS = 10;

    private final String name;
    private final Path folder;
    private final Process process;
    private final QmpClient qmp;
    private final RamBlock ram;

    private ChildGuest(String name, Path folder, Process process, QmpClient qmp, RamBlock ram) {
        this.name = name;
        this.folder = folder;
        this.process = process;
        this.qmp = qmp;
        this.ram = ram;
    }

    /**
     * Starts it, and returns when it answers.
     *
     * @param name of its files in {@code folder}
     * @param program main class of the command line
     * @param options of {@code guest}
     */
    static ChildGuest start(
            String name, Path folder, Class<?> program, TrialSettings settings, long bytes, List<String> options)
            throws IOException, QmpError {
        Path socket = folder.resolve(name + ".qmp");
        List<String> line = new ArrayList<>();
        line.add(ProcessHandle.current().info().command().orElse("java"));
        line.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
        line.addAll(List.of("-cp", System.getProperty("java.class.path"), program.getName(), "guest"));
        line.addAll(List.of("--ram", Long.toString(bytes), "--memory", "shared", "--qmp", "unix:" + socket));
        line.addAll(List.of("--profile", settings.profile().label()));
        line.addAll(options);
        Process process = new ProcessBuilder(line)
                .redirectError(folder.resolve(name + ".err").toFile())
                .start();
        QmpClient qmp = null;
        try {
            BufferedReader output = process.inputReader();
            String ready = output.readLine();
            if (ready == null || !ready.startsWith("ready ")) {
                throw new IOException("a guest process did not start: %s".formatted(ready));
            }
            qmp = QmpClient.connect(QmpAddress.parse("unix:" + socket), LIMIT);
            RamBlock ram = RamBlock.file(name, ramFile(process.pid()), bytes, Access.READ_ONLY);
            ChildGuest guest = new ChildGuest(name, folder, process, qmp, ram);
            guest.settle(settings);
            return guest;
        } catch (IOException | QmpError | RuntimeException e) {
            if (qmp != null) {
                qmp.close();
            }
            process.destroyForcibly().onExit().join();
            process.getInputStream().close();
            Files.deleteIfExists(socket);
            Files.deleteIfExists(folder.resolve(name + ".err"));
            throw e;
        }
    }

    private static Path ramFile(long pid) throws IOException {
        try (Stream<Path> files = Files.list(Path.of("/proc/%d/fd".formatted(pid)))) {
            return files.filter(file -> target(file).startsWith("/memfd:" + SyntheticGuest.BLOCK))
                    .findFirst()
                    .orElseThrow(() -> new IOException("the RAM of process %d is not to be found".formatted(pid)));
        }
    }

    private static String target(Path link) {
        try {
            return Files.readSymbolicLink(link).toString();
        } catch (IOException e) {
            return ""; // closed meanwhile
        }
    }

    private void settle(TrialSettings settings) throws IOException, QmpError {
        ArrayNode switches = Json.object().putArray("capabilities");
        for (Capability capability : settings.on()) {
            switches.addObject().put("capability", capability.wireName()).put("state", true);
        }
        ObjectNode capabilities = Json.object();
        capabilities.set("capabilities", switches);
        qmp.execute("migrate-set-capabilities", capabilities);
        ObjectNode parameters = Json.object();
        for (Map.Entry<Parameter, String> parameter : settings.parameters().entrySet()) {
            String key = parameter.getKey().wireName();
            String value = parameter.getValue();
            if (value.matches("[0-9]+")) {
                parameters.put(key, Long.parseLong(value));
            } else if (value.equals("on") || value.equals("off")) {
                parameters.put(key, value.equals("on"));
            } else {
                parameters.put(key, value);
            }
        }
        qmp.execute("migrate-set-parameters", parameters);
    }

    /** @return where to */
    String listen(boolean unix) throws IOException, QmpError {
        Path socket = folder.resolve(name + ".in");
        qmp.execute("migrate-incoming", Json.object().put("uri", unix ? "unix:" + socket : "tcp:127.0.0.1:0"));
        if (unix) {
            return "unix:" + socket;
        }
        JsonNode address = qmp.execute("query-migrate").get("socket-address").get(0);
        return "tcp:%s:%s"
                .formatted(
                        address.get("host").stringValue(), address.get("port").stringValue());
    }

    void execute(String command, JsonNode arguments) throws IOException, QmpError {
        qmp.execute(command, arguments);
    }

    /** Of its migration; "gone" if the process ended, "none" before there is one. */
    String status() {
        try {
            return qmp.execute("query-migrate").path("status").asString("none");
        } catch (IOException | QmpError e) {
            return "gone";
        }
    }

    String error() {
        try {
            return qmp.execute("query-migrate").path("error-desc").asString("");
        } catch (IOException | QmpError e) {
            return "";
        }
    }

    boolean runs() {
        try {
            return qmp.execute("query-status").path("running").asBoolean(false);
        } catch (IOException | QmpError e) {
            return false;
        }
    }

    /** @return the first status that is wanted, or the last one seen when it took too long */
    String await(Duration limit, Predicate<String> wanted) {
        long deadline = System.nanoTime() + limit.toNanos();
        String status = status();
        while (!wanted.test(status) && System.nanoTime() - deadline < 0) {
            LockSupport.parkNanos(5_000_000);
            status = status();
        }
        return status;
    }

    /** Its RAM as it is now, or as it was when it died. */
    RamBlock ram() {
        return ram;
    }

    /** SIGKILL. */
    void kill() {
        process.destroyForcibly().onExit().join();
    }

    @Override
    public void close() throws IOException {
        try (ram;
                qmp) {
            if (process.isAlive()) {
                try {
                    qmp.execute("quit");
                } catch (IOException | QmpError e) {
                    // It ends anyway.
                }
            }
        } finally {
            try {
                if (!process.waitFor(QUIT_SECONDS, TimeUnit.SECONDS)) {
                    kill();
                }
            } catch (InterruptedException e) {
                kill();
                Thread.currentThread().interrupt();
            }
            process.getInputStream().close();
            process.getOutputStream().close();
            for (String suffix : List.of(".qmp", ".in", ".err")) {
                Files.deleteIfExists(folder.resolve(name + suffix));
            }
        }
    }
}
