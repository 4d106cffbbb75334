package org.transhume.control.process;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.transhume.control.qmp.QmpError;
import org.transhume.control.settings.Profile;
import tools.jackson.databind.JsonNode;

/** What both ends tell of a migration, in the order in which QEMU tells it (spec: control.md §5.5; the rows are its numbers). */
@Timeout(60)
class EventSequencesTest {
    private static final long RAM = 8 << 20;
    private static final int RATE = 2000;
    /** Of a guest that ran: passes as many as it takes, and the last behind {@code device}. */
    private static final String LEFT = "setup P:1 active (P:\\d+ )*STOP device P:\\d+ completed ";

    private static final String ARRIVED = "setup active RESUME completed ";
    private static final String ARRIVED_PAUSED = "setup active completed ";
    private static final String NOT_ARRIVED = "setup (active )?failed ";

    @TempDir
    Path folder;

    private int listeners;

    /** Row 1. */
    @Test
    void aGuestThatNeverRan() throws Exception {
        try (DrivenGuest source = DrivenGuest.leaving(folder.resolve("src"), Profile.V10_0, null, RAM);
                DrivenGuest destination = arriving("dst")) {
            source.enable("events");

            source.migrate(listen(destination));

            source.awaitTold("setup P:1 active (P:\\d+ )*device P:\\d+ completed ");
            destination.awaitTold(ARRIVED_PAUSED);
        }
    }

    /** Rows 2 to 4, and 7 for a destination that was told to stop. */
    @ParameterizedTest
    @CsvSource({"events", "return-path", "multifd", "'return-path switchover-ack'"})
    void aRunningGuest(String capabilities) throws Exception {
        try (DrivenGuest source = writing("src");
                DrivenGuest destination = arriving("dst")) {
            source.enable(capabilities.split(" ", -1));
            destination.enable(capabilities.split(" ", -1));

            source.migrate(listen(destination));

            source.awaitTold(LEFT);
            destination.awaitTold(ARRIVED);
        }
    }

    /** Row 5. */
    @Test
    void aGuestThatWasStoppedBefore() throws Exception {
        try (DrivenGuest source = writing("src");
                DrivenGuest destination = arriving("dst")) {
            source.qmp.execute("stop");

            source.migrate(listen(destination));

            source.awaitTold("STOP setup P:1 active (P:\\d+ )*device P:\\d+ completed ");
            destination.awaitTold(ARRIVED_PAUSED);
        }
    }

    /** Row 6. */
    @Test
    void aGuestThatIsStoppedMeanwhile() throws Exception {
        try (DrivenGuest source = writing("src");
                DrivenGuest destination = arriving("dst")) {
            source.set("{'downtime-limit': 0, 'max-bandwidth': 4194304}");
            source.migrate(listen(destination));
            source.awaitTold("setup P:1 active (P:\\d+ )*"); // the status says it before the event does

            source.qmp.execute("stop");
            source.set("{'max-bandwidth': 0}");

            source.awaitTold("setup P:1 active (P:\\d+ )*STOP (P:\\d+ )*device P:\\d+ completed ");
            destination.awaitTold(ARRIVED_PAUSED);
            assertEquals("paused", destination.runState());
        }
    }

    /** Row 7. */
    @Test
    void aDestinationThatWasToldToStop() throws Exception {
        try (DrivenGuest source = writing("src");
                DrivenGuest destination = arriving("dst")) {
            destination.qmp.execute("stop");

            source.migrate(listen(destination));

            source.awaitTold(LEFT);
            destination.awaitTold(ARRIVED_PAUSED);
            assertEquals("paused", destination.runState());
        }
    }

    /** Row 8. */
    @ParameterizedTest
    @ValueSource(strings = {"pause-before-switchover", "pause-before-switchover return-path multifd"})
    void aPauseBeforeTheSwitchover(String capabilities) throws Exception {
        try (DrivenGuest source = writing("src");
                DrivenGuest destination = arriving("dst")) {
            source.enable(capabilities.split(" ", -1));
            destination.enable(capabilities.split(" ", -1));
            source.migrate(listen(destination));
            source.awaitTold("setup P:1 active (P:\\d+ )*STOP pre-switchover ");
            JsonNode paused = source.info();
            assertEquals("finish-migrate", source.runState());
            assertTrue(
                    paused.has("ram") && paused.has("expected-downtime") && paused.has("setup-time"), paused::toString);
            assertTrue(!paused.has("downtime") && !paused.has("error-desc"), paused::toString);
            assertEquals(
                    "Migration is not finalized yet",
                    assertThrows(QmpError.class, source::cont).getMessage());

            source.execute("migrate-continue", "{'state': 'pre-switchover'}");

            source.awaitTold("setup P:1 active (P:\\d+ )*STOP pre-switchover device P:\\d+ completed ");
            destination.awaitTold(ARRIVED);
        }
    }

