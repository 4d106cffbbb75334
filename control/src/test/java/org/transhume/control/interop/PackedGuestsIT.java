package org.transhume.control.interop;

import static org.junit.jupiter.api.Assertions.assertEquals;
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
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.transhume.control.qmp.Json;
import org.transhume.control.qmp.QmpAddress;
import org.transhume.control.qmp.QmpClient;
import org.transhume.control.settings.Parameter;
import org.transhume.control.settings.ParameterText;
import org.transhume.control.settings.Profile;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Two {@code guest} processes, and a guest that moves between them compressed or as deltas while it writes its RAM. */
@Timeout(120)
class PackedGuestsIT {
    private static final Duration LIMIT = Duration.ofSeconds(30);

    @TempDir
    Path folder;

    @ParameterizedTest(name = "{0}: {1} {2}")
    @CsvSource({
        "10.0, xbzrle,                          '',                          xbzrle",
        "10.0, xbzrle return-path x-hole-runs,  xbzrle-cache-size=1M,        xbzrle",
        "10.0, multifd return-path,             multifd-compression=zlib,    zlib level 1",
        "10.0, multifd,                         multifd-compression=zstd,    zstd level 1",
        "10.0, multifd return-path x-lz4,       multifd-channels=3,          x-lz4",
        "10.0, multifd return-path x-adaptive,  '',                          x-adaptive",
        "10.0, multifd return-path x-adaptive x-ram-digest, '',              x-adaptive",
        "3.1,  compress xbzrle x-ram-digest,    '',                          'compress level 1, 8 threads, xbzrle'",
        "10.0, multifd return-path xbzrle x-multifd-xbzrle, '',              xbzrle",
        "10.0, multifd return-path xbzrle x-multifd-xbzrle, multifd-compression=zstd, 'zstd level 1, xbzrle'",
        "10.0, multifd return-path xbzrle x-multifd-xbzrle x-lz4, '',        'x-lz4, xbzrle'",
        "3.1,  compress,                        compress-threads=2,          'compress level 1, 2 threads'",
        "3.1,  compress xbzrle return-path,     compress-wait-thread=off,    'compress level 1, 8 threads, xbzrle'",
    })
    void ramIsEqualAfterItWasWrittenAllTheWay(String profile, String capabilities, String parameter, String packing)
            throws Exception {
        try (End source = new End("src", profile, "--workload", "sparse-words:rate=20000,ws=32M");
                End destination = new End("dst", profile, "--incoming", "defer")) {
            for (End end : List.of(source, destination)) {
                end.enable(capabilities);
                end.set(parameter);
            }

            destination.qmp.execute("migrate-incoming", Json.object().put("uri", uri()));
            source.set("max-bandwidth=64M");
            source.set("downtime-limit=0");
            source.qmp.execute("migrate", Json.object().put("uri", uri()));
            source.await(
                    "third round",
                    info -> info.path("ram").path("dirty-sync-count").asInt() >= 3);
            JsonNode running = source.info();
            source.set("downtime-limit=2000");
            source.set("max-bandwidth=0");
            source.awaitStatus("completed");
            destination.awaitStatus("completed");

            assertEquals(-1, Files.mismatch(source.process.memory(), destination.process.memory()));
            assertEquals(capabilities.contains("xbzrle"), running.has("xbzrle-cache"), running.toString());
            assertEquals(capabilities.contains("compress"), running.has("compression"), running.toString());
            if (capabilities.contains("xbzrle")) {
                assertTrue(
                        source.info().get("xbzrle-cache").get("pages").asLong() > 0,
                        source.info().toString());
            }
            Await.until("report", LIMIT, () -> source.process.stderr().contains("migration completed"));
            assertTrue(
                    source.process.stderr().contains("  packing     " + packing + ": sent "), source.process.stderr());
            assertEquals(
                    capabilities.contains("x-ram-digest"),
                    source.process.stderr().contains("  digest      of "),
                    source.process.stderr());
        }
    }

    @ParameterizedTest(name = "{0} {1} against {2} {3}")
    @CsvSource({
        "x-lz4,       multifd-compression=none, return-path, multifd-compression=none, 'x-lz4', 'is on at the source and off here'",
        "return-path, multifd-compression=none, x-adaptive,  multifd-compression=none, 'x-adaptive', 'is off at the source and on here'",
        "return-path, multifd-compression=zlib, return-path, multifd-compression=zstd, 'zlib', 'zstd'",
        "return-path, multifd-compression=zstd, return-path, multifd-compression=none, 'zstd', 'none'",
    })
    void settingsThatDifferAreRefusedByTheirNames(
            String capability, String parameter, String there, String otherParameter, String first, String second)
            throws Exception {
        try (End source = new End("src", "10.0", "--workload", "sparse-words:rate=1000,ws=8M");
                End destination = new End("dst", "10.0", "--incoming", "defer")) {
            source.enable("multifd return-path " + capability);
            source.set(parameter);
            destination.enable("multifd return-path " + there);
            destination.set(otherParameter);

            destination.qmp.execute(
                    "migrate-incoming", Json.object().put("uri", uri()).put("exit-on-error", false));
            source.qmp.execute("migrate", Json.object().put("uri", uri()));
            source.awaitStatus("failed");
            destination.awaitStatus("failed");

            String reason = destination.info().get("error-desc").stringValue();
            assertTrue(reason.contains(first) && reason.contains(second), reason);
            assertEquals(
                    "running", source.qmp.execute("query-status").get("status").stringValue());
        }
    }

    @Test
    void aMethodThatNeedsHardwareIsRefusedOnTheCommandLineToo() throws Exception {
        try (TranshumeProcess demo =
                TranshumeProcess.start(folder, List.of("demo", "--parameter", "multifd-compression=qpl"))) {

            assertEquals(2, demo.awaitExit());

            assertTrue(demo.stderr().contains("In-Memory Analytics Accelerator"), demo.stderr());
        }
    }

    private String uri() {
        return "unix:" + folder.resolve("migration.sock");
    }

    /** What {@code query-migrate} has to say. */
    private interface Wanted {
        boolean met(JsonNode info);
    }

    private final class End implements AutoCloseable {
        final TranshumeProcess process;
        final QmpClient qmp;
        private final Profile profile;

        End(String name, String profile, String... more) throws Exception {
            this.profile = Profile.named(profile).orElseThrow();
            String socket = "unix:" + folder.resolve(name + ".sock");
            List<String> line =
                    new ArrayList<>(List.of("guest", "--ram", "64M", "--profile", profile, "--qmp", socket));
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

        void enable(String names) throws Exception {
            ObjectNode arguments = Json.object();
            ArrayNode list = arguments.putArray("capabilities");
            for (String capability : names.split(" ", -1)) {
                list.addObject().put("capability", capability).put("state", true);
            }
            qmp.execute("migrate-set-capabilities", arguments);
        }

        /** @param text as on a command line: {@code name=value}; nothing to set if it is empty */
        void set(String text) throws Exception {
            if (text.isEmpty()) {
                return;
            }
            String[] pair = text.split("=", 2);
            Object value = ParameterText.parse(Parameter.named(pair[0], profile).orElseThrow(), profile, pair[1]);
            ObjectNode arguments = Json.object();
            switch (value) {
                case Long number -> arguments.put(pair[0], number);
                case Boolean flag -> arguments.put(pair[0], flag);
                default -> arguments.put(pair[0], value.toString());
            }
            qmp.execute("migrate-set-parameters", arguments);
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
                if (!wanted.met(info) && info.path("status").asString().equals("failed")) {
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
