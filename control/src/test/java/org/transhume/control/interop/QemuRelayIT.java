package org.transhume.control.interop;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A guest goes from a QEMU into a directory, and out of it into another QEMU that was started with the same command line. */
@Timeout(180)
class QemuRelayIT {
    private static final Pattern TICK = Pattern.compile("^tick (\\d+) (\\w+)\\R", Pattern.MULTILINE);

    @TempDir
    Path folder;

    @ParameterizedTest(name = "{0} to {1} over {2} with {3} {4}")
    @CsvSource({
        "V10_0,                  V10_0,                  tcp,  '',                  ''",
        "V10_0,                  V10_0,                  unix, return-path,         ''",
        "V10_0,                  V10_0,                  tcp,  multifd return-path, ''",
        "V10_0,                  V10_0,                  unix, multifd,             ''",
        "V10_0,                  V10_0,                  tcp,  multifd,             multifd-compression=zlib multifd-zlib-level=9",
        "V10_0,                  V10_0,                  unix, multifd,             multifd-compression=zstd multifd-zstd-level=1",
        "V7_2,                   V7_2,                   tcp,  '',                  ''",
        "V7_2,                   V7_2,                   unix, return-path,         ''",
        "V7_2,                   V7_2,                   tcp,  multifd return-path, ''",
        "V7_2,                   V7_2,                   unix, multifd,             ''",
        "V7_2,                   V7_2,                   unix, multifd return-path, multifd-compression=zlib multifd-zlib-level=1",
        "V7_2,                   V7_2,                   tcp,  multifd return-path, multifd-compression=zstd multifd-zstd-level=9",
        "V7_2,                   V7_2,                   unix, compress return-path, compress-level=9 compress-threads=3 decompress-threads=2 compress-wait-thread=off",
        "V7_2,                   V10_0_WITH_MACHINE_7_2, unix, multifd return-path, ''",
        "V10_0_WITH_MACHINE_7_2, V7_2,                   tcp,  multifd return-path, ''",
        "V10_0_WITH_MACHINE_7_2, V7_2,                   unix, multifd,             multifd-compression=zstd",
    })
    void ramStaysWhatItWasAndTheGuestRunsOn(
            QemuVersion from, QemuVersion to, String transport, String capabilities, String parameters)
            throws Exception {
        QemuGuest guest = QemuGuest.dirtying(folder);
        Set<String> enabled = new TreeSet<>(List.of(capabilities.split(" ")));
        enabled.remove("");
        try (QemuProcess source = QemuProcess.running(from, guest, folder.resolve("source"));
                QemuProcess destination = QemuProcess.incomingPaused(to, guest, folder.resolve("destination"))) {
            source.awaitDirtying();
            if (from.losesPagesOfARunningGuest()) {
                source.stop();
            }

            receive(source, transport, enabled, parameters);
            JsonNode sent = send(destination, transport, enabled, parameters);

            JsonNode manifest = manifest();
            assertEquals(from.machine(), manifest.path("machine").asString());
            assertEquals(
                    sha256(source.ram()),
                    block(manifest, "pc.ram").path("sha256").asString());
            assertEquals(-1, Files.mismatch(source.ram(), destination.ram()));
            JsonNode received = manifest.path("counters");
            if (parameters.contains("multifd-compression")) {
                assertSmaller(received);
                assertSmaller(sent);
            }
            if (enabled.contains("compress")) {
                // QEMU's own count leaves pages out and has zero pages in it.
                assertTrue(source.migration().path("compression").path("pages").asLong() > 0);
                assertTrue(received.path("compressedPages").asLong() > 0, received::toString);
                assertTrue(sent.path("pageCompression").path("pages").asLong() > 0, sent::toString);
            }
            destination.cont();
            destination.awaitDirtying();
        }
    }

    @ParameterizedTest(name = "{0}")
    @EnumSource(names = {"V10_0", "V7_2"})
    void aLinuxGuestFindsItsMemoryIntactOnTheFarSide(QemuVersion version) throws Exception {
        QemuGuest guest = QemuGuest.linux();
        Set<String> enabled = Set.of("return-path");
        try (QemuProcess source = QemuProcess.running(version, guest, folder.resolve("source"));
                QemuProcess destination = QemuProcess.incoming(version, guest, folder.resolve("destination"))) {
            source.awaitSerial("tick 2 ok");
            if (version.losesPagesOfARunningGuest()) {
                source.stop();
            }

            receive(source, "unix", enabled, "");
            send(destination, "unix", enabled, "");
            if (version.losesPagesOfARunningGuest()) {
                destination.cont();
            }
            int last = ticks(source).getLast();
            destination.awaitSerial("tick " + (last + 5) + " ");

            List<Integer> seen = ticks(destination);
            assertTrue(seen.getFirst() <= last + 2, "ticks on the far side went from " + last + " to " + seen);
            assertTrue(seen.getFirst() >= last, "ticks on the far side went from " + last + " to " + seen);
        }
    }