    @Test
    void aContinueThatIsNotMeantForThePauseDoesNothing() throws Exception {
        try (DrivenGuest source = writing("src");
                DrivenGuest destination = arriving("dst")) {
            source.enable("pause-before-switchover");
            assertEquals("Migration not in expected state: none", refusedContinue(source, "pre-switchover"));
            assertEquals("Parameter 'state' does not accept value 'bogus'", refusedContinue(source, "bogus"));
            source.execute("migrate-continue", "{'state': 'none'}");
            source.set("{'downtime-limit': 0, 'max-bandwidth': 4194304}");
            source.migrate(listen(destination));
            source.awaitStatus("active");
            source.execute("migrate-continue", "{'state': 'active'}");
            assertEquals("Migration not in expected state: active", refusedContinue(source, "pre-switchover"));
            source.set("{'downtime-limit': 2000, 'max-bandwidth': 0}");

            source.awaitStatus("pre-switchover");

            assertEquals("Migration not in expected state: pre-switchover", refusedContinue(source, "device"));
            assertEquals("pre-switchover", source.status());
            source.execute("migrate-continue", "{'state': 'pre-switchover'}");
            source.awaitTold("setup P:1 active (P:\\d+ )*STOP pre-switchover device P:\\d+ completed ");
            source.execute("migrate-continue", "{'state': 'completed'}");
        }
    }

    private static String refusedContinue(DrivenGuest source, String state) {
        return assertThrows(
                        QmpError.class, () -> source.execute("migrate-continue", "{'state': '%s'}".formatted(state)))
                .getMessage();
    }

    /** Row 9. */
    @Test
    void aCancelWhileActive() throws Exception {
        try (DrivenGuest source = writing("src");
                DrivenGuest destination = arriving("dst")) {
            source.set("{'downtime-limit': 0}");
            source.migrate(listen(destination));
            source.awaitStatus("active");

            source.qmp.execute("migrate_cancel");

            source.awaitTold("setup P:1 active (P:\\d+ )*cancelling cancelled ");
            destination.awaitTold(NOT_ARRIVED);
        }
    }

    /** Row 10. */
    @Test
    void aCancelInThePause() throws Exception {
        try (DrivenGuest source = writing("src");
                DrivenGuest destination = arriving("dst")) {
            source.enable("pause-before-switchover");
            source.migrate(listen(destination));
            source.awaitStatus("pre-switchover");

            source.qmp.execute("migrate_cancel");

            source.awaitTold("setup P:1 active (P:\\d+ )*STOP pre-switchover cancelling RESUME cancelled ");
            destination.awaitTold(NOT_ARRIVED);
            assertEquals("running", source.runState());
        }
    }

    /** Row 11. */
    @Test
    void aCancelWhileConnecting() throws Exception {
        Path full = folder.resolve("full");
        List<SocketChannel> waiting = new ArrayList<>();
        try (ServerSocketChannel listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
                DrivenGuest source = writing("src")) {
            source.enable("events");
            listener.bind(UnixDomainSocketAddress.of(full), 1);
            fill(full, waiting);
            source.migrate("unix:" + full);
            assertEquals("setup", source.status());

            source.qmp.execute("migrate_cancel");

            source.awaitTold("setup cancelling cancelled ");
        } finally {
            for (SocketChannel channel : waiting) {
                channel.close();
            }
        }
    }

    /** Connects until nobody else can without waiting. */
    private static void fill(Path listening, List<SocketChannel> waiting) throws IOException {
        boolean connected = true;
        while (connected) {
            SocketChannel next = SocketChannel.open(StandardProtocolFamily.UNIX);
            waiting.add(next);
            next.configureBlocking(false);
            try {
                connected = next.connect(UnixDomainSocketAddress.of(listening));
            } catch (IOException full) {
                connected = false;
            }
        }
    }

    /** Row 12. */
    @Test
    void aCallThatNobodyTookAndThenOneThatSomebodyDid() throws Exception {
        try (DrivenGuest source = DrivenGuest.leaving(folder.resolve("src"), Profile.V10_0, null, RAM);
                DrivenGuest destination = arriving("dst")) {
            source.enable("events");
            source.migrate("unix:" + folder.resolve("nobody"));
            source.awaitTold("setup failed ");

            source.migrate(listen(destination));

            source.awaitTold("setup failed setup P:1 active (P:\\d+ )*device P:\\d+ completed ");
            destination.awaitTold(ARRIVED_PAUSED);
        }
    }

