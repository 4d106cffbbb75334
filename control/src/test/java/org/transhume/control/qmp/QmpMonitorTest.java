package org.transhume.control.qmp;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.transhume.control.settings.Profile;

@Timeout(30)
class QmpMonitorTest {
    private QmpFixture monitor;

    @BeforeEach
    void open() throws IOException {
        monitor = new QmpFixture();
    }

    @AfterEach
    void close() throws IOException {
        monitor.close();
    }

    @Test
    void greetsWithTheReleaseOfItsProfile() throws IOException {
        try (QmpFixture old = new QmpFixture(Profile.V3_1, 100);
                QmpPeer today = new QmpPeer(monitor.path);
                QmpPeer then = new QmpPeer(old.path)) {
            String greeting = today.line();

            assertEquals(
                    "{\"QMP\": {\"version\": {\"qemu\": {\"micro\": 2, \"minor\": 0, \"major\": 10}, \"package\":"
                            + " \"Transhume 0.1.0\"}, \"capabilities\": [\"oob\"]}}",
                    greeting);
            assertTrue(then.line().contains("{\"micro\": 0, \"minor\": 1, \"major\": 3}"));
        }
    }

    @Test
    void takesNothingButNegotiationAtFirst() throws IOException {
        try (QmpPeer peer = new QmpPeer(monitor.path)) {
            peer.line();
            peer.send("{'execute':'query-version'}{'execute':'nosuch'}{'execute':'qmp_capabilities','arguments':"
                    + "{'enable':['nope']}}{'execute':'qmp_capabilities','arguments':{'enable':5}}"
                    + "{'exec-oob':'ping'}{'execute':'query-version'}");
            List<String> answers = peer.lines(6);

            String expecting =
                    QmpPeer.error("CommandNotFound", "Expecting capabilities negotiation with 'qmp_capabilities'");
            assertEquals(
                    List.of(
                            expecting,
                            expecting,
                            QmpPeer.generic("Parameter 'null' does not accept value 'nope'"),
                            QmpPeer.generic("Invalid parameter type for 'enable', expected: array"),
                            QmpPeer.generic("QMP input member 'exec-oob' is unexpected"),
                            expecting),
                    answers);
        }
    }

    @Test
    void negotiatesOnce() throws IOException {
        try (QmpPeer peer = QmpPeer.negotiated(monitor.path)) {
            peer.send("{'execute':'qmp_capabilities','id':4}");

            assertEquals(
                    QmpFixture.withId(
                            QmpPeer.error(
                                    "CommandNotFound", "Capabilities negotiation is already complete, command ignored"),
                            "4"),
                    peer.line());
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "null",
                "1.5",
                "-3",
                "18446744073709551616",
                "\"a\\\"b\"",
                "[1, {\"a\": null}]",
                "{\"b\": [true]}",
                "\"\\u00E9\\uD83D\\uDE00\\n\""
            })
    void givesBackAnyIdBehindAResultAndBeforeAnError(String id) throws IOException {
        try (QmpPeer peer = QmpPeer.negotiated(monitor.path)) {
            peer.send("{'id':" + id + ",'execute':'migrate'}{'execute':'nosuch','id':" + id + "}{'id':" + id + "}");

            assertEquals("{\"return\": {}, \"id\": " + id + "}", peer.line());
            assertTrue(peer.line().startsWith("{\"id\": " + id + ", \"error\": "));
            assertEquals(QmpFixture.withId(QmpPeer.generic("QMP input lacks member 'execute'"), id), peer.line());
        }
    }

    @Test
    void answersInTheOrderAskedWhereverTheBytesAreSplit() throws IOException {
        StringBuilder requests = new StringBuilder();
        List<String> expected = new ArrayList<>();
        for (int i = 0; i < 200; i++) {
            requests.append("{ \"execute\" :\n'migrate',\t\"id\": ").append(i).append("}");
            expected.add("{\"return\": {}, \"id\": " + i + "}");
        }
        byte[] bytes = QmpFixture.utf8(requests.toString());
        try (QmpPeer peer = QmpPeer.negotiated(monitor.path)) {
            for (int at = 0; at < bytes.length; at += 7) {
                peer.send(Arrays.copyOfRange(bytes, at, Math.min(at + 7, bytes.length)));
            }

            assertEquals(expected, peer.lines(200));
        }
    }

