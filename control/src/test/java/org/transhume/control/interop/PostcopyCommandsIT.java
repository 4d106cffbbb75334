package org.transhume.control.interop;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.transhume.control.qmp.Json;
import org.transhume.control.qmp.QmpAddress;
import org.transhume.control.qmp.QmpClient;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Postcopy as a user types it: with a network that fails, and with two halves in the end. */
@Timeout(180)
class PostcopyCommandsIT {
    private static final Duration LIMIT = Duration.ofSeconds(30);
    private static final String RAM = "16M";
    /** Slow enough to be cut in the middle. */
    private static final long BANDWIDTH = 4 << 20;

    @TempDir
    Path folder;

    @Test
    void twoHalvesOfAGuestThatWasCutInTwoMakeOne() throws Exception {
        Path whole = folder.resolve("whole");
        Path ram = splitAndMerge(whole);

        // And it is a guest again: it is sent, and arrives as it was.
        Path again = folder.resolve("again");
        try (TranshumeProcess receive = receive(again);
                TranshumeProcess send = TranshumeProcess.start(
                        folder, List.of("send", "--from", whole.toString(), "--to", receive.awaitReady()))) {
            send.awaitSuccess();
            receive.awaitSuccess();
        }
        assertEquals(-1, Files.mismatch(ram, again.resolve("blocks/00.ram")));
        assertEquals(-1, Files.mismatch(whole.resolve("device-state.bin"), again.resolve("device-state.bin")));
        assertEquals(blocks(whole), blocks(again));
    }

    /** @return the RAM of the guest when it was switched; it wrote nothing since */
    private Path splitAndMerge(Path whole) throws Exception {
        Path ram = folder.resolve("ram");
        Path left = folder.resolve("left");
        Path right = folder.resolve("right");
        try (TranshumeProcess source = guest("src", left, "--workload", "idle:ws=" + RAM);
                TranshumeProcess destination = guest("dst", right, "--incoming", "defer");
                QmpClient from = connect("src");
                QmpClient to = connect("dst")) {
            for (QmpClient side : List.of(from, to)) {
                capabilities(side, "return-path", "postcopy-ram", "x-handover");
            }
            to.execute("migrate-incoming", Json.object().put("uri", "tcp:127.0.0.1:0"));
            from.execute(
                    "migrate-set-parameters",
                    Json.object().put("max-bandwidth", BANDWIDTH).put("max-postcopy-bandwidth", BANDWIDTH));
            try (BreakableRelay relay = new BreakableRelay(portOf(to))) {
                from.execute("migrate", Json.object().put("uri", relay.uri()));
                awaitStatus(from, "active");
                from.execute("migrate-start-postcopy");
                awaitStatus(from, "postcopy-active");
                awaitStatus(to, "postcopy-active");
                relay.cut();
                awaitStatus(from, "postcopy-paused");
                awaitStatus(to, "postcopy-paused");
            }
            Files.copy(source.memory(), ram);

            source.terminate();
            to.execute("quit");

            assertEquals(1, source.awaitExit());
            assertEquals(1, destination.awaitExit());
            assertTold(source, "what the source had of the guest, 4096 of 4096 pages, is in " + left);
            assertTold(destination, "what the destination had of the guest, ");
            assertTold(destination, " of 4096 pages, is in " + right);
        }
        try (TranshumeProcess merge = TranshumeProcess.start(
                folder, List.of("merge", left.toString(), right.toString(), whole.toString(), "--json"))) {
            merge.awaitSuccess();

            JsonNode report = JsonMapper.shared().readTree(merge.stdout());
            assertEquals("destination", report.get("devicesFrom").stringValue());
            assertTrue(report.get("destinationPages").asLong() > 0, report.toString());
            assertTrue(report.get("sourcePages").asLong() > 0, report.toString());
        }
        assertEquals(-1, Files.mismatch(ram, whole.resolve("blocks/00.ram")));
        return ram;
    }

    @Test
    void sendTurnsToPostcopyAndGoesOnByItselfAfterACutToAReceiveThatListensOn() throws Exception {
        Path image = image();
        Path out = folder.resolve("out");
        try (TranshumeProcess receive =
                receive(out, "--capability", "postcopy-ram", "--touch", "500", "--touch-seed", "7")) {
            String uri = receive.awaitReady();
            try (BreakableRelay relay = new BreakableRelay(Integer.parseInt(uri.substring(uri.lastIndexOf(':') + 1)));
                    TranshumeProcess send = TranshumeProcess.start(
                            folder,
                            List.of(
                                    "send",
                                    "--from",
                                    image.toString(),
                                    "--to",
                                    relay.uri(),
                                    "--capability",
                                    "postcopy-ram",
                                    "--postcopy-after",
                                    "100",
                                    "--parameter",
                                    "max-bandwidth=" + BANDWIDTH,
                                    "--parameter",
                                    "max-postcopy-bandwidth=" + BANDWIDTH))) {
                Await.until("postcopy", LIMIT, () -> receive.stderr().contains("postcopy  "));
                relay.cut();
                Await.until("word of the cut", LIMIT, () -> send.stderr().contains("transhume: postcopy paused: "));
                assertTrue(send.stderr().contains("Tried again every second"), send.stderr());
                assertTrue(send.isAlive() && receive.isAlive());
                relay.mend();

                send.awaitSuccess();
                receive.awaitSuccess();
                assertTrue(send.stderr().contains("transhume: postcopy goes on"), send.stderr());
                assertTrue(send.stdout().contains("; connections lost: 1, "), send.stdout());
                assertTrue(receive.stdout().contains("; connections lost: 1, "), receive.stdout());
                assertTrue(receive.stdout().contains(" for pages that were missing, "), receive.stdout());
            }
        }
        assertEquals(blocks(image), blocks(out));
        assertEquals(-1, Files.mismatch(image.resolve("blocks/00.ram"), out.resolve("blocks/00.ram")));
    }

