package org.transhume.control.command;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.transhume.channels.Address;
import org.transhume.control.qmp.Json;
import org.transhume.control.qmp.QmpAddress;
import org.transhume.control.qmp.QmpClient;
import org.transhume.control.qmp.QmpError;
import org.transhume.control.settings.Capability;
import org.transhume.control.settings.Parameter;
import org.transhume.control.settings.SettingsValues;
import org.transhume.engine.guest.SyntheticGuest;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** The second process of the demonstration: a guest that waits, driven over QMP as a script would drive it. */
final class DemoDestination implements AutoCloseable {
    private static final Duration LIMIT = Duration.ofSeconds(20);
    private static final long QUIT_SECONDS = 10;

    private final Path directory;
    private final Process process;
    private final QmpClient qmp;
    private final SettingsValues settings;

    private DemoDestination(Path directory, Process process, QmpClient qmp, SettingsValues settings) {
        this.directory = directory;
        this.process = process;
        this.qmp = qmp;
        this.settings = settings;
    }

    /**
     * @param program main class of the command line this is part of
     * @param settings of the source, which it is to have alike
     */
    static DemoDestination start(Class<?> program, long ram, SettingsValues settings) throws IOException {
        Path directory = Files.createTempDirectory("transhume-demo");
        Path socket = directory.resolve("qmp.sock");
        List<String> line = new ArrayList<>();
        line.add(ProcessHandle.current().info().command().orElse("java"));
        line.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
        line.addAll(List.of("-cp", System.getProperty("java.class.path"), program.getName()));
        line.addAll(List.of(
                "guest",
                "--ram",
                Long.toString(ram),
                "--memory",
                "shared",
                "--incoming",
                "defer",
                "--qmp",
                "unix:" + socket));
        Process process = new ProcessBuilder(line)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        try {
            BufferedReader output = process.inputReader();
            String ready = output.readLine();
            if (ready == null || !ready.startsWith("ready ")) {
                throw new IOException("the second process did not start: %s".formatted(ready));
            }
            QmpClient qmp = QmpClient.connect(QmpAddress.parse("unix:" + socket), LIMIT);
            return new DemoDestination(directory, process, qmp, settings);
        } catch (IOException e) {
            process.destroyForcibly();
            Files.deleteIfExists(socket);
            Files.deleteIfExists(directory);
            throw e;
        } catch (QmpError e) {
            process.destroyForcibly();
            throw new IOException(e.getMessage(), e);
        }
    }

    long pid() {
        return process.pid();
    }

    /** Has it listen with the settings of the demonstration. */
    Address listen() throws IOException {
        try {
            ArrayNode capabilities = Json.object().putArray("capabilities");
            Capability.of(settings.profile()).stream()
                    .filter(settings::enabled)
                    .forEach(capability -> capabilities
                            .addObject()
                            .put("capability", capability.wireName())
                            .put("state", true));
            ObjectNode arguments = Json.object();
            arguments.set("capabilities", capabilities);
            qmp.execute("migrate-set-capabilities", arguments);
            qmp.execute(
                    "migrate-set-parameters",
                    Json.object()
                            .put("multifd-channels", settings.count(Parameter.MULTIFD_CHANNELS))
                            .put("multifd-compression", settings.text(Parameter.MULTIFD_COMPRESSION)));
            qmp.execute("migrate-incoming", Json.object().put("uri", "tcp:127.0.0.1:0"));
            JsonNode address =
                    qmp.execute("query-migrate").get("socket-address").get(0);
            return Address.parse("tcp:%s:%s"
                    .formatted(
                            address.get("host").stringValue(),
                            address.get("port").stringValue()));
        } catch (QmpError e) {
            throw new IOException(e.getMessage(), e);
        }
    }

    /** The file behind its RAM, as this process can open it. */
    Path ramFile() throws IOException {
        String wanted = "/memfd:" + SyntheticGuest.BLOCK;
        try (Stream<Path> files = Files.list(Path.of("/proc/%d/fd".formatted(pid())))) {
            return files.filter(file -> target(file).startsWith(wanted))
                    .findFirst()
                    .orElseThrow(() -> new IOException("the RAM of process %d is not to be found".formatted(pid())));
        }
    }

    private static String target(Path link) {
        try {
            return Files.readSymbolicLink(link).toString();
        } catch (IOException e) {
            return ""; // closed meanwhile
        }
    }

    @Override
    public void close() throws IOException {
        try (qmp) {
            qmp.execute("quit");
            if (!process.waitFor(QUIT_SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly();
            }
        } catch (IOException | QmpError | UncheckedIOException e) {
            process.destroyForcibly(); // it is of no more use, whatever state it is in
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
        }
        Files.deleteIfExists(directory.resolve("qmp.sock"));
        Files.deleteIfExists(directory);
    }
}
