package org.transhume.control.interop;

import java.io.IOException;
import java.net.ConnectException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.transhume.control.qmp.QmpAddress;
import org.transhume.control.qmp.QmpClient;
import org.transhume.control.qmp.QmpError;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * One QEMU, its RAM a file that the test may read at any time. Emulates the CPU (TCG), so it needs no /dev/kvm. Killed on
 * close.
 */
final class QemuProcess implements AutoCloseable {
    private static final Duration LIMIT = Duration.ofSeconds(60);
    private static final JsonMapper JSON = new JsonMapper();

    private final Process process;
    private final Path folder;
    private final QmpClient qmp;

    private QemuProcess(Process process, Path folder, QmpClient qmp) {
        this.process = process;
        this.folder = folder;
        this.qmp = qmp;
    }

    /** Starts a guest that runs at once. {@code folder} is created and is this process' own. */
    static QemuProcess running(QemuVersion version, QemuGuest guest, Path folder) throws Exception {
        return start(version, guest, folder, List.of());
    }

    /** Starts a process that waits for {@link #listen}; its guest runs on after the migration if it ran before. */
    static QemuProcess incoming(QemuVersion version, QemuGuest guest, Path folder) throws Exception {
        return start(version, guest, folder, List.of("-incoming", "defer"));
    }

    /** As {@link #incoming}, but the guest stands still after the migration, until {@link #cont}. */
    static QemuProcess incomingPaused(QemuVersion version, QemuGuest guest, Path folder) throws Exception {
        return start(version, guest, folder, List.of("-incoming", "defer", "-S"));
    }

    /** Starts a guest that has not run yet, and does not before {@link #cont}. */
    static QemuProcess atRest(QemuVersion version, QemuGuest guest, Path folder) throws Exception {
        return start(version, guest, folder, List.of("-S"));
    }

    private static QemuProcess start(QemuVersion version, QemuGuest guest, Path folder, List<String> more)
            throws Exception {
        List<String> command = version.command();
        Files.createDirectory(folder);
        // The block is called pc.ram on both sides because the backend is.
        command.addAll(List.of("-machine", version.machine() + ",memory-backend=pc.ram", "-accel", "tcg"));
        command.addAll(List.of("-m", guest.ramBytes() + "B", "-smp", "1"));
        command.addAll(List.of(
                "-object",
                "memory-backend-file,id=pc.ram,share=on,size=%d,mem-path=%s"
                        .formatted(guest.ramBytes(), folder.resolve("ram"))));
        command.addAll(List.of("-nodefaults", "-no-user-config", "-display", "none"));
        command.addAll(List.of("-serial", "file:" + folder.resolve("serial")));
        command.addAll(List.of("-qmp", "unix:" + folder.resolve("qmp") + ",server=on,wait=off"));
        command.addAll(guest.arguments());
        command.addAll(more);
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(folder.resolve("output").toFile())
                .start();
        try {
            return new QemuProcess(process, folder, connect(process, folder));
        } catch (Exception | Error e) {
            process.destroyForcibly();
            throw e;
        }
    }

    private static QmpClient connect(Process process, Path folder) throws Exception {
        QmpAddress address = QmpAddress.parse("unix:" + folder.resolve("qmp"));
        List<QmpClient> connected = new ArrayList<>();
        Await.until("QMP socket of a QEMU", LIMIT, () -> {
            if (!process.isAlive()) {
                throw new IOException("QEMU ended: " + Files.readString(folder.resolve("output")));
            }
            try {
                return connected.add(QmpClient.connect(address, LIMIT));
            } catch (ConnectException notYet) {
                return false;
            }
        });
        return connected.getFirst();
    }

    /** Runs a command; {@code arguments} is JSON, with ' for ". */
    JsonNode execute(String command, String arguments) throws IOException, QmpError {
        return qmp.execute(command, JSON.readTree(arguments.replace('\'', '"')));
    }

    /** What its human monitor prints. */
    String monitor(String line) throws IOException, QmpError {
        return qmp.execute("human-monitor-command", JSON.createObjectNode().put("command-line", line))
                .asString();
    }

    void stop() throws IOException, QmpError {
        qmp.execute("stop");
    }

