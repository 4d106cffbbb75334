package org.transhume.control.process;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
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
import org.transhume.memory.DirtySource;
import org.transhume.memory.DirtySources;
import org.transhume.memory.GuestMemory;
import org.transhume.memory.RamBlock;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** What QMP says about deltas and compression while a guest of this process moves to another of this process. */
@Timeout(60)
class PackingOfARunningMigrationTest {
    private static final Duration LIMIT = Duration.ofSeconds(20);
    private static final long RAM = 16 << 20;
    /** More than is ever written, so that rounds follow rounds until the limit is raised. */
    private static final String WORKLOAD = "uniform:rate=20000,ws=8M";

    @TempDir
    Path folder;

    @BeforeEach
    void aGuestsWritesMustBeSeen() {
        assumeTrue(DirtySources.offers().getFirst().refusal().isEmpty(), "no dirty source works here by itself");
    }

    @Test
    void showsTheDeltasInTheOrderOfQemuAndNoCompression() throws Exception {
        try (End source = new End("src", Profile.V10_0, WORKLOAD);
                End destination = new End("dst", Profile.V10_0, "idle")) {
            source.enable("xbzrle");
            source.startNeverToEnd(destination);
            source.await(
                    "a delta that travelled",
                    () -> source.info().path("xbzrle-cache").path("bytes").asLong() > 0);

            JsonNode running = source.info();
            source.finish();
            JsonNode completed = source.info();

            List<String> names = List.of(
                    "cache-size", "bytes", "pages", "cache-miss", "cache-miss-rate", "encoding-rate", "overflow");
            assertEquals(names, List.copyOf(running.get("xbzrle-cache").propertyNames()));
            assertEquals(names, List.copyOf(completed.get("xbzrle-cache").propertyNames()));
            assertEquals(64 << 20, running.get("xbzrle-cache").get("cache-size").asLong());
            assertTrue(running.get("xbzrle-cache").get("bytes").asLong() > 0, running.toString());
            assertFalse(running.has("compression"), running.toString());
        }
    }

    @Test
    void saysNothingOfDeltasWhereThereAreNone() throws Exception {
        try (End source = new End("src", Profile.V10_0, WORKLOAD);
                End destination = new End("dst", Profile.V10_0, "idle")) {
            source.startNeverToEnd(destination);

            JsonNode running = source.info();

            assertFalse(running.has("xbzrle-cache"), running.toString());
            assertFalse(running.has("compression"), running.toString());
        }
    }

    @Test
    void changesTheCacheOfARunningMigrationOrLeavesItWhenMemoryIsShort() throws Exception {
        try (End source = new End("src", Profile.V10_0, WORKLOAD);
                End destination = new End("dst", Profile.V10_0, "idle")) {
            source.enable("xbzrle");
            source.startNeverToEnd(destination);

            source.set("xbzrle-cache-size", 1 << 20);
            QmpError tooMuch = assertThrows(
                    QmpError.class,
                    () -> source.qmp.execute(
                            "migrate-set-parameters",
                            Json.object().put("xbzrle-cache-size", 1L << 62).put("downtime-limit", 7)));

            assertEquals("Failed to allocate cache", tooMuch.getMessage());
            JsonNode parameters = source.qmp.execute("query-migrate-parameters");
            assertEquals(1 << 20, parameters.get("xbzrle-cache-size").asLong());
            assertEquals(0, parameters.get("downtime-limit").asLong());
            assertEquals(
                    1 << 20, source.info().get("xbzrle-cache").get("cache-size").asLong());
            assertEquals(1 << 20, source.cacheInUse());
            source.finish();
        }
    }

    @Test
    void refusesToStartWithACacheThatCannotBeHad() throws Exception {
        try (End source = new End("src", Profile.V10_0, WORKLOAD)) {
            source.enable("xbzrle");
            source.set("xbzrle-cache-size", 1L << 62);

            QmpError refused = assertThrows(
                    QmpError.class,
                    () -> source.qmp.execute("migrate", Json.object().put("uri", "unix:" + folder.resolve("nobody"))));

            assertEquals("Failed to allocate cache", refused.getMessage());
            assertEquals(Json.object(), source.info());
        }
    }

