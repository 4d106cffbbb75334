package org.transhume.control.interop;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.transhume.control.qmp.Json;
import org.transhume.control.qmp.QmpAddress;
import org.transhume.control.qmp.QmpClient;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** An operator mends a postcopy between a QEMU and a command of ours over their QMP sockets. */
@Timeout(120)
class RecoversWithQemuOverQmpIT {
    private static final Duration LIMIT = Duration.ofSeconds(60);
    /** Bytes a second: slow enough to be broken in the middle. */
    private static final int LINK = 200 << 10;

    private static final int AFTERWARDS = 400 << 10;

    private Path folder;

    /** Where userfaultfd works for a file: in memory. */
    @BeforeEach
    void createFolder() throws IOException {
        folder = Files.createTempDirectory(Path.of("/dev/shm"), "postcopy");
    }

    @AfterEach
    void deleteFolder() throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }

    @Test
    void aGuestComesToRestAndRunsAgainThoughItsConnectionBreaksBothTimes() throws Exception {
        QemuGuest kind = QemuGuest.dirtying(folder);
        Path image = folder.resolve("image");
        comeToRest(kind, image);
        runAgain(kind, image);
    }

    private void comeToRest(QemuGuest kind, Path image) throws Exception {
        try (QemuProcess source = QemuProcess.running(QemuVersion.V10_0, kind, folder.resolve("source"));
                TranshumeProcess receive = TranshumeProcess.start(
                        folder,
                        List.of(
                                "receive",
                                "--listen",
                                uri("a"),
                                "--out",
                                image.toString(),
                                "--qmp",
                                uri("receive.qmp"),
                                "--capability",
                                "postcopy-ram",
                                "--touch",
                                "500"))) {
            receive.awaitReady();
            source.awaitDirtying();
            enable(source);
            source.set("max-bandwidth=%d max-postcopy-bandwidth=%d downtime-limit=1".formatted(LINK, AFTERWARDS));
            try (QmpClient operator = QmpClient.connect(QmpAddress.parse(uri("receive.qmp")), LIMIT)) {
                source.startMigration(uri("a"));
                source.execute("migrate-start-postcopy", "{}");
                awaitStatus(operator, "postcopy-active");
                operator.execute("migrate-pause");
                awaitStatus(operator, "postcopy-paused");
                Await.until("pause of the QEMU", LIMIT, () -> status(source).equals("postcopy-paused"));

                operator.execute("migrate-recover", Json.object().put("uri", uri("b")));
                source.execute("migrate", "{'uri': '%s', 'resume': true}".formatted(uri("b")));
                source.awaitMigrated();
            }
            receive.awaitSuccess();
            assertTrue(receive.stdout().contains("; connections lost: 1, "), receive.stdout());
            assertEquals(-1, Files.mismatch(source.ram(), image.resolve(fileOf(image, "pc.ram"))));
        }
    }

    private void runAgain(QemuGuest kind, Path image) throws Exception {
        try (QemuProcess destination = QemuProcess.incoming(QemuVersion.V10_0, kind, folder.resolve("destination"))) {
            enable(destination);
            String listens = destination.listen(uri("c"));
            try (TranshumeProcess send = TranshumeProcess.start(
                    folder,
                    List.of(
                            "send",
                            "--from",
                            image.toString(),
                            "--to",
                            listens,
                            "--qmp",
                            uri("send.qmp"),
                            "--capability",
                            "postcopy-ram",
                            "--postcopy-after",
                            "0",
                            "--parameter",
                            "max-bandwidth=" + LINK,
                            "--parameter",
                            "max-postcopy-bandwidth=" + AFTERWARDS))) {
                send.awaitReady();
                try (QmpClient operator = QmpClient.connect(QmpAddress.parse(uri("send.qmp")), LIMIT)) {
                    awaitStatus(operator, "postcopy-active");
                    Await.until(
                            "guest in the QEMU",
                            LIMIT,
                            () -> destination.runState().equals("running"));
                    operator.execute("migrate-pause");
                    awaitStatus(operator, "postcopy-paused");
                    Await.until(
                            "pause of the QEMU",
                            LIMIT,
                            () -> status(destination).equals("postcopy-paused"));

                    destination.execute("migrate-recover", "{'uri': '%s'}".formatted(uri("d")));
                    operator.execute(
                            "migrate", Json.object().put("uri", uri("d")).put("resume", true));
                }
                send.awaitSuccess();
                assertTrue(send.stdout().contains("; connections lost: 1, "), send.stdout());
            }
            destination.awaitMigrated();
            destination.awaitDirtying();
        }
    }

    private String uri(String name) {
        return "unix:" + folder.resolve(name);
    }

    private static void enable(QemuProcess qemu) throws Exception {
        qemu.execute("migrate-set-capabilities", "{'capabilities': [{'capability': 'postcopy-ram', 'state': true}]}");
    }

    private static String status(QemuProcess qemu) throws Exception {
        return qemu.migration().path("status").asString("none");
    }

    private static void awaitStatus(QmpClient side, String status) throws Exception {
        Await.until(
                status,
                LIMIT,
                () -> side.execute("query-migrate")
                        .path("status")
                        .asString("none")
                        .equals(status));
    }

    private static String fileOf(Path image, String block) throws IOException {
        for (JsonNode listed : JsonMapper.shared()
                .readTree(image.resolve("manifest.json").toFile())
                .get("blocks")) {
            if (listed.get("name").stringValue().equals(block)) {
                return listed.get("file").stringValue();
            }
        }
        throw new AssertionError("no block " + block);
    }
}
