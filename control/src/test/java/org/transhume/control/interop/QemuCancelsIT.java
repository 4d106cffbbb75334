package org.transhume.control.interop;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.FileChannel;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.transhume.channels.Address;
import org.transhume.channels.Connections;
import org.transhume.control.guest.MigrationControl;
import org.transhume.control.guest.RunState;
import org.transhume.control.process.GuestProcess;
import org.transhume.control.qmp.Json;
import org.transhume.control.qmp.QmpAddress;
import org.transhume.control.qmp.QmpClient;
import org.transhume.control.settings.Profile;
import org.transhume.control.settings.Settings;
import org.transhume.engine.MigrationObserver;
import org.transhume.engine.guest.PassiveGuest;
import org.transhume.engine.incoming.IncomingConfig;
import org.transhume.engine.incoming.IncomingMigration;
import org.transhume.engine.incoming.IncomingReport;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * A source of ours before a live QEMU 10.0: cancelled after each state it can be in, as QEMU's own tests do it
 * ({@code /migration/cancel/src/after/*}), or left alone by a destination that is killed; then it migrates to the next QEMU.
 */
@Timeout(180)
class QemuCancelsIT {
    private static final Duration LIMIT = Duration.ofSeconds(60);
    private static final int SLOW = 1 << 20;
    private static final String WHOLE = "(setup P:1 active (P:\\d+ )*STOP (pre-switchover )?device P:\\d+ completed )";

    @TempDir
    static Path shared;

    @TempDir
    Path folder;

    private static QemuGuest kind;
    private static PassiveGuest received;

    private final StringBuilder told = new StringBuilder();
    private LentGuest guest;
    private GuestProcess process;
    private QmpClient qmp;
    private int destinations;

    @BeforeAll
    static void receiveFromAQemu() throws Exception {
        kind = QemuGuest.dirtying(shared);
        received = new PassiveGuest();
        try (QemuProcess source = QemuProcess.running(QemuVersion.V10_0, kind, shared.resolve("source"))) {
            source.awaitDirtying();
            source.stop();
            source.enable(Set.of());
            IncomingMigration incoming = IncomingMigration.start(
                    received,
                    Connections.listen(Address.parse("unix:" + shared.resolve("receive"))),
                    IncomingConfig.DEFAULT,
                    new MigrationObserver() {},
                    "in");
            source.migrate("unix:" + shared.resolve("receive"));
            IncomingReport report = incoming.completion().get(LIMIT.toSeconds(), TimeUnit.SECONDS);
            assertEquals("completed", report.outcome(), report.reason());
        }
    }

    @AfterAll
    static void free() {
        if (received != null) {
            received.close();
        }
    }

    @BeforeEach
    void start() throws Exception {
        guest = new LentGuest(received);
        process = new GuestProcess(
                guest, () -> true, RunState.PRELAUNCH, new Settings(Profile.V10_0), MigrationControl.Incoming.NONE);
        qmp = QmpClient.connect(QmpAddress.parse(process.serve("unix:" + folder.resolve("qmp"))), LIMIT);
        enable("events", "return-path");
        qmp.execute("cont");
        assertEquals(1, qmp.takeEvents().size());
    }

    @AfterEach
    void end() throws Exception {
        try (LentGuest _ = guest;
                GuestProcess _ = process;
                QmpClient _ = qmp) {
            // in the reverse order
        }
    }

    /** {@code /migration/cancel/src/after/none}. */
    @Test
    void cancelSrcAfterNone() throws Exception {
        cancel();

        assertEquals(Json.object(), qmp.execute("query-migrate"));
        assertMoves("");
    }

    /** {@code /migration/cancel/src/after/setup}. */
    @Test
    void cancelSrcAfterSetup() throws Exception {
        List<SocketChannel> waiting = new ArrayList<>();
        try (ServerSocketChannel full = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            UnixDomainSocketAddress address = UnixDomainSocketAddress.of(folder.resolve("full"));
            full.bind(address, 1);
            boolean connected = true;
            while (connected) {
                SocketChannel next = SocketChannel.open(StandardProtocolFamily.UNIX);
                waiting.add(next);
                next.configureBlocking(false);
                try {
                    connected = next.connect(address);
                } catch (IOException isFull) {
                    connected = false;
                }
            }
            migrate("unix:" + address.getPath());
            awaitTold("setup ");

            cancel();

            awaitTold("setup cancelling cancelled ");
        } finally {
            for (SocketChannel channel : waiting) {
                channel.close();
            }
        }
        assertMoves("setup cancelling cancelled ");
    }

    /** {@code /migration/cancel/src/after/active}, {@code /cancelling} and {@code /cancelled}, and with channels. */
    @ParameterizedTest
    @ValueSource(strings = {"active", "cancelling", "cancelled", "active multifd"})
    void cancelSrcAfter(String moment) throws Exception {
        String cancelled = "setup P:1 active (P:\\d+ )*cancelling cancelled ";
        if (moment.contains("multifd")) {
            enable("multifd");
        }
        set("max-bandwidth", SLOW);
        try (QemuProcess destination = destination(moment.contains("multifd") ? Set.of("multifd") : Set.of())) {
            migrate(listen(destination));
            awaitTold("setup P:1 active (P:\\d+ )*");

            cancel();
            if (moment.equals("cancelling")) {
                cancel();
            }
            awaitTold(cancelled);
            if (moment.equals("cancelled")) {
                cancel();
                assertEquals("cancelled", status());
            }

            assertEquals("running", runState());
            assertEquals(1, destination.awaitExit());
        }
        assertMoves(cancelled);
    }

    /** {@code /migration/cancel/src/after/pre-switchover}. */
    @Test
    void cancelSrcAfterPreSwitchover() throws Exception {
        String cancelled = "setup P:1 active (P:\\d+ )*STOP pre-switchover cancelling RESUME cancelled ";
        enable("pause-before-switchover");
        try (QemuProcess destination = destination(Set.of())) {
            migrate(listen(destination));
            awaitTold("setup P:1 active (P:\\d+ )*STOP pre-switchover ");

            cancel();

            awaitTold(cancelled);
            assertEquals("running", runState());
            assertEquals(1, destination.awaitExit());
        }
        assertMoves(cancelled);
    }

    /** {@code /migration/cancel/src/after/failed}. */
    @Test
    void cancelSrcAfterFailed() throws Exception {
        migrate("unix:" + folder.resolve("nobody"));
        awaitTold("setup failed ");

        cancel();

        assertEquals("failed", status());
        assertMoves("setup failed ");
    }

    /** {@code /migration/cancel/src/after/completed}. */
    @Test
    void cancelSrcAfterCompleted() throws Exception {
        assertMoves("");

        cancel();

        assertEquals("completed", status());
        assertEquals("postmigrate", runState());
        qmp.execute("cont");
        assertMoves(WHOLE + "RESUME ");
    }

    /** Row 13 of the event sequences. */
    @ParameterizedTest
    @ValueSource(strings = {"return-path", "", "multifd"})
    void aDestinationThatIsKilledInARound(String capability) throws Exception {
        String failed = "setup P:1 active (P:\\d+ )*failed ";
        if (!capability.equals("return-path")) {
            disable("return-path");
        }
        if (capability.equals("multifd")) {
            enable("multifd");
        }
        set("max-bandwidth", SLOW);
        try (QemuProcess destination = destination(capability.equals("multifd") ? Set.of("multifd") : Set.of())) {
            migrate(listen(destination));
            awaitTold("setup P:1 active (P:\\d+ )*");
            Await.until(
                    "pages on their way",
                    LIMIT,
                    () -> qmp.execute("query-migrate")
                                    .path("ram")
                                    .path("transferred")
                                    .asLong()
                            > SLOW / 4);
        }

        awaitTold(failed);

        assertEquals("running", runState());
        assertMoves(failed);
    }

    /** Row 14 of the event sequences. */
    @Test
    void aDestinationThatIsKilledInThePause() throws Exception {
        String failed = "setup P:1 active (P:\\d+ )*STOP pre-switchover device P:\\d+ failed RESUME ";
        enable("pause-before-switchover");
        try (QemuProcess destination = destination(Set.of())) {
            migrate(listen(destination));
            awaitTold("setup P:1 active (P:\\d+ )*STOP pre-switchover ");
        }
        assertEquals("pre-switchover", status());

        proceed();

        awaitTold(failed);
        assertEquals("running", runState());
        assertMoves(failed);
    }

    /** {@code /migration/precopy/tcp/plain/switchover-ack}. */
    @Test
    void switchoverAck() throws Exception {
        enable("switchover-ack");

        assertMoves("");
    }

    @Test
    void aQemuThatKnowsNothingOfTheConsentIsAwaitedUntilTheGuestIsStopped() throws Exception {
        enable("switchover-ack");
        try (QemuProcess destination = destination(Set.of("return-path"))) {
            long start = System.nanoTime();
            migrate(listen(destination));
            awaitTold("setup P:1 active (P:\\d+ ){10,}");
            long millis = (System.nanoTime() - start) / 1_000_000;
            long rounds = qmp.execute("query-migrate")
                    .path("ram")
                    .path("dirty-sync-count")
                    .asLong();
            assertTrue(rounds <= 4 + millis / 100, "%d rounds in %d ms".formatted(rounds, millis));

            qmp.execute("stop");

            awaitTold("setup P:1 active (P:\\d+ )*STOP (P:\\d+ )*device P:\\d+ completed ");
            destination.awaitMigrated();
            assertSameRam(destination);
        }
    }

    /** Migrates to a new QEMU, which gets all of it, and whose guest goes on. */
    private void assertMoves(String before) throws Exception {
        set("max-bandwidth", 0);
        Set<String> same = new TreeSet<>();
        boolean pauses = false;
        for (JsonNode capability : qmp.execute("query-migrate-capabilities")) {
            String name = capability.path("capability").asString();
            if (capability.path("state").asBoolean()) {
                pauses |= name.equals("pause-before-switchover");
                if (List.of("multifd", "return-path", "switchover-ack").contains(name)) {
                    same.add(name);
                }
            }
        }
        if (same.contains("switchover-ack")) {
            same.remove("return-path"); // set first, below
        }
        try (QemuProcess destination = destination(same)) {
            migrate(listen(destination));
            if (pauses) {
                awaitTold(before + "setup P:1 active (P:\\d+ )*STOP pre-switchover ");
                proceed();
            }
            awaitTold(before + WHOLE);

            destination.awaitMigrated();
            assertSameRam(destination);
            destination.cont();
            destination.awaitDirtying();
        }
    }

    private void assertSameRam(QemuProcess destination) throws Exception {
        try (Arena arena = Arena.ofConfined();
                FileChannel file = FileChannel.open(destination.ram())) {
            MemorySegment theirs = file.map(FileChannel.MapMode.READ_ONLY, 0, file.size(), arena);
            assertEquals(-1, guest.ram().segment().mismatch(theirs), "first byte that differs");
        }
    }

    private QemuProcess destination(Set<String> capabilities) throws Exception {
        QemuProcess destination =
                QemuProcess.incomingPaused(QemuVersion.V10_0, kind, folder.resolve("destination" + destinations++));
        if (capabilities.contains("switchover-ack")) {
            destination.enable(Set.of("return-path"));
        }
        destination.enable(capabilities);
        return destination;
    }

    private String listen(QemuProcess destination) throws Exception {
        return destination.listen("unix:" + folder.resolve("in" + destinations));
    }

    private void migrate(String uri) throws Exception {
        qmp.execute("migrate", Json.object().put("uri", uri));
    }

    private void cancel() throws Exception {
        qmp.execute("migrate_cancel");
    }

    private void proceed() throws Exception {
        qmp.execute("migrate-continue", Json.object().put("state", "pre-switchover"));
    }

    private void set(String parameter, long value) throws Exception {
        qmp.execute("migrate-set-parameters", Json.object().put(parameter, value));
    }

    private void enable(String... names) throws Exception {
        turn(true, names);
    }

    private void disable(String... names) throws Exception {
        turn(false, names);
    }

    private void turn(boolean on, String... names) throws Exception {
        ObjectNode arguments = Json.object();
        ArrayNode list = arguments.putArray("capabilities");
        for (String name : names) {
            list.addObject().put("capability", name).put("state", on);
        }
        qmp.execute("migrate-set-capabilities", arguments);
    }

    private String status() throws Exception {
        return qmp.execute("query-migrate").path("status").asString();
    }

    private String runState() throws Exception {
        return qmp.execute("query-status").path("status").asString();
    }

    /** Waits until the events so far are as {@code expected}: MIGRATION by its status, MIGRATION_PASS as P:n, others by name. */
    private void awaitTold(String expected) throws Exception {
        try {
            Await.until("events " + expected, LIMIT, () -> told().matches(expected));
        } catch (AssertionError e) {
            throw new AssertionError(e.getMessage() + ", but " + told + ", " + qmp.execute("query-migrate"), e);
        }
    }

    private String told() {
        for (JsonNode event : qmp.takeEvents()) {
            String name = event.get("event").stringValue();
            told.append(
                            switch (name) {
                                case "MIGRATION" ->
                                    event.get("data").get("status").stringValue();
                                case "MIGRATION_PASS" ->
                                    "P:" + event.get("data").get("pass").asInt();
                                default -> name;
                            })
                    .append(' ');
        }
        return told.toString();
    }
}