    @Test
    void countsAsTheOldReleaseInItsProfile() throws Exception {
        try (End source = new End("src", Profile.V3_1, WORKLOAD);
                End destination = new End("dst", Profile.V3_1, "idle")) {
            source.enable("xbzrle", "compress");
            source.startNeverToEnd(destination);
            source.await(
                    "a second round",
                    () -> source.info().path("xbzrle-cache").path("pages").asLong() > 0);
            source.qmp.execute("migrate-set-cache-size", Json.object().put("value", 3 << 20));

            source.set("compress-wait-thread", false);

            JsonNode running = source.info();
            assertEquals(
                    List.of("cache-size", "bytes", "pages", "cache-miss", "cache-miss-rate", "overflow"),
                    List.copyOf(running.get("xbzrle-cache").propertyNames()));
            assertEquals(
                    List.of("pages", "busy", "busy-rate", "compressed-size", "compression-rate"),
                    List.copyOf(running.get("compression").propertyNames()));
            assertTrue(running.get("compression").get("pages").asLong() > 0, running.toString());
            assertTrue(running.get("compression").get("compressed-size").asLong() > 0, running.toString());
            assertEquals(2 << 20, source.cacheInUse());
            assertEquals(2 << 20, source.qmp.execute("query-migrate-cache-size").asLong());
            source.finish();
        }
    }

    /** One guest, driven over its socket. */
    private final class End implements AutoCloseable {
        private final SyntheticGuest guest;
        private final GuestProcess process;
        private final QmpClient qmp;
        private final boolean arrives;
        private final String name;

        End(String name, Profile profile, String workload) throws Exception {
            this.name = name;
            arrives = workload.equals("idle");
            GuestMemory memory = new GuestMemory(List.of(RamBlock.memfd(SyntheticGuest.BLOCK, RAM)));
            DirtySource writes = DirtySources.best(memory);
            guest = new SyntheticGuest(SyntheticGuest.MACHINE, memory, writes, WorkloadSpec.parse(workload), true);
            process = new GuestProcess(
                    guest,
                    guest::ranAtSource,
                    arrives ? RunState.INMIGRATE : RunState.PRELAUNCH,
                    new Settings(profile),
                    arrives ? MigrationControl.Incoming.DEFERRED : MigrationControl.Incoming.NONE);
            if (!arrives) {
                guest.fill();
                process.runtime().cont();
            }
            qmp = QmpClient.connect(QmpAddress.parse(process.serve("unix:" + folder.resolve(name))), LIMIT);
        }

        void enable(String... names) throws Exception {
            ObjectNode arguments = Json.object();
            ArrayNode list = arguments.putArray("capabilities");
            for (String capability : names) {
                list.addObject().put("capability", capability).put("state", true);
            }
            qmp.execute("migrate-set-capabilities", arguments);
        }

        void set(String parameter, long value) throws Exception {
            qmp.execute("migrate-set-parameters", Json.object().put(parameter, value));
        }

        void set(String parameter, boolean value) throws Exception {
            qmp.execute("migrate-set-parameters", Json.object().put(parameter, value));
        }

        /** No pause is short enough until {@link #finish} says so. */
        void startNeverToEnd(End destination) throws Exception {
            String uri = "unix:" + folder.resolve(destination.name + ".in");
            destination.qmp.execute("migrate-incoming", Json.object().put("uri", uri));
            qmp.execute(
                    "migrate-set-parameters",
                    Json.object().put("downtime-limit", 0).put("max-bandwidth", 64 << 20));
            qmp.execute("migrate", Json.object().put("uri", uri));
            await("active migration", () -> info().path("status").asString().equals("active"));
        }

        void finish() throws Exception {
            set("downtime-limit", 2000);
            set("max-bandwidth", 0);
            await("completed migration", () -> info().path("status").asString().equals("completed"));
        }

        JsonNode info() throws Exception {
            return qmp.execute("query-migrate");
        }

        long cacheInUse() {
            return process.control().outgoing().orElseThrow().progress().delta().cacheBytes();
        }

        void await(String what, Callable<Boolean> condition) throws Exception {
            long deadline = System.nanoTime() + LIMIT.toNanos();
            while (!condition.call()) {
                assertTrue(System.nanoTime() < deadline, () -> "no " + what + " within " + LIMIT);
                Thread.onSpinWait();
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
}