    @Test
    void answersAClientThatHasClosedItsSideOfTheConnection() throws IOException {
        try (QmpPeer peer = QmpPeer.negotiated(monitor.path)) {
            peer.send("{'execute':'migrate','id':1}");
            peer.doneWriting();

            assertEquals("{\"return\": {}, \"id\": 1}", peer.line());
            assertNull(peer.line());
        }
    }

    @Test
    void listsExactlyTheCommandsThereAre() throws Exception {
        try (QmpClient client = client()) {
            Set<String> names = new TreeSet<>();
            client.execute("query-commands")
                    .forEach(entry -> names.add(entry.get("name").stringValue()));

            assertEquals(
                    Set.of(
                            "break",
                            "migrate",
                            "migrate-recover",
                            "migrate-set-capabilities",
                            "migrate-set-mc-delay",
                            "migrate-set-parameters",
                            "ping",
                            "qmp_capabilities",
                            "query-commands",
                            "query-migrate-capabilities",
                            "query-migrate-parameters",
                            "query-version",
                            "wait"),
                    names);
        }
    }

    @Test
    void refusesASecondCommandOfTheSameName() {
        QmpCommand again = QmpCommand.of("migrate", List.of(), _ -> null);

        assertThrows(IllegalArgumentException.class, () -> monitor.dispatcher.register(again));
    }

    @Test
    void runsOutOfBandWhileACommandInBandWaits() throws Exception {
        try (QmpPeer peer = QmpPeer.withOob(monitor.path)) {
            peer.send("{'execute':'wait','id':'slow'}{'execute':'migrate','id':'queued'}");
            assertTrue(monitor.blocked.await(10, SECONDS));
            peer.send("{'exec-oob':'ping','id':'fast'}");
            String first = peer.line();
            monitor.release.countDown();

            assertEquals("{\"return\": {}, \"id\": \"fast\"}", first);
            assertEquals("{\"return\": {}, \"id\": \"slow\"}", peer.line());
            assertEquals("{\"return\": {}, \"id\": \"queued\"}", peer.line());
        }
    }

    @Test
    void refusesOutOfBandWhatDoesNotAllowIt() throws IOException {
        try (QmpPeer peer = QmpPeer.withOob(monitor.path)) {
            peer.send("{'exec-oob':'query-version','id':1}{'exec-oob':'nosuch','id':1}{'exec-oob':5,'id':1}");
            Set<String> answers = new HashSet<>(peer.lines(3));
            peer.send("{'execute':'ping','exec-oob':'ping'}");

            assertEquals(
                    Set.of(
                            QmpFixture.withId(QmpPeer.generic("The command query-version does not support OOB"), "1"),
                            QmpFixture.withId(
                                    QmpPeer.error("CommandNotFound", "The command nosuch has not been found"), "1"),
                            QmpFixture.withId(QmpPeer.generic("QMP input member 'exec-oob' must be a string"), "1")),
                    answers);
            assertEquals(QmpPeer.generic("QMP input member 'execute' clashes with 'exec-oob'"), peer.line());
        }
    }

    @Test
    void tellsEventsToAllWhoHaveNegotiatedAtTheSameTime() throws Exception {
        Path second = monitor.path.resolveSibling("t");
        try (QmpServer other = QmpServer.open(QmpAddress.parse("unix:" + second), monitor.dispatcher);
                QmpPeer one = QmpPeer.negotiated(monitor.path);
                QmpPeer two = QmpPeer.negotiated(second)) {
            monitor.dispatcher.emit("STOP");
            monitor.dispatcher.emit("MIGRATION", Json.object().put("status", "setup"));
            List<String> lines = one.lines(2);

            assertEquals("unix:" + second, other.address().toString());
            assertEquals(lines, two.lines(2));
            assertTrue(
                    lines.getFirst()
                            .matches("\\{\"timestamp\": \\{\"seconds\": \\d+, \"microseconds\": \\d+}, \"event\":"
                                    + " \"STOP\"}"),
                    lines.getFirst());
            assertTrue(lines.getLast().endsWith("\"event\": \"MIGRATION\", \"data\": {\"status\": \"setup\"}}"));
        }
    }

