package org.transhume.control.interop;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.transhume.control.qmp.Json;
import org.transhume.control.qmp.QmpAddress;
import org.transhume.control.qmp.QmpClient;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;

/** {@code top} looks into other processes while they run. */
class TopIT {
    private static final Duration LIMIT = Duration.ofSeconds(30);
    private static final long RAM = 64L << 20;
    /** So slow that a migration is still on its way whenever somebody looks. */
    private static final int SLOW = 1 << 20;

    @TempDir
    Path folder;

    @Test
    void bothEndsOfARunningMigrationShowWhatQmpTells() throws Exception {
        try (TranshumeProcess source = guest("src", "--workload", "uniform:rate=2000");
                TranshumeProcess destination = guest("dst", "--incoming", "defer");
                QmpClient from = connect(source, "src");
                QmpClient to = connect(destination, "dst")) {
            assertEquals(0, look(source).get("migrations").size());
            multifd(from);
            multifd(to);
            from.execute("migrate-set-parameters", Json.object().put("max-bandwidth", SLOW));
            to.execute("migrate-incoming", Json.object().put("uri", "unix:" + folder.resolve("in")));
            from.execute("migrate", Json.object().put("uri", "unix:" + folder.resolve("in")));
            awaitStatus(from, "active");

            long before = transferred(from);
            JsonNode leaves = look(source).get("migrations").get(0);
            long after = transferred(from);
            JsonNode arrives = look(destination).get("migrations").get(0);

            long sent = counter(leaves, "main-written-bytes") + counter(leaves, "multifd-written-bytes");
            assertAll(
                    leaves + "\n" + arrives,
                    () -> assertEquals("source", leaves.get("side").stringValue()),
                    () -> assertEquals("destination", arrives.get("side").stringValue()),
                    () -> assertEquals("active", leaves.get("state").stringValue()),
                    () -> assertEquals("active", arrives.get("state").stringValue()),
                    () -> assertTrue(before <= sent && sent <= after, before + ".." + after + ": " + sent),
                    () -> assertEquals(sent, sumOf(leaves, "writtenBytes")),
                    () -> assertEquals(
                            counter(arrives, "main-read-bytes") + counter(arrives, "multifd-read-bytes"),
                            sumOf(arrives, "readBytes")),
                    () -> assertEquals(List.of("main", "multifd 0", "multifd 1"), channels(leaves)),
                    () -> assertEquals(List.of("main", "multifd 0", "multifd 1"), channels(arrives)),
                    () -> assertEquals(RAM, counter(leaves, "ram-bytes")),
                    () -> assertTrue(counter(leaves, "remaining-bytes") > 0));

            from.execute("migrate-set-parameters", Json.object().put("max-bandwidth", 0));
            awaitStatus(from, "completed");
            awaitStatus(to, "completed");
            JsonNode ram = from.execute("query-migrate").get("ram");
            awaitState(source, "completed");
            awaitState(destination, "completed");
            JsonNode left = look(source).get("migrations").get(0);
            JsonNode arrived = look(destination).get("migrations").get(0);
            assertAll(
                    left + "\n" + arrived + "\n" + ram,
                    () -> assertEquals(
                            ram.get("transferred").asLong(),
                            counter(left, "main-written-bytes") + counter(left, "multifd-written-bytes")),
                    () -> assertEquals(ram.get("multifd-bytes").asLong(), counter(left, "multifd-written-bytes")),
                    () -> assertEquals(ram.get("normal").asLong(), counter(left, "normal-pages")),
                    () -> assertEquals(ram.get("dirty-sync-count").asLong(), counter(left, "rounds")),
                    () -> assertEquals(0, counter(left, "remaining-bytes")),
                    () -> assertEquals(counter(left, "multifd-written-bytes"), counter(arrived, "multifd-read-bytes")),
                    () -> assertEquals(counter(left, "main-written-bytes"), counter(arrived, "main-read-bytes")),
                    () -> assertEquals(counter(left, "normal-pages"), counter(arrived, "normal-pages")));
            assertFalse(source.stderr().contains("Unsafe"), source.stderr());
        }
    }

    @Test
    void itGoesOnUntilTheProcessEndsAndThenIsDone() throws Exception {
        try (TranshumeProcess guest = guest("src");
                QmpClient qmp = connect(guest, "src");
                TranshumeProcess top = top(guest, "--interval", "100")) {
            Await.until("three looks", LIMIT, () -> top.stdout().lines().count() >= 3);

            qmp.execute("quit");

            top.awaitSuccess();
            assertTrue(
                    top.stdout()
                            .lines()
                            .allMatch(line ->
                                    line.endsWith(": no migration yet") && line.startsWith("process " + guest.pid())),
                    top.stdout());
        }
    }

