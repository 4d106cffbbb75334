package org.transhume.control.interop;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.transhume.channels.Address;
import org.transhume.channels.Connection;
import org.transhume.channels.Connections;
import org.transhume.channels.qemu.HandoverRecord;
import org.transhume.control.interop.HandoverRelay.Break;
import org.transhume.control.interop.HandoverRelay.Hook;
import org.transhume.control.interop.HandoverRelay.Word;
import org.transhume.control.qmp.Json;
import org.transhume.control.qmp.QmpAddress;
import org.transhume.control.qmp.QmpClient;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Two {@code guest} processes with x-handover, one of which is killed, or the network breaks, right at a word of theirs
 * (docs/decisions/0012). The source writes its RAM wherever it runs; the destination would not, so that what arrived stays.
 */
@Timeout(120)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class HandsOverIT {
    private static final Duration LIMIT = Duration.ofSeconds(60);
    private static final long RAM = 16 << 20;

    @TempDir
    static Path folder;

    /** A source asks for 20 s before it takes a destination for dead: the other tests run meanwhile. */
    private static final List<Lost> DEAD = new ArrayList<>();

    private static int started;

    @BeforeAll
    static void killDestinationsBehindTheWord() throws Exception {
        for (Word word : List.of(Word.GRANT, Word.SHUT)) {
            DEAD.add(new Lost(word));
        }
    }

    @AfterAll
    static void end() throws IOException {
        for (Lost lost : DEAD) {
            lost.close();
        }
    }

    @Test
    void aDestinationKilledBeforeItAskedForTheGuestLeavesItRunningAndItGoesToAnother() throws Exception {
        try (End source = End.source()) {
            try (End destination = End.destination();
                    HandoverRelay relay = migrate(source, destination, killed(Word.READY, destination))) {
                awaitBroken(relay, source, destination);

                source.await("failed");

                assertFalse(destination.process.isAlive());
                source.assertRunsOn();
                assertFalse(source.error().contains("stays paused"), source.error());
            }
            try (End destination = End.destination();
                    HandoverRelay relay = migrate(source, destination)) {
                assertHandedOver(source, destination);
                destination.await("completed");
                assertEquals(List.of(Word.READY, Word.GRANT, Word.SHUT, Word.HEARD), relay.words());
            }
        }
    }

    @Test
    @Order(Integer.MAX_VALUE)
    void aDestinationKilledBehindTheWordLeavesTheSourcePausedUntilItsOperatorHasLooked() throws Exception {
        for (Lost lost : DEAD) {
            End source = lost.source;
            awaitBroken(lost.relay, source, lost.destination);

            source.await("failed");

            assertFalse(lost.destination.process.isAlive());
            assertEquals("postmigrate", source.runState());
            assertTrue(source.error().contains("the destination did not answer"), source.error());
            assertTrue(source.error().contains("stays paused here"), source.error());
            assertEquals(-1, source.ram.mismatch(lost.ram), "written while nobody may");
            source.qmp.execute("cont");
            source.assertRunsOn();
        }
    }

    /** A destination that is killed at a word, and the RAM of its source as it stood then. */
    private static final class Lost implements AutoCloseable {
        final End source;
        final End destination;
        final MemorySegment ram = MemorySegment.ofArray(new byte[(int) RAM]);
        private final HandoverRelay relay;

        Lost(Word word) throws Exception {
            source = End.source();
            try {
                destination = End.destination();
            } catch (Throwable t) {
                source.close();
                throw t;
            }
            try {
                relay = migrate(source, destination, new Break(word, () -> {
                    destination.process.close();
                    ram.copyFrom(source.ram);
                }));
            } catch (Throwable t) {
                try (source;
                        destination) {
                    throw t;
                }
            }
        }

        @Override
        public void close() throws IOException {
            try (source;
                    destination;
                    relay) {}
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"READY", "GRANT"})
    void aSourceKilledBeforeItsWordArrivedTakesTheGuestWithIt(Word word) throws Exception {
        try (End source = End.source();
                End destination = End.destination();
                HandoverRelay relay = migrate(source, destination, killed(word, source))) {
            awaitBroken(relay, source, destination);

            assertFalse(source.process.isAlive());
            assertEquals("inmigrate", destination.runState());
            assertEquals(HandoverRecord.Code.RENOUNCED, destination.asked(relay));
            destination.assertGaveUp();
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"SHUT", "HEARD"})
    void aSourceKilledBehindItsWordLeavesAWholeGuestRunning(Word word) throws Exception {
        try (End source = End.source();
                End destination = End.destination();
                HandoverRelay relay = migrate(source, destination, killed(word, source))) {
            awaitBroken(relay, source, destination);

            assertFalse(source.process.isAlive());
            assertEquals("running", destination.runState());
            assertEquals(HandoverRecord.Code.RUNS, destination.asked(relay));
            destination.await("completed");
            assertEquals("running", destination.runState());
            assertEquals(-1, source.ram.mismatch(destination.ram));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"READY", "GRANT", "GRANT ASK RENOUNCED"})
    void aNetworkThatBreaksBeforeTheWordArrivedLeavesTheGuestAtItsSource(String words) throws Exception {
        try (End source = End.source();
                End destination = End.destination();
                HandoverRelay relay = migrate(source, destination, lost(words))) {
            awaitBroken(relay, source, destination);

            source.await("failed");

            source.assertRunsOn();
            if (words.equals("READY")) { // the source has no reason to ask
                assertEquals(HandoverRecord.Code.RENOUNCED, destination.asked(relay));
            } else {
                assertTrue(source.error().contains("does not run the guest and never will"), source.error());
            }
            destination.assertGaveUp();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"SHUT", "SHUT ASK RUNS", "HEARD"})
    void aNetworkThatBreaksBehindTheWordLeavesTheGuestAtTheDestination(String words) throws Exception {
        try (End source = End.source();
                End destination = End.destination();
                HandoverRelay relay = migrate(source, destination, lost(words))) {
            awaitBroken(relay, source, destination);

            assertHandedOver(source, destination);
            if (words.equals("HEARD")) { // the source has no reason to ask
                assertEquals(HandoverRecord.Code.RUNS, destination.asked(relay));
            }
            destination.await("completed");
            assertEquals("running", destination.runState());
        }
    }

    private static void assertHandedOver(End source, End destination) throws Exception {
        source.await("completed");
        assertEquals("postmigrate", source.runState());
        assertEquals("running", destination.runState());
        assertEquals(-1, source.ram.mismatch(destination.ram));
    }

    private static Break killed(Word word, End end) {
        return new Break(word, end.process::close);
    }

    /** @param words that do not arrive, nor what would have followed on their connections */
    private static Break[] lost(String words) {
        Hook nothing = () -> {};
        return Stream.of(words.split(" ", -1))
                .map(word -> new Break(Word.valueOf(word), nothing))
                .toArray(Break[]::new);
    }

    private static void awaitBroken(HandoverRelay relay, End... ends) throws Exception {
        try {
            Void _ = relay.broken().get(LIMIT.toSeconds(), TimeUnit.SECONDS);
        } catch (TimeoutException e) {
            StringBuilder what = new StringBuilder("only %s were said".formatted(relay.words()));
            for (End end : ends) {
                what.append("\n\n").append(end.describe());
            }
            throw new AssertionError(what.toString(), e);
        }
    }

    /** Begins, with a relay between the two. */
    private static HandoverRelay migrate(End source, End destination, Break... breaks) throws Exception {
        for (End end : List.of(source, destination)) {
            end.connect();
        }
        HandoverRelay relay = new HandoverRelay(destination.listen(), List.of(breaks));
        try {
            source.qmp.execute("migrate", Json.object().put("uri", relay.uri()));
        } catch (IOException e) {
            awaitBroken(relay, source, destination); // which may kill the source before it has answered
            if (source.process.isAlive()) {
                throw e;
            }
        }
        return relay;
    }

    /** One process. */
    private static final class End implements AutoCloseable {
        final TranshumeProcess process;
        private final String socket;
        private final Arena arena = Arena.ofShared();
        QmpClient qmp;
        /** Its guest's, as it is written; it outlives the process. */
        MemorySegment ram;

        private int port;

        static End source() throws IOException {
            return new End("--workload", "uniform:rate=2000");
        }

        static End destination() throws IOException {
            return new End("--incoming", "defer");
        }

        /** Returns at once, for another to start meanwhile. */
        private End(String... more) throws IOException {
            socket = "unix:" + folder.resolve("qmp%d.sock".formatted(++started));
            List<String> line = new ArrayList<>(List.of("guest", "--ram", Long.toString(RAM), "--qmp", socket));
            line.addAll(Arrays.asList(more));
            process = TranshumeProcess.start(folder, line);
        }

        void connect() throws Exception {
            if (qmp != null) {
                return;
            }
            process.awaitReady();
            qmp = QmpClient.connect(QmpAddress.parse(socket), LIMIT);
            try (FileChannel memory = FileChannel.open(process.memory())) {
                ram = memory.map(MapMode.READ_ONLY, 0, RAM, arena);
            }
            ObjectNode arguments = Json.object();
            ArrayNode list = arguments.putArray("capabilities");
            for (String name : List.of("return-path", "x-handover")) {
                list.addObject().put("capability", name).put("state", true);
            }
            qmp.execute("migrate-set-capabilities", arguments);
        }

        int listen() throws Exception {
            qmp.execute("migrate-incoming", Json.object().put("uri", "tcp:127.0.0.1:0"));
            JsonNode address =
                    qmp.execute("query-migrate").get("socket-address").get(0);
            port = Integer.parseInt(address.get("port").stringValue());
            return port;
        }

        String runState() throws Exception {
            return qmp.execute("query-status").get("status").stringValue();
        }

        String error() throws Exception {
            return qmp.execute("query-migrate").get("error-desc").stringValue();
        }

        void await(String status) throws Exception {
            Await.until("migration status " + status, LIMIT, () -> {
                JsonNode info = qmp.execute("query-migrate");
                String now = info.path("status").asString("");
                if (!status.equals("failed") && now.equals("failed")) {
                    throw new AssertionError("no status " + status + ": " + info);
                }
                return now.equals(status);
            });
        }

        /** Asks it in the name of its source what became of the guest, on a connection of its own. */
        HandoverRecord.Code asked(HandoverRelay relay) throws Exception {
            try (Connection connection = Connections.connect(Address.parse("tcp:127.0.0.1:" + port), LIMIT)) {
                new HandoverRecord(HandoverRecord.Code.ASK, relay.id()).send(connection);
                HandoverRecord answer = HandoverRecord.receive(connection, LIMIT, "answer", 0);
                new HandoverRecord(HandoverRecord.Code.HEARD, relay.id()).send(connection);
                assertEquals(relay.id(), answer.id());
                return answer.code();
            }
        }

        /** For who has to find out why a test failed. */
        String describe() throws Exception {
            String says = process.isAlive() ? qmp.execute("query-migrate").toPrettyString() : "has ended";
            return "%s: %s%n%s".formatted(socket, says, process.stderr());
        }

        /** The guest does not only say that it runs. */
        void assertRunsOn() throws Exception {
            assertEquals("running", runState());
            MemorySegment before = MemorySegment.ofArray(new byte[(int) RAM]).copyFrom(ram);
            Await.until("page that it writes", LIMIT, () -> ram.mismatch(before) >= 0);
        }

        /** A destination that got no guest ends, as QEMU does. */
        void assertGaveUp() throws Exception {
            assertEquals(1, process.awaitExit());
            assertTrue(process.stderr().contains("does not run here and never will"), process.stderr());
        }

        @Override
        public void close() throws IOException {
            try (arena;
                    process;
                    QmpClient _ = qmp) {
                // killed, so that nothing has to end well
            }
        }
    }
}
