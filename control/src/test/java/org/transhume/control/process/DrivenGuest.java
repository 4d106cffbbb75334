package org.transhume.control.process;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.locks.LockSupport;
import org.transhume.control.devices.DeviceLayer;
import org.transhume.control.guest.MigrationControl;
import org.transhume.control.guest.RunState;
import org.transhume.control.qmp.Json;
import org.transhume.control.qmp.QmpAddress;
import org.transhume.control.qmp.QmpClient;
import org.transhume.control.qmp.QmpError;
import org.transhume.control.settings.Profile;
import org.transhume.control.settings.Settings;
import org.transhume.engine.guest.SyntheticGuest;
import org.transhume.engine.guest.WorkloadSpec;
import org.transhume.memory.GuestMemory;
import org.transhume.memory.RamBlock;
import org.transhume.memory.WriterMarks;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * A guest of this process, driven over its QMP socket alone. Its RAM stays as it is once it has arrived. Remembers every event
 * that its socket told.
 */
final class DrivenGuest implements AutoCloseable {
    static final Duration LIMIT = Duration.ofSeconds(20);
    private static final JsonMapper JSON = new JsonMapper();
    private static final long POLL_NANOS = 2_000_000;

    final SyntheticGuest guest;
    final GuestProcess process;
    final QmpClient qmp;

    private final StringBuilder told = new StringBuilder();

    private DrivenGuest(
            Path socket,
            Profile profile,
            UUID uuid,
            long ram,
            String workload,
            boolean arrives,
            boolean refuses,
            DeviceLayer devices)
            throws Exception {
        GuestMemory memory = new GuestMemory(List.of(RamBlock.memfd(SyntheticGuest.BLOCK, ram)));
        guest = new SyntheticGuest(
                SyntheticGuest.MACHINE, memory, new WriterMarks(memory), WorkloadSpec.parse(workload), true, uuid);
        process = new GuestProcess(
                refuses ? Whole.refusingToLoad(guest) : Whole.of(guest),
                guest::ranAtSource,
                arrives ? RunState.INMIGRATE : RunState.PRELAUNCH,
                new Settings(profile),
                arrives ? MigrationControl.Incoming.DEFERRED : MigrationControl.Incoming.NONE,
                devices);
        if (!arrives) {
            guest.fill();
        }
        qmp = QmpClient.connect(QmpAddress.parse(process.serve("unix:" + socket)), LIMIT, "oob");
    }

    /** Stands still until {@code cont}; half of its RAM is noise. */
    static DrivenGuest leaving(Path socket, Profile profile, UUID uuid, long ram) throws Exception {
        return new DrivenGuest(socket, profile, uuid, ram, "idle:ws=" + ram / 2, false, false, DeviceLayer.NONE);
    }

    /** As {@link #leaving}, with devices, and little RAM. */
    static DrivenGuest with(Path socket, Profile profile, DeviceLayer devices) throws Exception {
        return new DrivenGuest(socket, profile, null, 1 << 20, "idle", false, false, devices);
    }

    static DrivenGuest arriving(Path socket, Profile profile, UUID uuid, long ram) throws Exception {
        return new DrivenGuest(socket, profile, uuid, ram, "idle", true, false, DeviceLayer.NONE);
    }

    /** Runs at once, and writes. */
    static DrivenGuest writing(Path socket, long ram, int pagesPerSecond) throws Exception {
        String workload = "uniform:rate=%d,ws=%d".formatted(pagesPerSecond, ram / 2);
        DrivenGuest guest = new DrivenGuest(socket, Profile.V10_0, null, ram, workload, false, false, DeviceLayer.NONE);
        guest.cont();
        guest.qmp.takeEvents();
        return guest;
    }

    /** Takes the RAM of whoever comes, but not its devices. */
    static DrivenGuest refusing(Path socket, long ram) throws Exception {
        return new DrivenGuest(socket, Profile.V10_0, null, ram, "idle", true, true, DeviceLayer.NONE);
    }

    /** Runs a command; {@code arguments} is JSON, with ' for ". */
    JsonNode execute(String command, String arguments) throws IOException, QmpError {
        return qmp.execute(command, JSON.readTree(arguments.replace('\'', '"')));
    }

