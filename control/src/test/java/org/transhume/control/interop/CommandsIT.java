package org.transhume.control.interop;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The commands as a user types them. */
class CommandsIT {
    @TempDir
    Path folder;

    @Test
    void demoMovesAGuestAndProvesThatItsRamIsEqual() throws Exception {
        try (TranshumeProcess demo = TranshumeProcess.start(
                folder, List.of("demo", "--ram", "256M", "--workload", "uniform:rate=5000", "--json"))) {
            demo.awaitSuccess();

            JsonNode result = JsonMapper.shared().readTree(demo.stdout());
            assertTrue(result.get("equal").booleanValue());
            assertEquals(256L << 20, result.get("comparedBytes").asLong());
            assertTrue(result.get("migration").get("acknowledged").booleanValue());
        }
    }

    @Test
    void demoOfASparseGuestSendsNothingForItsHoles() throws Exception {
        try (TranshumeProcess demo =
                TranshumeProcess.start(folder, List.of("demo", "--ram", "1T", "--touched", "64M", "--json"))) {
            demo.awaitSuccess();

            JsonNode result = JsonMapper.shared().readTree(demo.stdout());
            assertTrue(result.get("equal").booleanValue());
            assertTrue(result.get("migration").get("transferredBytes").asLong() < 4L * (64 << 20), result.toString());
        }
    }

    @Test
    void aCapturedStreamIsReceivedInspectedAndSentOn() throws Exception {
        Path stream = Files.write(folder.resolve("capture.bin"), capture());
        Path out = folder.resolve("out");
        try (TranshumeProcess receive = TranshumeProcess.start(
                folder, List.of("receive", "--listen", "file:" + stream, "--out", out.toString()))) {
            receive.awaitSuccess();
        }
        Path again = folder.resolve("again.bin");
        try (TranshumeProcess send =
                TranshumeProcess.start(folder, List.of("send", "--from", out.toString(), "--to", "file:" + again))) {
            send.awaitSuccess();
        }
        Path second = folder.resolve("second");
        try (TranshumeProcess receive = TranshumeProcess.start(
                folder, List.of("receive", "--listen", "file:" + again, "--out", second.toString()))) {
            receive.awaitSuccess();
        }
        try (TranshumeProcess inspect =
                TranshumeProcess.start(folder, List.of("inspect", again.toString(), "--json"))) {
            inspect.awaitSuccess();
            JsonNode summary = JsonMapper.shared().readTree(inspect.stdout()).get(0);
            assertEquals("pc-q35-10.0", summary.get("machine").stringValue());
            assertEquals(7, summary.get("blocks").size());
        }

        JsonNode first = JsonMapper.shared().readTree(Files.readAllBytes(out.resolve("manifest.json")));
        JsonNode last = JsonMapper.shared().readTree(Files.readAllBytes(second.resolve("manifest.json")));
        assertEquals(first.get("blocks"), last.get("blocks"));
        assertEquals(
                "240c179cac48f8f017748f2a96a4e3224d74b5a331135e8abf6d5a85e714e549",
                first.get("blocks").get(0).get("sha256").stringValue());
        assertTrue(Arrays.equals(
                Files.readAllBytes(out.resolve("device-state.bin")),
                Files.readAllBytes(second.resolve("device-state.bin"))));
    }

    @Test
    void aCutStreamEndsWithOneLineThatSaysWhere() throws Exception {
        byte[] whole = capture();
        Path stream = Files.write(folder.resolve("cut.bin"), Arrays.copyOf(whole, whole.length / 2));
        Path out = folder.resolve("out");
        try (TranshumeProcess receive = TranshumeProcess.start(
                folder, List.of("receive", "--listen", "file:" + stream, "--out", out.toString()))) {

            assertEquals(1, receive.awaitExit());

            String last = receive.stderr().lines().reduce((a, b) -> b).orElse("");
            assertTrue(last.contains("offset " + whole.length / 2), last);
            assertFalse(receive.stderr().contains("\tat "), receive.stderr());
            assertFalse(Files.exists(out));
        }
    }

    @Test
    void wrongUsageIsTold() throws Exception {
        for (List<String> line : List.of(
                List.of("receive", "--out", "x"),
                List.of("receive", "--listen", "ftp:x", "--out", "x"),
                List.of("send", "--from", "x", "--to", "unix:y", "--capability", "nonsense"),
                List.of("guest", "--ram", "7Q"),
                List.of("send", "--from", "x", "--to", "unix:y", "--postcopy-after", "5"),
                List.of("receive", "--listen", "unix:y", "--out", "x", "--touch", "0"),
                List.of("merge", "x", "y"),
                List.of("nonsense"))) {
            try (TranshumeProcess process = TranshumeProcess.start(folder, line)) {
                assertEquals(2, process.awaitExit(), line.toString());
                assertFalse(process.stderr().contains("\tat "), process.stderr());
            }
        }
    }

    private static byte[] capture() throws Exception {
        Path fixture = TranshumeProcess.launcher()
                .resolve("../../engine/src/test/resources/qemu/precopy-10.0.2.bin.gz")
                .normalize();
        try (InputStream in = new GZIPInputStream(Files.newInputStream(fixture))) {
            return in.readAllBytes();
        }
    }
}