    void cont() throws IOException, QmpError {
        qmp.execute("cont");
    }

    String runState() throws IOException, QmpError {
        return qmp.execute("query-status").path("status").asString();
    }

    void enable(Set<String> capabilities) throws IOException, QmpError {
        for (String capability : capabilities) {
            execute(
                    "migrate-set-capabilities",
                    "{'capabilities': [{'capability': '%s', 'state': true}]}".formatted(capability));
        }
        execute("migrate-set-parameters", "{'max-bandwidth': 1073741824, 'multifd-channels': 2}");
    }

    /** Sets migration parameters: {@code name=value} and a blank between two. */
    void set(String parameters) throws IOException, QmpError {
        for (String parameter : parameters.trim().split(" +", 0)) {
            String[] pair = parameter.split("=", 2);
            if (pair.length == 2) {
                boolean number = pair[1].matches("\\d+");
                String value = switch (pair[1]) {
                    case "on" -> "true";
                    case "off" -> "false";
                    default -> number ? pair[1] : "'%s'".formatted(pair[1]);
                };
                execute("migrate-set-parameters", "{'%s': %s}".formatted(pair[0], value));
            }
        }
    }

    /** Listens for a migration; returns the address with the port that was free. */
    String listen(String uri) throws IOException, QmpError {
        execute("migrate-incoming", "{'uri': '%s'}".formatted(uri));
        if (!uri.startsWith("tcp:")) {
            return uri;
        }
        JsonNode address = migration().path("socket-address").path(0);
        return "tcp:%s:%s"
                .formatted(address.path("host").asString(), address.path("port").asString());
    }

    /** Migrates away and waits for the end of it. */
    void migrate(String uri) throws Exception {
        startMigration(uri);
        awaitMigrated();
    }

    void startMigration(String uri) throws IOException, QmpError {
        execute("migrate", "{'uri': '%s'}".formatted(uri));
    }

    /** What it says about its migration. */
    JsonNode migration() throws IOException, QmpError {
        return qmp.execute("query-migrate");
    }

    /** Waits for the end of a process that could not load what came. */
    int awaitExit() throws Exception {
        if (!process.waitFor(LIMIT.toSeconds(), TimeUnit.SECONDS)) {
            throw new AssertionError("QEMU still runs after %s: %s".formatted(LIMIT, output()));
        }
        return process.exitValue();
    }

    /** Waits until the migration, outgoing or incoming, is completed. */
    void awaitMigrated() throws Exception {
        Await.until("completed migration", LIMIT, () -> {
            JsonNode info = migration();
            String status = info.path("status").asString("none");
            if (status.equals("failed") || status.equals("cancelled")) {
                throw new AssertionError("migration %s: %s, %s".formatted(status, info, output()));
            }
            return status.equals("completed");
        });
    }

    Path ram() {
        return folder.resolve("ram");
    }

    /** What the guest wrote to its console. */
    String serial() throws IOException {
        return Files.readString(folder.resolve("serial"));
    }

    /** The 32-bit word at {@code address} of the guest's RAM, as it is now. */
    int word(long address) throws IOException {
        ByteBuffer word = ByteBuffer.allocate(Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        try (FileChannel file = FileChannel.open(ram())) {
            int _ = file.read(word, address);
        }
        return word.flip().getInt();
    }

    /** Waits until a guest of {@link QemuGuest#dirtying} writes to its pages. */
    void awaitDirtying() throws Exception {
        int before = word(QemuGuest.COUNTER);
        Await.until("write of the guest", LIMIT, () -> word(QemuGuest.COUNTER) != before);
    }

    /** Waits until the guest's console shows {@code text}. */
    void awaitSerial(String text) throws Exception {
        Await.until("\"" + text + "\" on the console", LIMIT, () -> serial().contains(text));
    }

    private String output() throws IOException {
        return Files.readString(folder.resolve("output"));
    }

    @Override
    public void close() throws IOException {
        process.destroyForcibly();
        Process _ =
                process.onExit().orTimeout(LIMIT.toSeconds(), TimeUnit.SECONDS).join();
        qmp.close();
    }
}