    @Test
    void aProcessThatDiesTakesItsCountersAlong() throws Exception {
        TranshumeProcess guest = guest("src");
        try (TranshumeProcess top = top(guest, "--interval", "100")) {
            Await.until("a look", LIMIT, () -> top.stdout().lines().count() >= 1);

            guest.close(); // killed

            top.awaitSuccess();
        }
        refused("no process " + guest.pid(), Long.toString(guest.pid()), "--once");
    }

    @Test
    void whatCannotBeLookedIntoIsToldWithWhatToDo() throws Exception {
        long own = ProcessHandle.current().pid();

        refused("no process 4194305; see", "4194305", "--json");
        refused("process %d shows no counters; 'transhume guest'".formatted(own), Long.toString(own));
        try (TranshumeProcess top =
                TranshumeProcess.start(folder, List.of("top", Long.toString(own), "--interval", "5"))) {
            assertEquals(2, top.awaitExit());
        }
    }

    private void refused(String message, String... arguments) throws Exception {
        List<String> line = new ArrayList<>(List.of("top"));
        line.addAll(List.of(arguments));
        try (TranshumeProcess top = TranshumeProcess.start(folder, line)) {
            assertEquals(1, top.awaitExit());
            String last = top.stderr().lines().reduce((a, b) -> b).orElse("");
            assertTrue(last.startsWith("transhume: " + message), top.stderr());
        }
    }

    private TranshumeProcess guest(String name, String... options) throws Exception {
        List<String> line = new ArrayList<>(List.of("guest", "--ram", Long.toString(RAM)));
        line.addAll(List.of("--qmp", "unix:" + folder.resolve(name)));
        line.addAll(List.of(options));
        TranshumeProcess process = TranshumeProcess.start(folder, line);
        process.awaitReady();
        return process;
    }

    private TranshumeProcess top(TranshumeProcess process, String... options) throws Exception {
        List<String> line = new ArrayList<>(List.of("top", Long.toString(process.pid())));
        line.addAll(List.of(options));
        return TranshumeProcess.start(folder, line);
    }

    private JsonNode look(TranshumeProcess process) throws Exception {
        try (TranshumeProcess top = top(process, "--once", "--json")) {
            top.awaitSuccess();
            JsonNode look = JsonMapper.shared().readTree(top.stdout());
            assertEquals(process.pid(), look.get("pid").asLong());
            return look;
        }
    }

    private void awaitState(TranshumeProcess process, String state) throws Exception {
        Await.until(
                "state " + state,
                LIMIT,
                () -> look(process)
                        .get("migrations")
                        .get(0)
                        .get("state")
                        .stringValue()
                        .equals(state));
    }

    private static long counter(JsonNode migration, String name) {
        return migration.get("counters").get(name).asLong();
    }

    private static long sumOf(JsonNode migration, String member) {
        long sum = 0;
        for (JsonNode channel : migration.get("channels")) {
            sum += channel.get(member).asLong();
        }
        return sum;
    }

    private static List<String> channels(JsonNode migration) {
        List<String> names = new ArrayList<>();
        migration
                .get("channels")
                .forEach(channel -> names.add(channel.get("channel").stringValue()));
        return names;
    }

    private QmpClient connect(TranshumeProcess process, String name) throws Exception {
        assertTrue(process.isAlive());
        return QmpClient.connect(QmpAddress.parse("unix:" + folder.resolve(name)), LIMIT);
    }

    private static void multifd(QmpClient qmp) throws Exception {
        ArrayNode list = Json.object().putArray("capabilities");
        for (String name : List.of("multifd", "return-path")) {
            list.addObject().put("capability", name).put("state", true);
        }
        qmp.execute("migrate-set-capabilities", Json.object().set("capabilities", list));
    }

    private static long transferred(QmpClient qmp) throws Exception {
        return qmp.execute("query-migrate").get("ram").get("transferred").asLong();
    }

    private static void awaitStatus(QmpClient qmp, String status) throws Exception {
        Await.until(
                "status " + status,
                LIMIT,
                () -> qmp.execute("query-migrate").path("status").asString("").equals(status));
    }
}
