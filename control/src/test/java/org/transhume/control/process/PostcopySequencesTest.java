package org.transhume.control.process;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.transhume.control.settings.Profile;
import org.transhume.engine.guest.SyntheticGuest;
import org.transhume.engine.stalls.StallFigures;
import tools.jackson.databind.JsonNode;

/**
 * What both ends tell and answer of a migration whose guest moves before its pages, in the order of QEMU's (spec: control.md §5.5;
 * the rows are its numbers). What QEMU 10.0.2 answers in these states was asked of a pair of them.
 */
@Timeout(60)
class PostcopySequencesTest {
    private static final long RAM = 8 << 20;
    private static final int RATE = 2000;
    private static final String BEGAN = "setup P:1 active (P:\\d+ )*";
    private static final String MOVED = BEGAN + "STOP device P:\\d+ postcopy-active ";
    private static final String ARRIVED = "setup active postcopy-active RESUME ";
    private static final String UNRECOVERABLE =
            "GenericError: Migrate recover can only be run when postcopy is paused.";
    private static final String UNPAUSABLE =
            "GenericError: migrate-pause is currently only supported during postcopy-active or postcopy-recover state";
    private static final String UNRESUMABLE = "GenericError: Cannot resume if there is no paused migration";
    private static final String BUSY = "GenericError: There's a migration process in progress";
    private static final String BY_USER = "Postcopy migration is paused by the user";

    @TempDir
    Path folder;

    private int listeners;

    /** Row 18. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "events",
                "postcopy-preempt",
                "postcopy-blocktime x-report",
                "xbzrle",
                "x-handover",
                "multifd x-multifd-postcopy"
            })
    void aGuestThatMovesBeforeItsPages(String capabilities) throws Exception {
        try (DrivenGuest source = writing("src");
                DrivenGuest destination = arriving("dst")) {
            for (DrivenGuest guest : new DrivenGuest[] {source, destination}) {
                guest.enableTogether("postcopy-ram return-path " + capabilities);
            }
            source.set("{'downtime-limit': 0}");

            start(source, destination);

            source.awaitTold(MOVED + "completed ");
            destination.awaitTold(ARRIVED + "completed ");
            assertSameRam(source, destination);
            assertEquals("postmigrate", source.runState());
            assertEquals("running", destination.runState());
            JsonNode left = source.info();
            assertTrue(left.get("downtime").asLong() < left.get("total-time").asLong(), left::toString);
            assertTrue(left.get("ram").get("postcopy-bytes").asLong() > 0, left::toString);
            assertEquals(0, left.get("ram").get("remaining").asLong());
            JsonNode arrived = destination.info();
            boolean measured = capabilities.contains("blocktime");
            assertEquals(measured, arrived.has("postcopy-blocktime"), arrived::toString);
            assertEquals(measured, arrived.has("postcopy-vcpu-blocktime"), arrived::toString);
            assertEquals(
                    measured ? StallFigures.BUCKETS : 0,
                    arrived.path("x-transhume").path("postcopy-latency-dist").size(),
                    arrived::toString);
            assertFalse(arrived.has("postcopy-latency"), "a member of QEMU 10.1, not of 10.0");
            assertEquals("{}", source.answer("migrate-start-postcopy", "{}"));
            source.assertAnswers("migrate-pause | {} | " + UNPAUSABLE);
        }
    }

    /** Row 19. */
    @Test
    void aGuestThatMightHaveMovedSo() throws Exception {
        try (DrivenGuest source = writing("src");
                DrivenGuest destination = arriving("dst")) {
            source.enable("postcopy-ram");
            destination.enable("postcopy-ram");

            source.migrate(listen(destination));

            source.awaitTold(BEGAN + "STOP device P:\\d+ completed ");
            destination.awaitTold("setup active RESUME completed ");
            assertEquals(0, source.info().get("ram").get("postcopy-bytes").asLong());
        }
    }

    /** Row 20. */
    @Test
    void aPauseBeforeTheGuestMoves() throws Exception {
        try (DrivenGuest source = writing("src");
                DrivenGuest destination = arriving("dst")) {
            source.enable("postcopy-ram", "pause-before-switchover");
            destination.enable("postcopy-ram");
            source.set("{'downtime-limit': 0}");
            start(source, destination);
            source.awaitTold(BEGAN + "STOP pre-switchover ");

            source.execute("migrate-continue", "{'state': 'pre-switchover'}");

            source.awaitTold(BEGAN + "STOP pre-switchover device P:\\d+ postcopy-active completed ");
            destination.awaitTold(ARRIVED + "completed ");
        }
    }

