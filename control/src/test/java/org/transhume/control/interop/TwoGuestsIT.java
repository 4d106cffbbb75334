package org.transhume.control.interop;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.transhume.control.qmp.Json;
import org.transhume.control.qmp.QmpAddress;
import org.transhume.control.qmp.QmpClient;
import org.transhume.control.qmp.QmpError;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Two {@code guest} processes driven through QMP alone, as a script drives two QEMUs. */
class TwoGuestsIT {
    private static final Duration LIMIT = Duration.ofSeconds(30);

    @TempDir
    Path folder;

    @Test
    void aRunningGuestMovesWithTheEventsOfQemu() throws Exception {
        try (TranshumeProcess source = guest("src", "--workload", "uniform:rate=2000");
                TranshumeProcess destination = guest("dst", "--incoming", "defer");
                QmpClient from = connect(source, "src");
                QmpClient to = connect(destination, "dst")) {
            capabilities(from, "events", "return-path", "multifd");
            capabilities(to, "events", "return-path", "multifd");
            assertEquals("running", status(from));
            assertEquals("inmigrate", status(to));

            to.execute("migrate-incoming", Json.object().put("uri", "tcp:127.0.0.1:0"));
            from.execute("migrate", Json.object().put("uri", addressOf(to)));
            awaitStatus(from, "completed");
            awaitStatus(to, "completed");

            List<String> told = eventsUntil("completed", from);
            assertEquals(List.of("setup", "P:1", "active"), told.subList(0, 3));
            int stop = told.indexOf("STOP");
            assertEquals(List.of("STOP", "device"), told.subList(stop, stop + 2));
            assertEquals("completed", told.getLast());
            assertTrue(told.get(told.size() - 2).startsWith("P:"), told.toString());
            assertEquals(List.of("setup", "active", "RESUME", "completed"), eventsUntil("completed", to));
            assertEquals("postmigrate", status(from));
            assertEquals("running", status(to));
            JsonNode info = from.execute("query-migrate");
            assertEquals(0, info.get("ram").get("remaining").asLong());
            assertEquals(64L << 20, info.get("ram").get("total").asLong());
            assertTrue(info.get("downtime").asLong() <= 300, info.toString());
            assertTrue(info.get("ram").get("multifd-bytes").asLong() > (64L << 20), info.toString());
            QmpError again = assertThrows(
                    QmpError.class, () -> from.execute("migrate", Json.object().put("uri", "unix:/nowhere")));
            assertEquals("Can't migrate the vm that was paused due to previous migration", again.getMessage());

            from.execute("quit");
            to.execute("quit");
            source.awaitSuccess();
            destination.awaitSuccess();
        }
    }

    @Test
    void aCancelledMigrationLeavesTheGuestRunningAndCanBeTriedAgain() throws Exception {
        try (TranshumeProcess source = guest("src", "--workload", "uniform:rate=2000");
                QmpClient from = connect(source, "src")) {
            capabilities(from, "events");
            try (TranshumeProcess destination = guest("first", "--incoming", "unix:" + folder.resolve("in1"))) {
                from.execute("migrate-set-parameters", Json.object().put("max-bandwidth", 1 << 20));
                from.execute("migrate", Json.object().put("uri", "unix:" + folder.resolve("in1")));
                awaitStatus(from, "active");

                from.execute("migrate_cancel");
                awaitStatus(from, "cancelled");

                assertEquals("running", status(from));
                assertEquals(1, destination.awaitExit());
            }
            try (TranshumeProcess destination = guest("second", "--incoming", "unix:" + folder.resolve("in2"))) {
                from.execute("migrate-set-parameters", Json.object().put("max-bandwidth", 0));
                from.execute("migrate", Json.object().put("uri", "unix:" + folder.resolve("in2")));
                awaitStatus(from, "completed");
                assertEquals("postmigrate", status(from));
                assertTrue(destination.isAlive());
            }
        }
    }

