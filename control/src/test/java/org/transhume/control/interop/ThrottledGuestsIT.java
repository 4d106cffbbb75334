package org.transhume.control.interop;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.transhume.control.qmp.Json;
import org.transhume.control.qmp.QmpAddress;
import org.transhume.control.qmp.QmpClient;
import org.transhume.control.qmp.QmpError;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** A guest that writes its RAM faster than the link carries it away: it leaves when it is slowed down, and not before. */
@Timeout(120)
class ThrottledGuestsIT {
    private static final Duration LIMIT = Duration.ofSeconds(60);
    /** All of its RAM each fifth of a second, 80 MiB a second. */
    private static final String WORKLOAD = "sweep:rate=20000";

    private static final int LINK = 32 << 20;

    @TempDir
    Path folder;

    @Test
    void aGuestThatIsTooFastForTheLinkArrivesOnlyWithAutoConverge() throws Exception {
        try (End source = new End("src", "--ram", "16M", "--workload", WORKLOAD);
                End destination = new End("dst", "--ram", "16M", "--incoming", "unix:" + folder.resolve("in"))) {
            source.enable("events");
            source.set("max-bandwidth", LINK);
            source.set("downtime-limit", 50);
            source.migrate();
            source.await("fifth round", info -> rounds(info) >= 5);
            JsonNode free = source.info();
            source.qmp.execute("migrate_cancel");
            source.awaitStatus("cancelled");

            assertEquals("active", free.get("status").stringValue());
            assertFalse(free.has("cpu-throttle-percentage"), free.toString());
            assertEquals(1, destination.process.awaitExit());
        }
        try (End source = new End("src2", "--ram", "16M", "--workload", WORKLOAD);
                End destination = new End("dst2", "--ram", "16M", "--incoming", "unix:" + folder.resolve("in"))) {
            source.enable("auto-converge");
            source.set("max-bandwidth", LINK);
            source.set("downtime-limit", 50);
            source.set("cpu-throttle-initial", 90);
            source.set("cpu-throttle-increment", 9);
            source.migrate();
            source.await("throttle", info -> info.has("cpu-throttle-percentage"));
            JsonNode slowed = source.info();
            source.awaitStatus("completed");
            destination.awaitStatus("completed");

            JsonNode end = source.info();
            assertTrue(slowed.path("cpu-throttle-percentage").asInt(90) >= 90, slowed.toString());
            assertFalse(end.has("cpu-throttle-percentage"), end.toString());
            Await.until("report", LIMIT, () -> source.process.stderr().contains("migration completed"));
            assertTrue(source.process.stderr().contains("slowed down by up to 9"), source.process.stderr());
            assertEquals(-1, Files.mismatch(source.process.memory(), destination.process.memory()));
        }
    }

    /** And what limited it goes with a cancel, or with the end. */
    @Test
    void aGuestThatIsTooFastForTheLinkArrivesWithADirtyLimit() throws Exception {
        // Of each vCPU two rings' worth of pages: fewer would all be in its ring, and hardly counted.
        try (End source = new End("src", "--ram", "64M", "--dirty-source", "marks", "--workload", "sweep:rate=80000");
                End destination = new End("dst", "--ram", "64M", "--incoming", "unix:" + folder.resolve("in"))) {
            source.enable("dirty-limit");
            source.set("max-bandwidth", 2 * LINK);
            source.set("downtime-limit", 1);
            source.set("vcpu-dirty-limit", 1);
            source.set("x-vcpu-dirty-limit-period", 500);
            source.migrate();
            source.await("limits", info -> info.has("dirty-limit-throttle-time-per-round"));
            source.set("max-bandwidth", 1 << 20); // else it could be over before it is cancelled
            source.await(
                    "sleep",
                    info -> info.path("dirty-limit-throttle-time-per-round").asLong() > 0);
            JsonNode limited = source.info();
            assertEquals(2, source.qmp.execute("query-vcpu-dirty-limit").size());
            assertTrue(limited.get("dirty-limit-ring-full-time").asLong() > 0, limited.toString());
            assertFalse(limited.has("cpu-throttle-percentage"), limited.toString());
            for (String verb : List.of("set", "cancel")) {
                ObjectNode arguments = verb.equals("set") ? Json.object().put("dirty-rate", 5) : Json.object();
                QmpError refused =
                        assertThrows(QmpError.class, () -> source.qmp.execute(verb + "-vcpu-dirty-limit", arguments));
                assertEquals(
                        "can't " + verb + " dirty page rate limit while migration is running", refused.getMessage());
            }
            source.qmp.execute("migrate_cancel");
            source.awaitStatus("cancelled");
            assertEquals(0, source.qmp.execute("query-vcpu-dirty-limit").size());
            assertEquals(1, destination.process.awaitExit());

            try (End second = new End("second", "--ram", "64M", "--incoming", "unix:" + folder.resolve("in2"))) {
                source.set("downtime-limit", 100);
                source.set("max-bandwidth", 2 * LINK);
                source.migrate("in2");
                source.await("limits", info -> info.has("dirty-limit-throttle-time-per-round"));
                source.awaitStatus("completed");
                second.awaitStatus("completed");

                assertEquals(-1, Files.mismatch(source.process.memory(), second.process.memory()));
                assertEquals(0, source.qmp.execute("query-vcpu-dirty-limit").size());
            }
        }
    }