    /** Row 21. */
    @Test
    void aCancelInThatPause() throws Exception {
        try (DrivenGuest source = writing("src");
                DrivenGuest destination = arriving("dst")) {
            source.enable("postcopy-ram", "pause-before-switchover");
            destination.enable("postcopy-ram");
            source.set("{'downtime-limit': 0}");
            start(source, destination);
            source.awaitTold(BEGAN + "STOP pre-switchover ");

            source.qmp.execute("migrate_cancel");

            source.awaitTold(BEGAN + "STOP pre-switchover cancelling RESUME cancelled ");
            destination.awaitTold("setup active failed ");
            assertEquals("running", source.runState());
        }
    }

    /** Row 22, from both sides in turn, and what each answers meanwhile. */
    @ParameterizedTest
    @ValueSource(strings = {"events", "postcopy-preempt"})
    void pausesAndRecoveries(String capability) throws Exception {
        try (DrivenGuest source = writing("src");
                DrivenGuest destination = arriving("dst")) {
            source.enable("postcopy-ram", capability);
            destination.enable("postcopy-ram", capability);
            slowly(source);
            start(source, destination);
            source.awaitTold(MOVED);
            destination.awaitTold(ARRIVED);
            assertMovedAnswers(source, destination);

            assertEquals("{}", source.answerOutOfBand("migrate-pause", "{}"));

            source.awaitTold(MOVED + "postcopy-paused ");
            destination.awaitTold(ARRIVED + "postcopy-paused ");
            assertPausedAnswers(source, destination);
            recover(source, destination, folder.resolve("again"));
            String again = "postcopy-paused postcopy-recover-setup postcopy-recover postcopy-active ";
            String thereAgain = "postcopy-paused postcopy-recover postcopy-active ";
            source.awaitTold(MOVED + again);
            destination.awaitTold(ARRIVED + thereAgain);
            assertFalse(source.info().has("error-desc"));

            assertEquals("{}", destination.answerOutOfBand("migrate-pause", "{}"));

            destination.awaitTold(ARRIVED + thereAgain + "postcopy-paused ");
            source.awaitTold(MOVED + again + "postcopy-paused ");
            recover(source, destination, folder.resolve("again"));
            source.set("{'max-postcopy-bandwidth': 0}");
            source.awaitTold(MOVED + again + again + "completed ");
            destination.awaitTold(ARRIVED + thereAgain + thereAgain + "completed ");
            assertSameRam(source, destination);
            assertEquals("postmigrate", source.runState());
        }
    }

    private static void assertMovedAnswers(DrivenGuest source, DrivenGuest destination) throws Exception {
        source.assertAnswers(
                "query-status | {} | {'running':false,'status':'finish-migrate'}",
                "cont | {} | GenericError: Migration is not finalized yet",
                "stop | {} | {}",
                "migrate_cancel | {} | GenericError: Postcopy migration in progress, cannot cancel.",
                "migrate | {'uri': 'unix:/x'} | " + BUSY,
                "migrate | {'uri': 'unix:/x', 'resume': true} | " + UNRESUMABLE,
                "migrate-continue | {'state': 'postcopy-active'} | {}",
                "migrate-start-postcopy | {} | {}",
                "migrate-recover | {'uri': 'unix:/y'} | " + UNRECOVERABLE,
                "query-yank | {} | [{'type':'migration'}]",
                "migrate-incoming | {'uri': 'unix:/z'} | GenericError: '-incoming' was not specified on the command line",
                "migrate-set-capabilities | {'capabilities': []} | " + BUSY);
        destination.assertAnswers(
                "query-status | {} | {'running':true,'status':'running'}",
                "migrate_cancel | {} | {}",
                "migrate | {'uri': 'unix:/x'} | " + BUSY,
                "migrate | {'uri': 'unix:/x', 'resume': true} | " + UNRESUMABLE,
                "migrate-start-postcopy | {} | GenericError: Postcopy must be started after migration has been started",
                "migrate-continue | {'state': 'postcopy-active'} | GenericError: Migration not in expected state: none",
                "migrate-recover | {'uri': 'unix:/y'} | " + UNRECOVERABLE,
                "query-yank | {} | [{'type':'migration'}]",
                "migrate-incoming | {'uri': 'unix:/z'} | GenericError: The incoming migration has already been started",
                "migrate-set-capabilities | {'capabilities': []} | {}",
                "x-plan | {} | GenericError: pages of the guest are still missing here: plan when its migration has"
                        + " completed");
        JsonNode here = source.info();
        assertTrue(here.has("downtime") && !here.has("expected-downtime") && !here.has("error-desc"), here::toString);
        JsonNode there = destination.info();
        assertEquals("postcopy-active", there.get("status").asString());
        assertEquals("unix", there.get("socket-address").get(0).get("type").asString());
        assertFalse(there.has("postcopy-blocktime"), there::toString);
    }

