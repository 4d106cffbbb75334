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

/** {@code plan} foretells a migration that is then held against it. */
class PlanIT {
    private static final Duration LIMIT = Duration.ofSeconds(60);
    private static final long BANDWIDTH = 64 << 20;

    @TempDir
    Path folder;

    @Test
    void theMigrationThenTakesAboutAsLongAsPlanned() throws Exception {
        try (TranshumeProcess source = guest("src", "--workload", "uniform:rate=2000");
                TranshumeProcess destination = guest("dst", "--incoming", "unix:" + folder.resolve("in"))) {
            assertTrue(source.isAlive() && destination.isAlive());

            JsonNode plan = JsonMapper.shared().readTree(planned("src", "--bandwidth", "64M", "--json"));

            JsonNode plain = plan.get("strategies").get(0);
            assertEquals("plain", plain.get("strategy").stringValue());
            assertTrue(plain.get("verdict").get("converges").booleanValue(), plan.toString());
            assertEquals(3, plan.get("strategies").size());
            JsonNode real = migrated();
            assertAll(
                    plan + "\n" + real,
                    () -> withinFactorTwo(plain.get("total-time"), real.get("total-time")),
                    () -> withinFactorTwo(plain.get("bytes"), real.get("ram").get("transferred")),
                    () -> assertTrue(real.get("downtime").asDouble()
                            < 2 * plain.get("downtime").asDouble()));
        }
    }

    private JsonNode migrated() throws Exception {
        try (QmpClient from = connect("src")) {
            assertEquals("running", from.execute("query-status").get("status").stringValue());
            assertFalse(from.execute("query-migrate").has("status"), "something was migrated by the plan");
            from.execute("migrate-set-parameters", Json.object().put("max-bandwidth", BANDWIDTH));
            from.execute("migrate", Json.object().put("uri", "unix:" + folder.resolve("in")));
            Await.until(
                    "status completed",
                    LIMIT,
                    () -> from.execute("query-migrate")
                            .path("status")
                            .asString("")
                            .equals("completed"));
            return from.execute("query-migrate");
        }
    }

    @Test
    void aGuestThatWritesTooFastIsToldWhatWouldLetItGo() throws Exception {
        try (TranshumeProcess source = guest("src", "--workload", "uniform:rate=20000")) {
            assertTrue(source.isAlive());

            String table = planned("src", "--bandwidth", "16M", "--downtime-limit", "50", "--seconds", "1");

            assertTrue(
                    table.lines()
                            .anyMatch(line -> line.matches("plain .* does not converge at 1[56].*; needs .*/s, or .*")),
                    table);
            assertTrue(table.lines().anyMatch(line -> line.startsWith("zstd ")), table);
            assertTrue(table.lines().anyMatch(line -> line.startsWith("x-lz4 ")), table);
        }
    }

    @Test
    void whatCannotBePlannedIsToldWithWhatToDo() throws Exception {
        try (TranshumeProcess source = guest("src");
                TranshumeProcess destination = guest("dst", "--incoming", "defer")) {
            assertTrue(source.isAlive() && destination.isAlive());
            refused("seconds is 61, expected 1..60", "src", "--seconds", "61");
            refused("the guest has not arrived yet", "dst");
            Path nobody = folder.resolve("nobody");
            refused("unix:" + nobody + ": No such file or directory; expected a QMP server there", "nobody");
            order("migrate-set-parameters", Json.object().put("max-bandwidth", 0));
            refused("bandwidth is needed, as max-bandwidth is 0", "src");
            order("calc-dirty-rate", Json.object().put("calc-time", 60));
            refused("calc-dirty-rate is measuring this guest", "src", "--bandwidth", "64M");
        }
    }

    private void order(String command, JsonNode arguments) throws Exception {
        try (QmpClient qmp = connect("src")) { // which serves one client at a time
            qmp.execute(command, arguments);
        }
    }

    private void refused(String message, String name, String... options) throws Exception {
        try (TranshumeProcess plan = plan(name, options)) {
            assertEquals(1, plan.awaitExit());
            String last = plan.stderr().lines().reduce((a, b) -> b).orElse("");
            assertTrue(last.startsWith("transhume: " + message), plan.stderr());
        }
    }

    private static void withinFactorTwo(JsonNode planned, JsonNode real) {
        double ratio = planned.asDouble() / real.asDouble();
        assertTrue(ratio > 0.5 && ratio < 2, "planned %s, was %s".formatted(planned, real));
    }

    private String planned(String name, String... options) throws Exception {
        try (TranshumeProcess plan = plan(name, options)) {
            plan.awaitSuccess();
            return plan.stdout();
        }
    }

    private TranshumeProcess plan(String name, String... options) throws Exception {
        List<String> line = new ArrayList<>(List.of("plan", folder.resolve(name).toString()));
        line.addAll(List.of(options));
        return TranshumeProcess.start(folder, line);
    }

    private TranshumeProcess guest(String name, String... options) throws Exception {
        List<String> line = new ArrayList<>(List.of("guest", "--ram", "256M", "--qmp", "unix:" + folder.resolve(name)));
        line.addAll(List.of(options));
        TranshumeProcess process = TranshumeProcess.start(folder, line);
        process.awaitReady();
        return process;
    }

    private QmpClient connect(String name) throws Exception {
        return QmpClient.connect(QmpAddress.parse("unix:" + folder.resolve(name)), LIMIT);
    }
}