    @Test
    void keepsNoEventForAClientThatHasNotNegotiated() throws IOException {
        try (QmpPeer peer = new QmpPeer(monitor.path)) {
            peer.line();
            monitor.dispatcher.emit("STOP");
            peer.send("{'execute':'qmp_capabilities'}");
            String first = peer.line();
            monitor.dispatcher.emit("RESUME");

            assertEquals("{\"return\": {}}", first);
            assertTrue(peer.line().contains("RESUME"));
        }
    }

    @Test
    void dropsAClientThatReadsNoEventsAndServesTheNext() throws Exception {
        try (QmpFixture small = new QmpFixture(Profile.V10_0, 8);
                QmpPeer lazy = QmpPeer.negotiated(small.path)) {
            String text = "x".repeat(1000);
            long start = System.nanoTime();
            for (int i = 0; i < 2000; i++) {
                small.dispatcher.emit("MIGRATION_PASS", Json.object().put("text", text));
            }
            long took = System.nanoTime() - start;
            int heard = 0;
            while (heard < 3000 && readsOn(lazy)) {
                heard++;
            }

            assertTrue(took < Duration.ofSeconds(10).toNanos(), "emitting took " + took + " ns");
            assertTrue(heard < 2000, "heard " + heard);
            try (QmpPeer next = QmpPeer.negotiated(small.path)) {
                next.send("{'execute':'migrate'}");
                assertEquals("{\"return\": {}}", next.line());
            }
        }
    }

    @Test
    void losesNoAnswerOfAClientThatReadsLate() throws IOException {
        try (QmpFixture small = new QmpFixture(Profile.V10_0, 8);
                QmpPeer late = QmpPeer.negotiated(small.path)) {
            int count = 3000;
            Thread sender = Thread.ofPlatform()
                    .daemon()
                    .start(() -> assertDoesNotThrow(() -> {
                        for (int i = 0; i < count; i++) {
                            late.send("{'execute':'query-commands','id':" + i + "}");
                        }
                    }));
            for (int i = 0; i < count; i++) {
                assertTrue(late.line().endsWith("\"id\": " + i + "}"));
            }

            assertDoesNotThrow(() -> sender.join());
        }
    }

    @Test
    void leavesASecondClientUnansweredUntilTheFirstHasGone() throws Exception {
        QmpPeer first = QmpPeer.negotiated(monitor.path);
        try (QmpPeer second = new QmpPeer(monitor.path)) {
            QmpAddress address = QmpAddress.parse("unix:" + monitor.path);
            IOException unanswered =
                    assertThrows(IOException.class, () -> QmpClient.connect(address, Duration.ofMillis(200)));
            first.close();

            assertTrue(second.line().contains("QMP"));
            assertTrue(unanswered.getMessage().startsWith("no greeting"), unanswered.getMessage());
        }
    }

    @Test
    void startsFromNegotiationForTheNextClient() throws IOException {
        try (QmpPeer peer = QmpPeer.withOob(monitor.path)) {
            peer.send("{\"execute\": [");
        }
        try (QmpPeer peer = new QmpPeer(monitor.path)) {
            peer.line();
            peer.send("{'execute':'qmp_capabilities'}{'exec-oob':'ping'}");

            assertEquals("{\"return\": {}}", peer.line());
            assertEquals(QmpPeer.generic("QMP input member 'exec-oob' is unexpected"), peer.line());
        }
    }

    @Test
    void leavesNoThreadNorPathWhenClosed() throws Exception {
        QmpPeer peer = QmpPeer.withOob(monitor.path);
        QmpPeer waiting = new QmpPeer(monitor.path);
        assertTrue(QmpFixture.threads().size() >= 3);
        monitor.server.close();

        assertNull(peer.line());
        assertFalse(Files.exists(monitor.path));
        String path = monitor.path.toString();
        assertEquals(
                List.of(),
                QmpFixture.threads().stream().filter(n -> n.contains(path)).toList());
        peer.close();
        waiting.close();
    }