    @Test
    void anAddressThatNobodyListensAtFailsWithTheWordsOfQemu() throws Exception {
        try (TranshumeProcess source = guest("src");
                QmpClient from = connect(source, "src")) {
            Path nobody = folder.resolve("nobody");

            from.execute("migrate", Json.object().put("uri", "unix:" + nobody));
            awaitStatus(from, "failed");

            assertEquals(
                    "Failed to connect to '%s': No such file or directory".formatted(nobody),
                    from.execute("query-migrate").get("error-desc").stringValue());
            assertEquals("running", status(from));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"events", "return-path", "multifd"})
    void aDestinationThatIsKilledMidWayLeavesTheGuestRunningAndItCanBeTriedAgain(String capability) throws Exception {
        try (TranshumeProcess source = guest("src", "--workload", "uniform:rate=2000");
                QmpClient from = connect(source, "src")) {
            capabilities(from, "events", capability);
            from.execute("migrate-set-parameters", Json.object().put("max-bandwidth", 4 << 20));
            try (TranshumeProcess destination = guest("first", "--incoming", "defer");
                    QmpClient to = connect(destination, "first")) {
                migrate(from, to, capability);
                Await.until(
                        "pages on their way",
                        LIMIT,
                        () -> from.execute("query-migrate")
                                        .path("ram")
                                        .path("transferred")
                                        .asLong()
                                > 1 << 20);
            }
            awaitStatus(from, "failed");
            assertEquals("running", status(from));
            List<String> told = events(from);
            assertEquals("failed", told.getLast());
            assertFalse(told.contains("STOP") || told.contains("RESUME"), told.toString());

            from.execute("migrate-set-parameters", Json.object().put("max-bandwidth", 0));
            try (TranshumeProcess destination = guest("second", "--incoming", "defer");
                    QmpClient to = connect(destination, "second")) {
                migrate(from, to, capability);
                awaitStatus(from, "completed");
                awaitStatus(to, "completed");
                assertEquals("running", status(to));
            }
        }
    }

    private static void migrate(QmpClient from, QmpClient to, String capability) throws Exception {
        capabilities(to, capability);
        to.execute("migrate-incoming", Json.object().put("uri", "tcp:127.0.0.1:0"));
        from.execute("migrate", Json.object().put("uri", addressOf(to)));
    }

    @Test
    void aPausedGuestArrivesPaused() throws Exception {
        try (TranshumeProcess source = guest("src", "--paused");
                TranshumeProcess destination = guest("dst", "--incoming", "unix:" + folder.resolve("in"));
                QmpClient from = connect(source, "src");
                QmpClient to = connect(destination, "dst")) {
            assertEquals("prelaunch", status(from));

            from.execute("migrate", Json.object().put("uri", "unix:" + folder.resolve("in")));
            awaitStatus(from, "completed");
            awaitStatus(to, "completed");

            assertEquals("paused", status(to));
        }
    }

    private TranshumeProcess guest(String name, String... more) throws Exception {
        List<String> line =
                new ArrayList<>(List.of("guest", "--ram", "64M", "--qmp", "unix:" + folder.resolve(name + ".sock")));
        line.addAll(List.of(more));
        TranshumeProcess process = TranshumeProcess.start(folder, line);
        process.awaitReady();
        return process;
    }

    private QmpClient connect(TranshumeProcess process, String name) throws Exception {
        process.awaitReady();
        return QmpClient.connect(QmpAddress.parse("unix:" + folder.resolve(name + ".sock")), LIMIT);
    }

    private static void capabilities(QmpClient client, String... names) throws Exception {
        ObjectNode arguments = Json.object();
        ArrayNode list = arguments.putArray("capabilities");
        for (String name : names) {
            list.addObject().put("capability", name).put("state", true);
        }
        client.execute("migrate-set-capabilities", arguments);
    }

    private static String status(QmpClient client) throws Exception {
        return client.execute("query-status").get("status").stringValue();
    }

    private static String addressOf(QmpClient client) throws Exception {
        JsonNode address = client.execute("query-migrate").get("socket-address").get(0);
        return "tcp:%s:%s"
                .formatted(
                        address.get("host").stringValue(), address.get("port").stringValue());
    }

    private static void awaitStatus(QmpClient client, String wanted) throws Exception {
        Await.until("migration status " + wanted, LIMIT, () -> {
            JsonNode status = client.execute("query-migrate").get("status");
            if (status != null && status.stringValue().equals("failed") && !wanted.equals("failed")) {
                throw new IOException(client.execute("query-migrate").toString());
            }
            return status != null && status.stringValue().equals(wanted);
        });
    }

    /** A state can be asked for a moment before its event is there. */
    private static List<String> eventsUntil(String last, QmpClient client) throws Exception {
        List<String> told = new ArrayList<>();
        Await.until("event " + last, LIMIT, () -> {
            told.addAll(events(client));
            return told.contains(last);
        });
        return told;
    }

    /** STOP and RESUME by name, MIGRATION by its status, MIGRATION_PASS as P:n. */
    private static List<String> events(QmpClient client) {
        return client.takeEvents().stream()
                .map(event -> switch (event.get("event").stringValue()) {
                    case "MIGRATION" -> event.get("data").get("status").stringValue();
                    case "MIGRATION_PASS" ->
                        "P:" + event.get("data").get("pass").asInt();
                    default -> event.get("event").stringValue();
                })
                .toList();
    }
}