    private void assertPausedAnswers(DrivenGuest source, DrivenGuest destination) throws Exception {
        source.assertAnswers(
                "query-status | {} | {'running':false,'status':'finish-migrate'}",
                "cont | {} | GenericError: Migration is not finalized yet",
                "migrate_cancel | {} | GenericError: Postcopy migration in progress, cannot cancel.",
                "migrate-pause | {} | " + UNPAUSABLE,
                "migrate-start-postcopy | {} | {}",
                "migrate-continue | {'state': 'postcopy-paused'} | {}",
                "migrate-recover | {'uri': 'unix:/y'} | " + UNRECOVERABLE,
                "migrate-recover | {'uri': 'bad:/y'} | " + UNRECOVERABLE,
                "migrate-recover | {} | GenericError: Parameter 'uri' is missing",
                "migrate | {'uri': 'unix:/x'} | " + BUSY,
                "migrate | {'resume': true} | GenericError: need either 'uri' or 'channels' argument",
                "migrate | {'resume': true, 'uri': 'foo:1'} | GenericError: unknown migration protocol: foo:1",
                "migrate-set-capabilities | {'capabilities': []} | " + BUSY);
        assertEquals(BY_USER, source.info().get("error-desc").asString());
        assertTrue(source.info().has("downtime"));
        destination.assertAnswers(
                "migrate_cancel | {} | {}",
                "migrate-pause | {} | " + UNPAUSABLE,
                "migrate-recover | {'uri': 'bad:/y'} | GenericError: unknown migration protocol: bad:/y",
                "migrate-recover | {'uri': 'unix:/nonexistent/y'} | GenericError: Failed to bind socket to"
                        + " /nonexistent/y: No such file or directory",
                "query-migrate | {} | {'status':'postcopy-paused'}",
                "migrate-recover | {'uri': 'tcp:127.0.0.1:0'} | {}");
        JsonNode address = destination.info().get("socket-address").get(0);
        assertEquals("inet", address.get("type").asString());
        assertTrue(Integer.parseInt(address.get("port").asString()) > 0, address::toString);
    }

    /** What a QEMU gave back at once cannot be sent again; a Transhume waits until it is known to have arrived. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aRecoveryAfterPagesWereGivenBack(boolean handover) throws Exception {
        try (DrivenGuest source = DrivenGuest.leaving(folder.resolve("src"), Profile.V10_0, null, RAM);
                DrivenGuest destination = arriving("dst")) {
            String both = "events postcopy-ram return-path" + (handover ? " x-handover" : "");
            source.enableTogether(both + " release-ram");
            destination.enableTogether(both);
            byte[] before = ram(source.guest).toArray(ValueLayout.JAVA_BYTE);
            source.cont();
            source.qmp.takeEvents();
            slowly(source);
            start(source, destination);
            source.awaitTold(MOVED);
            destination.awaitTold(ARRIVED);
            source.qmp.execute("migrate-pause");
            source.awaitTold(MOVED + "postcopy-paused ");
            destination.awaitTold(ARRIVED + "postcopy-paused ");
            String somewhere = folder.resolve("again").toString();
            assertEquals("{}", destination.answer("migrate-recover", "{'uri': 'unix:%s'}".formatted(somewhere)));

            String resumed = source.answer("migrate", "{'uri': 'unix:%s', 'resume': true}".formatted(somewhere));

            if (handover) {
                assertEquals("{}", resumed);
                source.set("{'max-postcopy-bandwidth': 0}");
                destination.awaitTold(ARRIVED + "postcopy-paused postcopy-recover postcopy-active completed ");
                assertArrayEquals(before, ram(destination.guest).toArray(ValueLayout.JAVA_BYTE));
            } else {
                assertEquals("GenericError: Postcopy recovery cannot work when release-ram capability is set", resumed);
                assertEquals("postcopy-paused", source.status());
            }
        }
    }

    /** Row 23. */
    @Test
    void aRecoveryWhereNobodyIsAndThenOneWhereSomebodyIs() throws Exception {
        try (DrivenGuest source = writing("src");
                DrivenGuest destination = arriving("dst")) {
            source.enable("postcopy-ram");
            destination.enable("postcopy-ram");
            slowly(source);
            start(source, destination);
            source.awaitTold(MOVED);
            destination.awaitTold(ARRIVED);
            source.qmp.execute("migrate-pause");
            source.awaitTold(MOVED + "postcopy-paused ");
            destination.awaitTold(ARRIVED + "postcopy-paused ");

            String nobody = folder.resolve("nobody").toString();
            assertEquals("{}", source.answer("migrate", "{'uri': 'unix:%s', 'resume': true}".formatted(nobody)));
            source.awaitTold(MOVED + "postcopy-paused postcopy-recover-setup postcopy-paused ");
            assertEquals(
                    "Failed to connect to '%s': No such file or directory".formatted(nobody),
                    source.info().get("error-desc").asString());
            source.set("{'max-postcopy-bandwidth': 0}");
            recover(source, destination, folder.resolve("somebody"));

            source.awaitTold(MOVED + "postcopy-paused postcopy-recover-setup postcopy-paused"
                    + " postcopy-recover-setup postcopy-recover postcopy-active completed ");
            destination.awaitTold(ARRIVED + "postcopy-paused postcopy-recover postcopy-active completed ");
            assertSameRam(source, destination);
        }
    }