    /** Row 14. */
    @ParameterizedTest
    @ValueSource(strings = {"events", "return-path", "multifd return-path"})
    void aDestinationThatDiesInThePause(String capabilities) throws Exception {
        try (DrivenGuest source = writing("src")) {
            source.enable("pause-before-switchover");
            source.enable(capabilities.split(" ", -1));
            try (DrivenGuest destination = arriving("dst")) {
                destination.enable(capabilities.split(" ", -1));
                source.migrate(listen(destination));
                source.awaitStatus("pre-switchover");
            }
            assertEquals("pre-switchover", source.status());

            source.execute("migrate-continue", "{'state': 'pre-switchover'}");

            source.awaitTold("setup P:1 active (P:\\d+ )*STOP pre-switchover device P:\\d+ failed RESUME ");
            assertEquals("running", source.runState());
        }
    }

    /** Row 15, of a process that is to stay. */
    @Test
    void aSourceThatDies() throws Exception {
        try (DrivenGuest destination = arriving("dst")) {
            try (DrivenGuest source = writing("src")) {
                source.set("{'downtime-limit': 0}");
                source.migrate(listen(destination));
                destination.awaitTold("setup active ");
            }

            destination.awaitTold("setup active failed ");

            assertEquals("inmigrate", destination.runState());
        }
    }

    /** Rows 16 and 17. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aDestinationThatRejectsTheGuestAtTheEnd(boolean returnPath) throws Exception {
        try (DrivenGuest source = writing("src");
                DrivenGuest destination = DrivenGuest.refusing(folder.resolve("dst"), RAM)) {
            source.enable(returnPath ? "return-path" : "events");
            destination.enable("events");

            source.migrate(listen(destination));

            source.awaitTold(returnPath ? LEFT.replace("completed", "failed RESUME") : LEFT);
            destination.awaitTold("setup active failed ");
            assertEquals(returnPath ? "running" : "postmigrate", source.runState());
        }
    }

    /** Row 28. */
    @Test
    void aSecondMigrationCountsItsPassesFromOne() throws Exception {
        try (DrivenGuest source = writing("src");
                DrivenGuest first = arriving("first");
                DrivenGuest second = arriving("second")) {
            source.set("{'downtime-limit': 0}");
            source.migrate(listen(first));
            source.awaitStatus("active");
            source.qmp.execute("migrate_cancel");
            source.awaitStatus("cancelled");
            source.set("{'downtime-limit': 2000}");

            source.migrate(listen(second));

            source.awaitTold("setup P:1 active (P:\\d+ )*cancelling cancelled " + LEFT);
            second.awaitTold(ARRIVED);
        }
    }

    /** Row 29. */
    @Test
    void aProcessThatIsToldToQuitMeanwhile() throws Exception {
        try (DrivenGuest source = writing("src");
                DrivenGuest destination = arriving("dst")) {
            source.set("{'downtime-limit': 0}");
            source.migrate(listen(destination));
            source.awaitStatus("active");

            source.qmp.execute("quit");
            source.process.quit().join();
            source.process.close(); // as the command does

            source.awaitTold("setup P:1 active (P:\\d+ )*SHUTDOWN (P:\\d+ )*cancelling cancelled ");
        }
    }

    /** Row 30. */
    @Test
    void channelsOfWhichTheDestinationKnowsNothing() throws Exception {
        try (DrivenGuest source = writing("src");
                DrivenGuest destination = arriving("dst")) {
            source.enable("multifd");

            source.migrate(listen(destination));

            // Without a return path it may have begun before it hears of the refusal.
            source.awaitTold("setup (P:1 )?(active )?failed (P:1 )?");
            destination.awaitTold(NOT_ARRIVED);
            assertEquals("running", source.runState());
        }
    }

    private DrivenGuest writing(String name) throws Exception {
        DrivenGuest guest = DrivenGuest.writing(folder.resolve(name), RAM, RATE);
        guest.enable("events");
        return guest;
    }

    private DrivenGuest arriving(String name) throws Exception {
        DrivenGuest guest = DrivenGuest.arriving(folder.resolve(name), Profile.V10_0, null, RAM);
        guest.enable("events");
        return guest;
    }

    private String listen(DrivenGuest destination) throws Exception {
        return destination.listen(folder.resolve("in" + listeners++));
    }
}
