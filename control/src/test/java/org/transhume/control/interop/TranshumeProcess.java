package org.transhume.control.interop;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** One run of {@code bin/transhume}, as a user would start it. Killed on close. */
final class TranshumeProcess implements AutoCloseable {
    private static final Duration LIMIT = Duration.ofSeconds(60);
    private static final String READY = "ready ";

    private final Process process;
    private final Path stdout;
    private final Path stderr;

    private TranshumeProcess(Process process, Path stdout, Path stderr) {
        this.process = process;
        this.stdout = stdout;
        this.stderr = stderr;
    }

    /** Starts it; what it prints goes to files in {@code folder}. */
    static TranshumeProcess start(Path folder, List<String> arguments) throws IOException {
        Path stdout = Files.createTempFile(folder, arguments.getFirst(), ".stdout");
        Path stderr = Files.createTempFile(folder, arguments.getFirst(), ".stderr");
        List<String> command = new ArrayList<>(List.of(launcher().toString()));
        command.addAll(arguments);
        if (arguments.getFirst().equals("guest") && !arguments.contains("--ram-file")) {
            command.addAll(List.of("--memory", "shared")); // else nobody here could compare it
        }
        ProcessBuilder builder =
                new ProcessBuilder(command).redirectOutput(stdout.toFile()).redirectError(stderr.toFile());
        // What is tested is what this build has just packaged.
        builder.environment().put("TRANSHUME_BUILD", "never");
        // It checks its own answers against what query-qmp-schema tells of them.
        builder.environment()
                .merge("TRANSHUME_OPTS", "-ea:org.transhume.control...", (given, more) -> given + " " + more);
        return new TranshumeProcess(builder.start(), stdout, stderr);
    }

    /** The script under test; two folders up is the checkout. */
    static Path launcher() {
        Path folder = Path.of("").toAbsolutePath();
        while (Files.notExists(folder.resolve("bin/transhume"))) {
            folder = folder.getParent();
        }
        return folder.resolve("bin/transhume");
    }

    /** Waits for the address it listens at. */
    String awaitReady() throws Exception {
        Await.until("line \"ready URI\"", LIMIT, () -> {
            if (!process.isAlive()) {
                throw new AssertionError("ended before it was ready: " + said());
            }
            return Files.readAllLines(stdout).stream().anyMatch(line -> line.startsWith(READY));
        });
        return Files.readAllLines(stdout).stream()
                .filter(line -> line.startsWith(READY))
                .findFirst()
                .orElseThrow()
                .substring(READY.length());
    }

    /** Waits for its end, which must be that of a success. */
    void awaitSuccess() throws Exception {
        assertEquals(0, awaitExit(), this::said);
    }

    int awaitExit() throws Exception {
        if (!process.waitFor(LIMIT.toSeconds(), TimeUnit.SECONDS)) {
            throw new AssertionError("still running after %d s: %s".formatted(LIMIT.toSeconds(), said()));
        }
        return process.exitValue();
    }

    /** Asks it to end, as a host does that shuts down (SIGTERM). */
    void terminate() {
        process.destroy();
    }

    /** Of the JVM: the launcher becomes it. */
    long pid() {
        return process.pid();
    }

    boolean isAlive() {
        return process.isAlive();
    }

    /** The file behind the RAM of its guest, if that is a memfd: the launcher has become the JVM by then. */
    Path memory() throws IOException {
        try (Stream<Path> files = Files.list(Path.of("/proc/%d/fd".formatted(process.pid())))) {
            return files.filter(TranshumeProcess::isGuestMemory).findFirst().orElseThrow();
        }
    }

    private static boolean isGuestMemory(Path file) {
        try {
            return Files.readSymbolicLink(file).toString().startsWith("/memfd:pc.ram");
        } catch (IOException e) {
            return false; // closed meanwhile
        }
    }

    String stdout() throws IOException {
        return Files.readString(stdout);
    }

    String stderr() throws IOException {
        return Files.readString(stderr);
    }

    private String said() {
        try {
            return "stdout:\n%sstderr:\n%s".formatted(Files.readString(stdout), Files.readString(stderr));
        } catch (IOException e) {
            return "what it said cannot be read: " + e;
        }
    }

    @Override
    public void close() {
        process.destroyForcibly();
        Process _ =
                process.onExit().orTimeout(LIMIT.toSeconds(), TimeUnit.SECONDS).join();
    }
}
