package org.transhume.control.interop;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.InputStream;
import java.net.SocketException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * {@code two-qemus.sh}, a script with bash and socat alone, drives two QEMUs; unchanged, it drives us in the place of either or
 * both. A QEMU's guest has devices that only a QEMU has, so what takes it in is {@code receive}.
 */
@Timeout(120)
class ScriptForTwoQemusIT {
    private static final Duration LIMIT = Duration.ofSeconds(60);

    private static final String HAPPENED = """
            source is running
            source: setup active
            first: active
            source: cancelling cancelled
            source is running
            first: failed
            source: setup active STOP pre-switchover
            source is finish-migrate
            second: active RESUME completed
            source: device completed
            source is postmigrate
            """;

    @TempDir
    Path folder;

    private final List<Process> processes = new ArrayList<>();

    @AfterEach
    void end() {
        processes.forEach(Process::destroyForcibly);
        processes.forEach(process -> process.onExit().join());
    }

    @ParameterizedTest(name = "from {0} to {1}")
    @CsvSource({"qemu, qemu", "guest, guest", "qemu, receive"})
    void tellsTheSameStory(String source, String destination) throws Exception {
        assumeTrue(
                List.of(System.getenv("PATH").split(":", -1)).stream()
                        .anyMatch(bin -> Files.isExecutable(Path.of(bin, "socat"))),
                "no socat");
        Process from = start(source, "source", null);
        Process first = start(destination, "first", "unix:" + folder.resolve("first-arrives"));
        Process second = start(destination, "second", "unix:" + folder.resolve("second-arrives"));
        awaitMonitor("source", from);
        awaitMonitor("first", first);
        awaitMonitor("second", second);

        Path script = folder.resolve("two-qemus.sh");
        try (InputStream text = getClass().getResourceAsStream("two-qemus.sh")) {
            Files.copy(text, script);
        }
        List<String> command = new ArrayList<>(
                List.of("bash", script.toString(), folder.resolve("source").toString()));
        for (String place : List.of("first", "second")) {
            command.addAll(List.of(folder.resolve(place).toString(), "unix:" + folder.resolve(place + "-arrives")));
        }
        String said = run(command);

        // What is taken in does not run.
        String runs = destination.equals("receive") ? "" : "RESUME ";
        assertEquals(HAPPENED.replace("RESUME ", runs), said);
        assertTrue(first.waitFor(LIMIT.toSeconds(), TimeUnit.SECONDS), "a destination whose source gave up still runs");
        assertEquals(1, first.exitValue());
    }

    private Process start(String kind, String name, String incoming) throws Exception {
        List<String> command = new ArrayList<>();
        String monitor = "unix:" + folder.resolve(name);
        switch (kind) {
            case "qemu" -> {
                QemuGuest guest = QemuGuest.dirtying(folder);
                command.addAll(QemuVersion.V10_0.command());
                command.addAll(List.of("-machine", QemuVersion.V10_0.machine(), "-accel", "tcg", "-display", "none"));
                command.addAll(List.of("-m", guest.ramBytes() + "B", "-nodefaults", "-no-user-config"));
                command.addAll(List.of("-qmp", monitor + ",server=on,wait=off"));
                command.addAll(guest.arguments());
                command.addAll(incoming == null ? List.of() : List.of("-incoming", incoming));
            }
            case "guest" -> {
                command.addAll(List.of(TranshumeProcess.launcher().toString(), "guest", "--ram", "32M"));
                command.addAll(List.of("--workload", "uniform:rate=20000,ws=8M", "--qmp", monitor));
                command.addAll(incoming == null ? List.of() : List.of("--incoming", incoming));
            }
            default -> {
                command.addAll(List.of(TranshumeProcess.launcher().toString(), "receive", "--listen", incoming));
                command.addAll(List.of("--out", folder.resolve(name + "-image").toString(), "--qmp", monitor));
            }
        }
        ProcessBuilder builder = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(folder.resolve(name + ".output").toFile());
        builder.environment().put("TRANSHUME_BUILD", "never");
        Process process = builder.start();
        processes.add(process);
        return process;
    }

    private void awaitMonitor(String name, Process process) throws Exception {
        Await.until("monitor of the " + name, LIMIT, () -> {
            assertTrue(process.isAlive(), () -> name + " ended: " + output(name));
            try (SocketChannel probe = SocketChannel.open(StandardProtocolFamily.UNIX)) {
                return probe.connect(UnixDomainSocketAddress.of(folder.resolve(name)));
            } catch (SocketException notYet) {
                return false;
            }
        });
    }

    private String run(List<String> command) throws Exception {
        Path said = folder.resolve("said");
        Process script = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(said.toFile())
                .start();
        processes.add(script);
        assertTrue(
                script.waitFor(LIMIT.toSeconds(), TimeUnit.SECONDS), () -> "the script still runs: " + output("said"));
        return Files.readString(said);
    }

    private String output(String name) {
        try {
            return Files.readString(folder.resolve(name.equals("said") ? name : name + ".output"));
        } catch (IOException e) {
            return e.toString();
        }
    }
}
