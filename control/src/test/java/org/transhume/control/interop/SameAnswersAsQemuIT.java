package org.transhume.control.interop;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.transhume.control.conversation.Comparison;
import org.transhume.control.conversation.Conversation;
import org.transhume.control.conversation.Transcript;

/**
 * A QEMU 10.0 and a guest of ours, in the same state, are asked the same questions. With {@code -Drecord.session=FILE} what
 * the QEMU says is kept, for {@code RecordedSessionTest}.
 */
@Timeout(120)
class SameAnswersAsQemuIT {
    private static final Duration LIMIT = Duration.ofSeconds(60);

    @TempDir
    Path folder;

    private final Map<String, Process> processes = new HashMap<>();

    @AfterEach
    void end() {
        processes.values().forEach(Process::destroyForcibly);
        processes.values().forEach(process -> process.onExit().join());
    }

    @Test
    void aScriptCannotTellTheTwoApart() throws Exception {
        List<String> complaints = new ArrayList<>();
        List<String> recorded = new ArrayList<>();
        List<Conversation> all = Conversation.all();
        // All at once, so that they start beside each other.
        for (Conversation conversation : all) {
            start("qemu", conversation.place());
            start("ours", conversation.place());
        }
        for (Conversation conversation : all) {
            Transcript theirs = Transcript.of(conversation, socket("qemu", conversation.place()));
            Transcript ours = Transcript.of(conversation, socket("ours", conversation.place()));
            recorded.addAll(theirs.recorded(conversation));
            Comparison.of(conversation, theirs, ours)
                    .forEach(complaint -> complaints.add(conversation + ": " + complaint));
        }
        String file = System.getProperty("record.session");
        if (file != null) {
            Files.write(Path.of(file), recorded);
        }

        assertEquals("", String.join("\n", complaints));
        long questions = recorded.stream().filter(line -> line.startsWith("> ")).count();
        assertTrue(questions > 150, () -> questions + " questions");
    }

    private void start(String side, String place) throws Exception {
        String name = side + "-" + place;
        if (processes.containsKey(name)) {
            return;
        }
        List<String> command = new ArrayList<>();
        Path qmp = folder.resolve(name);
        if (side.equals("qemu")) {
            command.addAll(QemuVersion.V10_0.command());
            command.addAll(List.of("-machine", "pc", "-accel", "tcg", "-m", "16M", "-display", "none"));
            command.addAll(List.of("-nodefaults", "-no-user-config", "-qmp", "unix:" + qmp + ",server=on,wait=off"));
            command.addAll(
                    switch (place) {
                        case "source" -> List.of("-S");
                        case "listening" -> List.of("-incoming", "tcp:127.0.0.1:0");
                        default -> List.of("-incoming", "defer");
                    });
        } else {
            command.addAll(List.of(TranshumeProcess.launcher().toString(), "guest", "--ram", "16M"));
            command.addAll(List.of("--qmp", "unix:" + qmp));
            command.addAll(
                    switch (place) {
                        case "source" -> List.of("--paused");
                        case "listening" -> List.of("--incoming", "tcp:127.0.0.1:0");
                        default -> List.of("--incoming", "defer");
                    });
        }
        ProcessBuilder builder = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(folder.resolve(name + ".output").toFile());
        builder.environment().put("TRANSHUME_BUILD", "never");
        processes.put(name, builder.start());
    }

    /** Where the process listens, once it does. */
    private Path socket(String side, String place) throws Exception {
        Path qmp = folder.resolve(side + "-" + place);
        Process process = processes.get(side + "-" + place);
        Await.until("monitor of " + side + ", " + place, LIMIT, () -> {
            assertTrue(process.isAlive(), () -> side + " ended: " + output(side, place));
            try (SocketChannel probe = SocketChannel.open(StandardProtocolFamily.UNIX)) {
                return probe.connect(UnixDomainSocketAddress.of(qmp));
            } catch (java.net.SocketException notYet) {
                return false;
            }
        });
        return qmp;
    }

    private String output(String side, String place) {
        try {
            return Files.readString(folder.resolve(side + "-" + place + ".output"));
        } catch (java.io.IOException e) {
            return e.toString();
        }
    }
}