    @Test
    void aVcpuThatIsLimitedWritesAsFastAsItMayAndNoFaster() throws Exception {
        try (End guest =
                new End("guest", "--ram", "64M", "--dirty-source", "marks", "--workload", "sweep:rate=200000")) {
            ObjectNode limit = Json.object().put("cpu-index", 0).put("dirty-rate", 50);
            guest.qmp.execute("set-vcpu-dirty-limit", limit);
            Await.until("rate within the dead band", LIMIT, () -> {
                long current = limits(guest).get(0).get("current-rate").asLong();
                return current > 0 && Math.abs(current - 50) <= 25;
            });

            guest.qmp.execute("cancel-vcpu-dirty-limit", Json.object().put("cpu-index", 0));
            int left = limits(guest).size();
            guest.qmp.execute(
                    "set-vcpu-dirty-limit", Json.object().put("cpu-index", 0).put("dirty-rate", 100_000));

            assertEquals(0, left);
            Await.until(
                    "rate of a free vCPU",
                    LIMIT,
                    () -> limits(guest).get(0).get("current-rate").asLong() > 100);
        }
    }

    private static JsonNode limits(End guest) throws Exception {
        return guest.qmp.execute("query-vcpu-dirty-limit");
    }

    private static int rounds(JsonNode info) {
        return info.path("ram").path("dirty-sync-count").asInt();
    }

    /** What {@code query-migrate} has to say. */
    private interface Wanted {
        boolean met(JsonNode info);
    }

    private final class End implements AutoCloseable {
        final TranshumeProcess process;
        final QmpClient qmp;

        End(String name, String... more) throws Exception {
            String socket = "unix:" + folder.resolve(name + ".sock");
            List<String> line = new ArrayList<>(List.of("guest", "--qmp", socket));
            line.addAll(Arrays.asList(more));
            process = TranshumeProcess.start(folder, line);
            try {
                process.awaitReady();
                qmp = QmpClient.connect(QmpAddress.parse(socket), LIMIT);
            } catch (Throwable t) {
                process.close();
                throw t;
            }
        }

        void enable(String capability) throws Exception {
            ObjectNode arguments = Json.object();
            ArrayNode list = arguments.putArray("capabilities");
            list.addObject().put("capability", capability).put("state", true);
            qmp.execute("migrate-set-capabilities", arguments);
        }

        void set(String parameter, long value) throws Exception {
            qmp.execute("migrate-set-parameters", Json.object().put(parameter, value));
        }

        void migrate() throws Exception {
            migrate("in");
        }

        void migrate(String socket) throws Exception {
            qmp.execute("migrate", Json.object().put("uri", "unix:" + folder.resolve(socket)));
        }

        JsonNode info() throws Exception {
            return qmp.execute("query-migrate");
        }

        void awaitStatus(String status) throws Exception {
            await("status " + status, info -> info.path("status").asString().equals(status));
        }

        void await(String what, Wanted wanted) throws Exception {
            Await.until(what, LIMIT, () -> {
                JsonNode info = info();
                String status = info.path("status").asString();
                if (!wanted.met(info) && (status.equals("failed") || status.equals("completed"))) {
                    throw new IOException("no " + what + ": " + info + "\n" + process.stderr());
                }
                return wanted.met(info);
            });
        }

        @Override
        public void close() throws IOException {
            try (process;
                    qmp) {
                // killed, so that nothing has to end well
            }
        }
    }
}