    @Test
    void answersTheCommandThatClosesIt() throws Exception {
        monitor.dispatcher.register(QmpCommand.of("quit", List.of(), _ -> {
            try {
                monitor.server.close();
            } catch (IOException e) {
                throw new QmpError(e.getMessage());
            }
            return null;
        }));
        try (QmpPeer peer = QmpPeer.negotiated(monitor.path)) {
            peer.send("{'execute':'quit'}");

            assertEquals("{\"return\": {}}", peer.line());
            assertNull(peer.line());
        }
    }

    @Test
    void takesThePlaceOfADeadListenerButNotOfALiveOne() throws Exception {
        Path left = monitor.path.resolveSibling("left");
        QmpAddress address = QmpAddress.parse("unix:" + left);
        try (var listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            listener.bind(address.socket());
        }
        try (QmpServer server = QmpServer.open(address, monitor.dispatcher)) {
            IOException refused = assertThrows(IOException.class, () -> QmpServer.open(address, monitor.dispatcher));

            assertTrue(refused.getMessage().contains("in use"), refused.getMessage());
            assertEquals(address, server.address());
        }
    }

    @Test
    void listensAtAPortToo() throws Exception {
        try (QmpServer server = QmpServer.open(QmpAddress.parse("tcp:127.0.0.1:0"), monitor.dispatcher);
                QmpClient client = QmpClient.connect(server.address(), Duration.ofSeconds(10))) {
            assertEquals(
                    "Transhume 0.1.0",
                    client.execute("query-version").get("package").stringValue());
        }
    }

    @ParameterizedTest
    @CsvSource({"unix:/a b/c, unix:/a b/c", "tcp:127.0.0.1:44, tcp:127.0.0.1:44", "tcp:[::1]:5, tcp:[0:0:0:0:0:0:0:1]:5"
    })
    void readsAddresses(String uri, String address) {
        assertEquals(address, QmpAddress.parse(uri).toString());
    }

    @ParameterizedTest
    @ValueSource(strings = {"unix:", "tcp:1.2.3.4", "tcp:1.2.3.4:70000", "tcp:::1:5", "/path", "tcp:1.2.3.4:x"})
    void refusesWhatIsNoAddress(String uri) {
        assertThrows(IllegalArgumentException.class, () -> QmpAddress.parse(uri));
    }

    @Test
    void clientHearsAnswersErrorsAndEvents() throws Exception {
        try (QmpClient client = client()) {
            monitor.dispatcher.emit("STOP");
            monitor.dispatcher.emit("RESUME");
            QmpError error = assertThrows(QmpError.class, () -> client.execute("nosuch"));
            String stop = client.awaitEvent("STOP", Duration.ofSeconds(10))
                    .get("event")
                    .stringValue();
            client.execute("query-version");
            int left = client.takeEvents().size();

            assertEquals(QmpError.Kind.COMMAND_NOT_FOUND, error.kind());
            assertEquals("The command nosuch has not been found", error.getMessage());
            assertEquals("STOP", stop);
            assertEquals(1, left);
            assertThrows(IOException.class, () -> client.awaitEvent("RESUME", Duration.ofMillis(50)));
        }
    }

    @Test
    void clientGivesUpOnACommandAfterItsTime() throws Exception {
        try (QmpClient client = client()) {
            IOException late =
                    assertThrows(IOException.class, () -> client.execute("wait", null, Duration.ofMillis(50)));
            monitor.release.countDown();

            assertEquals("no answer to wait within 50 ms", late.getMessage());
            assertTrue(client.execute("query-version").has("qemu"));
        }
    }

    @Test
    void clientLearnsThatTheServerHasGone() throws Exception {
        try (QmpClient client = client()) {
            monitor.server.close();

            assertThrows(IOException.class, () -> client.execute("query-version"));
        }
    }

    private QmpClient client() throws IOException, QmpError {
        return QmpClient.connect(QmpAddress.parse("unix:" + monitor.path), Duration.ofSeconds(10));
    }

    private static boolean readsOn(QmpPeer peer) {
        try {
            return peer.line() != null;
        } catch (IOException dropped) {
            return false;
        }
    }
}