    /** The headers of the packets are in these bytes, but there are few. */
    private static void assertSmaller(JsonNode report) {
        long plain = report.path("normalPages").asLong() * 4096;
        assertTrue(report.path("multifdBytes").asLong() < plain, report::toString);
    }

    @Test
    void theNewestProfileKnowsNoCompressionOfSinglePages() throws Exception {
        List<String> command = List.of(
                "receive",
                "--listen",
                "unix:" + folder.resolve("receive"),
                "--out",
                folder.resolve("image").toString(),
                "--capability",
                "compress");
        try (TranshumeProcess receive = TranshumeProcess.start(folder, command)) {
            assertEquals(2, receive.awaitExit());
            assertTrue(receive.stderr().contains("capability 'compress': expected one of"), receive.stderr());
        }
    }

    private void receive(QemuProcess source, String transport, Set<String> enabled, String parameters)
            throws Exception {
        List<String> command = new ArrayList<>(List.of("receive", "--listen", address(transport, "receive")));
        command.addAll(List.of("--out", folder.resolve("image").toString()));
        command.addAll(options(enabled, parameters));
        try (TranshumeProcess receive = TranshumeProcess.start(folder, command)) {
            source.enable(enabled);
            source.set(parameters);

            source.migrate(receive.awaitReady());

            receive.awaitSuccess();
        }
        assertEquals("postmigrate", source.runState());
    }

    /** @return the report */
    private JsonNode send(QemuProcess destination, String transport, Set<String> enabled, String parameters)
            throws Exception {
        destination.enable(enabled);
        destination.set(parameters);
        String uri = destination.listen(address(transport, "send"));
        List<String> command = new ArrayList<>(List.of("send", "--json", "--to", uri));
        command.addAll(List.of("--from", folder.resolve("image").toString()));
        command.addAll(options(enabled, parameters));
        try (TranshumeProcess send = TranshumeProcess.start(folder, command)) {
            send.awaitSuccess();
            destination.awaitMigrated();
            return new JsonMapper().readTree(send.stdout());
        }
    }

    private String address(String transport, String name) {
        return transport.equals("tcp") ? "tcp:127.0.0.1:0" : "unix:" + folder.resolve(name);
    }

    private static List<String> options(Set<String> enabled, String parameters) {
        List<String> options = new ArrayList<>();
        if (enabled.contains("compress")) {
            options.addAll(List.of("--profile", "3.1"));
        }
        for (String parameter : parameters.split(" ", -1)) {
            if (!parameter.isEmpty()) {
                options.addAll(List.of("--parameter", parameter));
            }
        }
        for (String capability : enabled) {
            options.addAll(List.of("--capability", capability));
        }
        if (enabled.contains("multifd")) {
            options.addAll(List.of("--parameter", "multifd-channels=2"));
        }
        return options;
    }

    private JsonNode manifest() {
        return new JsonMapper().readTree(folder.resolve("image/manifest.json"));
    }

    private static JsonNode block(JsonNode manifest, String name) {
        for (JsonNode block : manifest.path("blocks")) {
            if (block.path("name").asString().equals(name)) {
                return block;
            }
        }
        throw new AssertionError("no block " + name + " in " + manifest);
    }

    private static String sha256(Path file) throws Exception {
        MessageDigest digest = MessageDigest.getInstance("SHA-256");
        try (InputStream in = new DigestInputStream(Files.newInputStream(file), digest)) {
            long _ = in.transferTo(OutputStream.nullOutputStream());
        }
        return HexFormat.of().formatHex(digest.digest());
    }

    /** The ticks on the console, all of which must have found memory intact. A line cut by the migration is left out. */
    private static List<Integer> ticks(QemuProcess qemu) throws IOException {
        List<Integer> ticks = new ArrayList<>();
        for (MatchResult tick : TICK.matcher(qemu.serial()).results().toList()) {
            assertEquals("ok", tick.group(2), tick::group);
            ticks.add(Integer.valueOf(tick.group(1)));
        }
        return ticks;
    }
}
