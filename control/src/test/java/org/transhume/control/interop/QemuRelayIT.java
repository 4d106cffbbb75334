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

    @ParameterizedTest(name = "{0} to {1} over {2} with {3}")
    @CsvSource({
        "V10_0,                  V10_0,                  tcp,  ''",
        "V10_0,                  V10_0,                  unix, return-path",
        "V10_0,                  V10_0,                  tcp,  multifd return-path",
        "V10_0,                  V10_0,                  unix, multifd",
        "V7_2,                   V7_2,                   tcp,  ''",
        "V7_2,                   V7_2,                   unix, return-path",
        "V7_2,                   V7_2,                   tcp,  multifd return-path",
        "V7_2,                   V7_2,                   unix, multifd",
        "V7_2,                   V10_0_WITH_MACHINE_7_2, unix, multifd return-path",
        "V10_0_WITH_MACHINE_7_2, V7_2,                   tcp,  multifd return-path",
    })
    void ramStaysWhatItWasAndTheGuestRunsOn(QemuVersion from, QemuVersion to, String transport, String capabilities)
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

            receive(source, transport, enabled);
            send(destination, transport, enabled);

            JsonNode manifest = manifest();
            assertEquals(from.machine(), manifest.path("machine").asString());
            assertEquals(
                    sha256(source.ram()),
                    block(manifest, "pc.ram").path("sha256").asString());
            assertEquals(-1, Files.mismatch(source.ram(), destination.ram()));
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

            receive(source, "unix", enabled);
            send(destination, "unix", enabled);
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

    private void receive(QemuProcess source, String transport, Set<String> enabled) throws Exception {
        List<String> command = new ArrayList<>(List.of("receive", "--listen", address(transport, "receive")));
        command.addAll(List.of("--out", folder.resolve("image").toString()));
        command.addAll(options(enabled));
        try (TranshumeProcess receive = TranshumeProcess.start(folder, command)) {
            source.enable(enabled);

            source.migrate(receive.awaitReady());

            receive.awaitSuccess();
        }
        assertEquals("postmigrate", source.runState());
    }

    private void send(QemuProcess destination, String transport, Set<String> enabled) throws Exception {
        destination.enable(enabled);
        String uri = destination.listen(address(transport, "send"));
        List<String> command = new ArrayList<>(List.of("send", "--to", uri));
        command.addAll(List.of("--from", folder.resolve("image").toString()));
        command.addAll(options(enabled));
        try (TranshumeProcess send = TranshumeProcess.start(folder, command)) {
            send.awaitSuccess();
        }
        destination.awaitMigrated();
    }

    private String address(String transport, String name) {
        return transport.equals("tcp") ? "tcp:127.0.0.1:0" : "unix:" + folder.resolve(name);
    }

    private static List<String> options(Set<String> enabled) {
        List<String> options = new ArrayList<>();
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