    /** Row 24. */
    @Test
    void aDestinationThatDies() throws Exception {
        try (DrivenGuest source = writing("src")) {
            try (DrivenGuest destination = arriving("dst")) {
                source.enable("postcopy-ram");
                destination.enable("postcopy-ram");
                slowly(source);
                start(source, destination);
                source.awaitTold(MOVED);
                destination.awaitTold(ARRIVED);
            }

            source.awaitTold(MOVED + "postcopy-paused ");

            assertEquals("finish-migrate", source.runState());
        }
    }

    /** Row 24. */
    @Test
    void aSourceThatDies() throws Exception {
        try (DrivenGuest destination = arriving("dst")) {
            try (DrivenGuest source = writing("src")) {
                source.enable("postcopy-ram");
                destination.enable("postcopy-ram");
                slowly(source);
                start(source, destination);
                source.awaitTold(MOVED);
                destination.awaitTold(ARRIVED);
            }

            destination.awaitTold(ARRIVED + "postcopy-paused ");

            assertEquals("running", destination.runState());
            assertTrue(destination.process.control().exitOnError(), "a failure now ends the process");
            destination.qmp.execute("quit");
            destination.process.quit().join();
            destination.process.close(); // as the command does
            destination.awaitTold(ARRIVED + "postcopy-paused SHUTDOWN STOP failed ");
        }
    }

    /** Row 33. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void theOrderOfTheOldProfile(boolean postcopy) throws Exception {
        try (DrivenGuest source = DrivenGuest.leaving(folder.resolve("src"), Profile.V3_1, null, RAM);
                DrivenGuest destination = DrivenGuest.arriving(folder.resolve("dst"), Profile.V3_1, null, RAM)) {
            source.cont();
            source.qmp.takeEvents();
            source.enable("events", "postcopy-ram");
            destination.enable("events", "postcopy-ram");
            if (postcopy) {
                slowly(source);
                start(source, destination);
                source.awaitTold(BEGAN + "postcopy-active STOP P:\\d+ ");
                destination.awaitTold(ARRIVED);
                source.assertAnswers("migrate-continue | {'state': 'postcopy-active'} | {}");
                source.qmp.execute("migrate-pause");
                source.awaitTold(BEGAN + "postcopy-active STOP P:\\d+ postcopy-paused ");
                destination.awaitTold(ARRIVED + "postcopy-paused ");
                source.assertAnswers(
                        "migrate-pause | {} | GenericError: migrate-pause is currently only supported during"
                                + " postcopy-active state",
                        "migrate | {'resume': true, 'uri': 'foo:1'} | GenericError: Parameter 'uri' expects a valid"
                                + " migration protocol");
                source.set("{'max-postcopy-bandwidth': 0}");
                recover(source, destination, folder.resolve("again"));
                source.awaitTold(BEGAN + "postcopy-active STOP P:\\d+ postcopy-paused postcopy-recover"
                        + " postcopy-active completed ");
                assertSameRam(source, destination);
            } else {
                source.migrate(listen(destination));
                source.awaitTold(BEGAN + "STOP P:\\d+ completed ");
                destination.awaitTold("setup active RESUME completed ");
            }
        }
    }

    /** Pages of the source's guest follow it as soon as that can be. */
    private void start(DrivenGuest source, DrivenGuest destination) throws Exception {
        source.migrate(listen(destination));
        source.qmp.execute("migrate-start-postcopy");
    }

    /** So that it moves with most of its pages behind it, and they take their time. */
    private static void slowly(DrivenGuest source) throws Exception {
        source.set("{'downtime-limit': 0, 'max-bandwidth': 1048576, 'max-postcopy-bandwidth': 262144}");
    }

    private static void recover(DrivenGuest source, DrivenGuest destination, Path socket) throws Exception {
        assertEquals("{}", destination.answerOutOfBand("migrate-recover", "{'uri': 'unix:%s'}".formatted(socket)));
        assertEquals("{}", source.answer("migrate", "{'uri': 'unix:%s', 'resume': true}".formatted(socket)));
    }

    private static void assertSameRam(DrivenGuest source, DrivenGuest destination) {
        assertEquals(-1, ram(source.guest).mismatch(ram(destination.guest)));
    }

    private static MemorySegment ram(SyntheticGuest guest) {
        return guest.memory().blocks().getFirst().segment();
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