    /** Each row is a command, its arguments and the answer, with bars between. */
    void assertAnswers(String... rows) throws IOException {
        for (String row : rows) {
            List<String> parts =
                    Arrays.stream(row.split("\\|", 3)).map(String::strip).toList();
            assertEquals(parts.get(2), answer(parts.get(0), parts.get(1)), () -> parts.get(0) + " " + parts.get(1));
        }
    }

    /** What a command says: its result as JSON, or the class and the text of its error. */
    String answer(String command, String arguments) throws IOException {
        return said(() -> execute(command, arguments));
    }

    String answerOutOfBand(String command, String arguments) throws IOException {
        return said(() -> qmp.executeOutOfBand(command, JSON.readTree(arguments.replace('\'', '"'))));
    }

    private interface Asked {
        JsonNode answer() throws IOException, QmpError;
    }

    private static String said(Asked asked) throws IOException {
        try {
            return asked.answer().toString().replace('"', '\'');
        } catch (QmpError refused) {
            return refused.kind().wireName() + ": " + refused.getMessage();
        }
    }

    void enable(String... capabilities) throws IOException, QmpError {
        for (String capability : capabilities) {
            execute(
                    "migrate-set-capabilities",
                    "{'capabilities': [{'capability': '%s', 'state': true}]}".formatted(capability));
        }
    }

    /** Some that are allowed only beside each other, with blanks between. */
    void enableTogether(String capabilities) throws IOException, QmpError {
        String each = capabilities
                .replaceAll("\\S+", "{'capability': '$0', 'state': true}")
                .replaceAll("} +", "}, ");
        execute("migrate-set-capabilities", "{'capabilities': [%s]}".formatted(each));
    }

    void set(String parameters) throws IOException, QmpError {
        execute("migrate-set-parameters", parameters);
    }

    void cont() throws IOException, QmpError {
        qmp.execute("cont");
    }

    /** Listens for one migration, a failure of which does not matter to the process. */
    String listen(Path socket) throws IOException, QmpError {
        String uri = "unix:" + socket;
        execute("migrate-incoming", "{'uri': '%s'}".formatted(uri));
        return uri;
    }

    void migrate(String uri) throws IOException, QmpError {
        qmp.execute("migrate", Json.object().put("uri", uri));
    }

    JsonNode info() throws IOException, QmpError {
        return qmp.execute("query-migrate");
    }

    /**
     * Waits until the events so far, in one line, are as {@code expected}, a regular expression: STOP and the like by name,
     * MIGRATION by its status, MIGRATION_PASS as {@code P:n}, with a blank after each.
     */
    void awaitTold(String expected) throws IOException {
        long deadline = System.nanoTime() + LIMIT.toNanos();
        while (!told().matches(expected)) {
            assertTrue(System.nanoTime() < deadline, () -> "expected events %s, but got %s".formatted(expected, told));
            LockSupport.parkNanos(POLL_NANOS);
        }
    }

    String told() {
        for (JsonNode event : qmp.takeEvents()) {
            String name = event.get("event").stringValue();
            told.append(
                            switch (name) {
                                case "MIGRATION" ->
                                    event.get("data").get("status").stringValue();
                                case "MIGRATION_PASS" ->
                                    "P:" + event.get("data").get("pass").asInt();
                                case "JOB_STATUS_CHANGE" ->
                                    event.get("data").get("id").stringValue() + ":"
                                            + event.get("data").get("status").stringValue();
                                case "COLO_EXIT", "UNPLUG_PRIMARY" -> name + event.get("data");
                                default -> name;
                            })
                    .append(' ');
        }
        return told.toString();
    }

    void awaitStatus(String wanted) throws Exception {
        await("migration status " + wanted, () -> status().equals(wanted));
    }

    String runState() throws IOException, QmpError {
        return qmp.execute("query-status").path("status").asString();
    }

    String awaitEnd() throws Exception {
        await("end of a migration", () -> ended(status()));
        return status();
    }

    String status() throws IOException, QmpError {
        return info().path("status").asString("");
    }

    private static boolean ended(String status) {
        return List.of("completed", "failed", "cancelled").contains(status);
    }

    static void await(String what, Callable<Boolean> condition) throws Exception {
        long deadline = System.nanoTime() + LIMIT.toNanos();
        while (!condition.call()) {
            assertTrue(System.nanoTime() < deadline, () -> "no " + what + " within " + LIMIT);
            LockSupport.parkNanos(POLL_NANOS);
        }
    }

    @Override
    public void close() throws IOException {
        try (guest;
                process;
                qmp) {
            // in the reverse order
        }
    }
}