    @Test
    void aSendThatAnOperatorDrivesSaysWhatToTypeAndSavesItsHalfWhenItIsTerminated() throws Exception {
        Path image = image();
        Path half = folder.resolve("half");
        String qmp = "unix:" + folder.resolve("send.sock");
        try (TranshumeProcess receive = receive(folder.resolve("out"), "--capability", "postcopy-ram")) {
            String uri = receive.awaitReady();
            try (TranshumeProcess send = TranshumeProcess.start(
                    folder,
                    List.of(
                            "send",
                            "--from",
                            image.toString(),
                            "--to",
                            uri,
                            "--qmp",
                            qmp,
                            "--salvage",
                            half.toString(),
                            "--capability",
                            "postcopy-ram",
                            "--postcopy-after",
                            "0",
                            "--parameter",
                            "max-bandwidth=" + BANDWIDTH,
                            "--parameter",
                            "max-postcopy-bandwidth=" + BANDWIDTH))) {
                Await.until("postcopy", LIMIT, () -> receive.stderr().contains("postcopy  "));
                send.awaitReady();
                try (QmpClient operator = QmpClient.connect(QmpAddress.parse(qmp), LIMIT)) {
                    operator.execute("migrate-pause");
                    Await.until("word of it", LIMIT, () -> send.stderr().contains("transhume: postcopy paused: "));
                }
                assertTrue(
                        send.stderr().contains("transhume qmp %s migrate uri=%s resume=true".formatted(qmp, uri)),
                        send.stderr());

                send.terminate();

                assertEquals(1, send.awaitExit());
                assertTold(send, "4096 of 4096 pages, is in " + half);
            }
            receive.terminate();
            assertEquals(1, receive.awaitExit());
            assertTold(receive, "what the destination had of the guest is lost, --salvage DIR would have saved it");
        }
        assertFalse(Files.exists(folder.resolve("out")));
        assertEquals("source", manifest(half).get("half").get("side").stringValue());
    }

    /** The last line on stderr, and no stack trace anywhere. */
    private static void assertTold(TranshumeProcess process, String words) throws Exception {
        String said = process.stderr();
        String last = said.lines().reduce((_, line) -> line).orElse("");
        assertTrue(last.contains(words), said);
        assertFalse(said.contains("\tat "), said);
    }

    /** A guest at rest, without devices, whose pages all differ. */
    private Path image() throws Exception {
        Path image = folder.resolve("image");
        byte[] ram = new byte[16 << 20];
        new Random(5).nextBytes(ram);
        Files.createDirectories(image.resolve("blocks"));
        Files.write(image.resolve("blocks/00.ram"), ram);
        Files.write(image.resolve("device-state.bin"), new byte[] {0});
        ObjectNode manifest = Json.object().put("format", 1).put("machine", "transhume-1.0");
        manifest.put("deviceState", "device-state.bin")
                .putArray("blocks")
                .addObject()
                .put("name", "pc.ram")
                .put("size", ram.length)
                .put(
                        "sha256",
                        HexFormat.of()
                                .formatHex(MessageDigest.getInstance("SHA-256").digest(ram)))
                .put("file", "blocks/00.ram");
        Files.writeString(image.resolve("manifest.json"), manifest.toString());
        return image;
    }

    private TranshumeProcess receive(Path out, String... more) throws Exception {
        List<String> line = new ArrayList<>(List.of("receive", "--listen", "tcp:127.0.0.1:0", "--out", out.toString()));
        line.addAll(List.of(more));
        return TranshumeProcess.start(folder, line);
    }

    private TranshumeProcess guest(String name, Path salvage, String... more) throws Exception {
        List<String> line = new ArrayList<>(List.of("guest", "--ram", RAM, "--salvage", salvage.toString()));
        line.addAll(List.of("--qmp", "unix:" + folder.resolve(name + ".sock")));
        line.addAll(List.of(more));
        TranshumeProcess process = TranshumeProcess.start(folder, line);
        process.awaitReady();
        return process;
    }

    private QmpClient connect(String name) throws Exception {
        return QmpClient.connect(QmpAddress.parse("unix:" + folder.resolve(name + ".sock")), LIMIT);
    }

    private static void capabilities(QmpClient client, String... names) throws Exception {
        ObjectNode arguments = Json.object();
        ArrayNode list = arguments.putArray("capabilities");
        Stream.of(names)
                .forEach(name -> list.addObject().put("capability", name).put("state", true));
        client.execute("migrate-set-capabilities", arguments);
    }

    private static int portOf(QmpClient client) throws Exception {
        JsonNode address = client.execute("query-migrate").get("socket-address").get(0);
        return Integer.parseInt(address.get("port").stringValue());
    }

    private static void awaitStatus(QmpClient client, String wanted) throws Exception {
        Await.until("migration status " + wanted, LIMIT, () -> {
            JsonNode info = client.execute("query-migrate");
            if (info.path("status").asString("").equals("failed")) {
                throw new AssertionError(info.toString());
            }
            return info.path("status").asString("").equals(wanted);
        });
    }

    private static JsonNode manifest(Path directory) throws Exception {
        return JsonMapper.shared().readTree(Files.readAllBytes(directory.resolve("manifest.json")));
    }

    private static JsonNode blocks(Path directory) throws Exception {
        return manifest(directory).get("blocks");
    }
}
