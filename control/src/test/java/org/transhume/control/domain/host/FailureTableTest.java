package org.transhume.control.domain.host;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.transhume.control.domain.BeginReply;
import org.transhume.control.domain.Cookie;
import org.transhume.control.domain.Destination;
import org.transhume.control.domain.DomainDefinition;
import org.transhume.control.domain.DomainId;
import org.transhume.control.domain.DomainState;
import org.transhume.control.domain.HostConnection;
import org.transhume.control.domain.HostId;
import org.transhume.control.domain.JobId;
import org.transhume.control.domain.MigrationResult;
import org.transhume.control.domain.PerformReply;
import org.transhume.control.domain.PrepareReply;
import org.transhume.control.domain.Verdict;
import org.transhume.control.domain.error.DomainException;
import org.transhume.control.domain.error.JobConflictException;
import org.transhume.control.domain.error.MigrationAbortedException;
import org.transhume.control.domain.error.MigrationFailedException;
import org.transhume.control.domain.error.NoSuchDomainException;
import org.transhume.control.domain.error.UnsupportedCapabilityException;
import org.transhume.control.domain.spec.Bandwidth;
import org.transhume.control.domain.spec.MigrationFlag;
import org.transhume.control.domain.spec.MigrationParameter;
import org.transhume.control.domain.spec.MigrationSpec;
import org.transhume.control.guest.RunState;

/** The failure table of the handshake, row by row: who has the guest, what is told, what is left, and that it moves afterwards. */
@Timeout(60)
class FailureTableTest {
    private static final MigrationSpec LIVE = MigrationSpec.builder().live().build();
    private static final MigrationSpec SLOW =
            MigrationSpec.builder().live().bandwidth(new Bandwidth(1)).build();

    @Test
    void beginFails() throws Exception {
        try (TwoHosts hosts = new TwoHosts()) {
            MigrationSpec odd = MigrationSpec.builder()
                    .live()
                    .with(MigrationFlag.COMPRESSED)
                    .set(MigrationParameter.COMPRESSION_XBZRLE_CACHE, 5000L)
                    .build();

            assertThrows(
                    UnsupportedCapabilityException.class,
                    () -> hosts.vm.migrate(Destination.connected(hosts.destination), odd));

            assertTrue(hosts.heardAtSource().isEmpty());
            assertSourceKept(hosts, DomainState.RUNNING_BOOTED);
        }
    }

    @Test
    void prepareFails() throws Exception {
        try (TwoHosts hosts = new TwoHosts()) {
            LocalHost full = new LocalHost(
                    new HostId("full"), new DefinitionsInMemory(), "127.0.0.1", _ -> hosts.source.connect());

            DomainException cause = failure(hosts, Destination.connected(full), LIVE);

            assertInstanceOf(JobConflictException.class, cause);
            hosts.awaitAtSource();
            assertSourceKept(hosts, DomainState.RUNNING_BOOTED);
        }
    }

    @Test
    void theDestinationCannotBeReached() throws Exception {
        try (TwoHosts hosts = new TwoHosts()) {
            Faults unreachable = new Faults(hosts.destination);
            unreachable.lostFrom("connect");

            failure(hosts, Destination.connected(unreachable), LIVE);

            assertSourceKept(hosts, DomainState.RUNNING_BOOTED);
        }
    }

    @Test
    void prepareGivesNoUri() throws Exception {
        try (TwoHosts hosts = new TwoHosts()) {
            HostConnection mute = new Forwarding(hosts.destination.connect()) {
                @Override
                public PrepareReply prepare(JobId job, DomainDefinition definition, MigrationSpec spec, Cookie cookie) {
                    PrepareReply reply = super.prepare(job, definition, spec, cookie);
                    return new PrepareReply(Optional.empty(), reply.cookie(), reply.sentAt());
                }
            };

            DomainException cause = driven(hosts.source.connect(), () -> mute);

            assertTrue(cause.getMessage().contains("gave no URI"), cause::getMessage);
            hosts.awaitAtDestination("Started/MIGRATED", "Stopped/FAILED");
            assertSourceKept(hosts, DomainState.RUNNING_BOOTED);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"accept", "load"})
    void performFailsAtTheDestinationsFault(String what) throws Exception {
        try (TwoHosts hosts = new TwoHosts()) {
            hosts.arriving.fails = what;

            DomainException cause = failure(hosts, Destination.connected(hosts.destination), LIVE);

            MigrationFailedException both = assertInstanceOf(MigrationFailedException.class, cause);
            assertTrue(both.destinationCause().orElse("").contains("failed on purpose"), both::getMessage);
            assertTrue(both.getMessage().startsWith(both.sourceCause().orElseThrow()), both::getMessage);
            assertSourceKept(hosts, DomainState.RUNNING_MIGRATION_CANCELED);
            hosts.arriving.fails = null;
            assertMovesNow(hosts);
        }
    }

    @Test
    void performFailsAtTheSourcesFault() throws Exception {
        try (TwoHosts hosts = new TwoHosts()) {
            hosts.leaving.fails = "saveDevices";

            failure(hosts, Destination.connected(hosts.destination), LIVE);

            hosts.awaitAtSource("Iteration", "Suspended/MIGRATED", "Resumed/MIGRATED");
            hosts.awaitAtDestination("Started/MIGRATED", "Stopped/FAILED");
            assertSourceKept(hosts, DomainState.RUNNING_MIGRATION_CANCELED);
            hosts.leaving.fails = null;
            assertMovesNow(hosts);
        }
    }

    @Test
    void theGuestCannotGoOnAfterAFailure() throws Exception {
        try (TwoHosts hosts = new TwoHosts()) {
            hosts.leaving.fails = "resume";
            hosts.arriving.fails = "load";

            failure(hosts, Destination.connected(hosts.destination), LIVE);

            hosts.awaitAtSource("Iteration", "Suspended/MIGRATED", "Suspended/API_ERROR");
            assertFalse(hosts.leaving.runs());
            assertFalse(hosts.arriving.runs());
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void finishCannotStartTheGuest(boolean live) throws Exception {
        try (TwoHosts hosts = new TwoHosts()) {
            hosts.arriving.fails = "resume";

            DomainException cause = failure(
                    hosts,
                    Destination.connected(hosts.destination),
                    live ? LIVE : MigrationSpec.builder().build());

            assertTrue(cause.getMessage().contains("resume failed on purpose"), cause::getMessage);
            hosts.awaitAtDestination("Started/MIGRATED", "Stopped/FAILED");
            assertSourceKept(hosts, DomainState.RUNNING_MIGRATION_CANCELED);
            hosts.arriving.fails = null;
            assertMovesNow(hosts);
        }
    }

    @Test
    void finishFailsForAGuestThatStoodAtItsSource() throws Exception {
        try (TwoHosts hosts = new TwoHosts()) {
            hosts.leaving.runtime.stop();
            Faults failing = new Faults(hosts.destination);
            failing.refuseOnce("finish");

            failure(hosts, Destination.connected(failing), LIVE);

            assertEquals(DomainState.PAUSED_USER, hosts.vm.state());
            assertEquals(RunState.PAUSED, hosts.leaving.runtime.state());
            hosts.awaitAtSource("Iteration");
        }
    }

    @Test
    void finishCannotStoreTheDefinition() throws Exception {
        try (TwoHosts hosts = new TwoHosts()) {
            DefinitionStore broken = new DefinitionStore() {
                @Override
                public Optional<DomainDefinition> define(DomainDefinition definition) {
                    throw new IllegalStateException("disk full");
                }

                @Override
                public Optional<DomainDefinition> undefine(String name) {
                    return Optional.empty();
                }

                @Override
                public Optional<DomainDefinition> find(String name) {
                    return Optional.empty();
                }
            };
            LocalHost there = new LocalHost(new HostId("there"), broken, "127.0.0.1", _ -> hosts.source.connect());
            there.offer(hosts.arriving.runtime, hosts.arriving.control);

            DomainException cause = failure(hosts, Destination.connected(there), LIVE.with(MigrationFlag.PERSIST_DEST));

            assertEquals("disk full", cause.getMessage());
            assertSourceKept(hosts, DomainState.RUNNING_MIGRATION_CANCELED);
            assertInstanceOf(
                    MigrationResult.Completed.class, hosts.ended(hosts.vm.migrate(Destination.connected(there), LIVE)));
        }
    }

    @Test
    void aStartThatFailsTakesTheStoredDefinitionBack() throws Exception {
        try (TwoHosts hosts = new TwoHosts()) {
            hosts.arriving.fails = "resume";

            failure(hosts, Destination.connected(hosts.destination), LIVE.with(MigrationFlag.PERSIST_DEST));

            assertTrue(hosts.destination.definitions().find("vm").isEmpty());
            hosts.awaitAtDestination("Started/MIGRATED", "Defined/ADDED", "Undefined", "Stopped/FAILED");
        }
    }

    @Test
    void finishIsAskedAgainWhenItsAnswerIsLost() throws Exception {
        for (boolean done : new boolean[] {true, false}) {
            try (TwoHosts hosts = new TwoHosts()) {
                Faults lossy = new Faults(hosts.destination);
                lossy.loseOnce("finish", done);

                MigrationResult end = hosts.ended(hosts.vm.migrate(Destination.connected(lossy), LIVE));

                assertInstanceOf(MigrationResult.Completed.class, end, end::toString);
                assertTrue(hosts.arriving.runs());
                assertFalse(hosts.leaving.runs());
            }
        }
    }

    @Test
    void aConnectionThatIsLostBeforeFinishDestroysTheGuestThereAndResumesItHere() throws Exception {
        try (TwoHosts hosts = new TwoHosts()) {
            Faults lossy = new Faults(hosts.destination);
            lossy.closeOnce("finish");

            failure(hosts, Destination.connected(lossy), LIVE);

            hosts.awaitAtDestination("Started/MIGRATED", "Stopped/FAILED");
            assertSourceKept(hosts, DomainState.RUNNING_MIGRATION_CANCELED);
            assertMovesNow(hosts);
        }
    }

    @Test
    void aDestinationThatNeverAnswersFinishLeavesTheGuestPausedAndSaysSo() throws Exception {
        try (TwoHosts hosts = new TwoHosts()) {
            Faults lost = new Faults(hosts.destination);
            HostConnection here = hosts.source.connect();
            lost.lostFrom("finish");
            BeginReply begun = here.begin("vm", LIVE);

            MigrationCoordinator coordinator = new MigrationCoordinator(here, lost::connect, Duration.ofMillis(20));
            DomainException cause = assertThrows(MigrationFailedException.class, () -> coordinator.run(begun, LIVE));

            assertTrue(cause.getMessage().contains("so it stays paused here"), cause::getMessage);
            assertEquals(DomainState.PAUSED_MIGRATION, hosts.vm.state());
            assertFalse(hosts.leaving.runs());
            assertThrows(
                    IllegalStateException.class,
                    () -> hosts.vm.migrate(Destination.connected(hosts.destination), LIVE));
            hosts.leaving.runtime.cont(); // the operator has looked
            assertEquals(DomainState.RUNNING_UNPAUSED, hosts.vm.state());
        }
    }

    @Test
    void confirmIsLost() throws Exception {
        try (TwoHosts hosts = new TwoHosts()) {
            Faults lossy = new Faults(hosts.source);
            lossy.lostFrom("confirm");
            HostConnection here = lossy.connect();
            BeginReply begun = here.begin("vm", LIVE);

            Optional<DomainId> arrived = new MigrationCoordinator(here, hosts.destination::connect).run(begun, LIVE);

            assertEquals("vm", arrived.orElseThrow().name());
            assertTrue(hosts.arriving.runs());
            assertFalse(hosts.leaving.runs());
            here.close();
            assertEquals(DomainState.PAUSED_MIGRATION, hosts.vm.state());
        }
    }

    @Test
    void theClientDiesAfterBegin() throws Exception {
        try (TwoHosts hosts = new TwoHosts()) {
            HostConnection here = hosts.source.connect();
            BeginReply begun = here.begin("vm", LIVE);

            here.close();

            assertThrows(NoSuchDomainException.class, () -> here.perform(begun.job(), "tcp:h:1", Cookie.EMPTY));
            hosts.awaitAtSource();
            assertSourceKept(hosts, DomainState.RUNNING_BOOTED);
            assertMovesNow(hosts);
        }
    }

    @Test
    void theClientDiesAfterPrepare() throws Exception {
        try (TwoHosts hosts = new TwoHosts()) {
            HostConnection here = hosts.source.connect();
            HostConnection there = hosts.destination.connect();
            BeginReply begun = here.begin("vm", LIVE);
            there.prepare(begun.job(), begun.definition(), LIVE, begun.cookie());

            here.close();
            there.close();

            hosts.awaitAtDestination("Started/MIGRATED", "Stopped/FAILED");
            assertSourceKept(hosts, DomainState.RUNNING_BOOTED);
            assertMovesNow(hosts);
        }
    }

    @Test
    void theClientDiesDuringPerform() throws Exception {
        try (TwoHosts hosts = new TwoHosts("uniform:rate=100000,ws=1M")) {
            HostConnection here = hosts.source.connect();
            HostConnection there = hosts.destination.connect();
            BeginReply begun = here.begin("vm", SLOW);
            PrepareReply prepared = there.prepare(begun.job(), begun.definition(), SLOW, begun.cookie());
            CompletableFuture<PerformReply> performed = CompletableFuture.supplyAsync(
                    () -> here.perform(begun.job(), prepared.uri().orElseThrow(), prepared.cookie()),
                    run -> Thread.ofVirtual().start(run));
            TwoHosts.await(
                    () -> "figures",
                    () -> here.jobStats("vm")
                            .filter(stats -> stats.memory().processed() > 65536)
                            .isPresent());

            here.close();
            there.close();

            Throwable cause = assertThrows(java.util.concurrent.ExecutionException.class, performed::get)
                    .getCause();
            assertInstanceOf(MigrationAbortedException.class, cause, cause::toString);
            hosts.awaitAtDestination("Started/MIGRATED", "Stopped/FAILED");
            assertSourceKept(hosts, DomainState.RUNNING_MIGRATION_CANCELED);
            assertMovesNow(hosts);
        }
    }

    @Test
    void theClientDiesAfterPerform() throws Exception {
        try (TwoHosts hosts = new TwoHosts()) {
            HostConnection here = hosts.source.connect();
            HostConnection there = hosts.destination.connect();
            BeginReply begun = here.begin("vm", LIVE);
            PrepareReply prepared = there.prepare(begun.job(), begun.definition(), LIVE, begun.cookie());
            here.perform(begun.job(), prepared.uri().orElseThrow(), prepared.cookie());

            here.close();
            there.close();

            assertEquals(DomainState.PAUSED_MIGRATION, hosts.vm.state());
            assertTrue(hosts.vm.job().isEmpty());
            assertFalse(hosts.leaving.runs());
            assertFalse(hosts.arriving.runs());
            hosts.awaitAtDestination("Started/MIGRATED", "Stopped/FAILED");
            hosts.leaving.runtime.cont();
            assertMovesNow(hosts);
        }
    }

    @Test
    void theClientDiesAfterFinish() throws Exception {
        try (TwoHosts hosts = new TwoHosts()) {
            HostConnection here = hosts.source.connect();
            HostConnection there = hosts.destination.connect();
            BeginReply begun = here.begin("vm", LIVE);
            PrepareReply prepared = there.prepare(begun.job(), begun.definition(), LIVE, begun.cookie());
            PerformReply performed = here.perform(begun.job(), prepared.uri().orElseThrow(), prepared.cookie());
            there.finish(begun.job(), performed.cookie(), false);

            there.close();
            here.close();

            assertTrue(hosts.arriving.runs());
            assertFalse(hosts.leaving.runs());
            assertEquals(DomainState.PAUSED_MIGRATION, hosts.vm.state());
        }
    }

    @Test
    void onlyWhoKnowsTheJobMayFinishIt() throws Exception {
        try (TwoHosts hosts = new TwoHosts()) {
            HostConnection here = hosts.source.connect();
            HostConnection there = hosts.destination.connect();
            BeginReply begun = here.begin("vm", LIVE);
            there.prepare(begun.job(), begun.definition(), LIVE, begun.cookie());

            assertThrows(NoSuchDomainException.class, () -> there.finish(JobId.random(), Cookie.EMPTY, false));
            assertThrows(
                    JobConflictException.class,
                    () -> there.prepare(begun.job(), begun.definition(), LIVE, begun.cookie()));
            assertThrows(IllegalStateException.class, () -> here.confirm(begun.job(), Cookie.EMPTY, Verdict.ARRIVED));

            assertTrue(hosts.leaving.runs());
            here.close();
            there.close();
        }
    }

    @Test
    void aHostRefusesACookieThatDemandsWhatItDoesNotKnow() throws Exception {
        try (TwoHosts hosts = new TwoHosts()) {
            HostConnection there = hosts.destination.connect();
            HostConnection here = hosts.source.connect();
            BeginReply begun = here.begin("vm", LIVE);
            Cookie demanding = new Cookie(List.of(new Cookie.Section("lockstate", true, "x")));

            assertThrows(
                    UnsupportedCapabilityException.class,
                    () -> there.prepare(begun.job(), begun.definition(), LIVE, demanding));

            here.close();
            assertMovesNow(hosts);
        }
    }

    @Test
    void cancelWhilePreparedEndsItBeforeAnythingIsSent() throws Exception {
        try (TwoHosts hosts = new TwoHosts()) {
            Faults slow = new Faults(hosts.destination);
            slow.before("prepare", () -> hosts.vm.job().orElseThrow().cancel());

            MigrationResult end = hosts.ended(hosts.vm.migrate(Destination.connected(slow), LIVE));

            assertInstanceOf(MigrationResult.Cancelled.class, end, end::toString);
            assertTrue(hosts.leaving.control.outgoing().isEmpty());
            assertTrue(hosts.leaving.runs());
            assertMovesNow(hosts);
        }
    }

    @Test
    void cancelComesTooLateOnceTheGuestWasSent() throws Exception {
        try (TwoHosts hosts = new TwoHosts()) {
            CompletableFuture<Throwable> late = new CompletableFuture<>();
            Faults slow = new Faults(hosts.destination);
            slow.before(
                    "finish",
                    () -> late.complete(assertThrows(
                            org.transhume.control.domain.error.PointOfNoReturnException.class,
                            () -> hosts.vm.job().orElseThrow().cancel())));

            MigrationResult end = hosts.ended(hosts.vm.migrate(Destination.connected(slow), LIVE));

            assertInstanceOf(MigrationResult.Completed.class, end, end::toString);
            assertTrue(late.isDone());
        }
    }

    private static DomainException failure(TwoHosts hosts, Destination to, MigrationSpec spec) throws Exception {
        MigrationResult end = hosts.ended(hosts.vm.migrate(to, spec));
        assertTrue(hosts.vm.peekCompletedStats().isEmpty());
        return assertInstanceOf(MigrationResult.Failed.class, end, end::toString)
                .cause();
    }

    private static DomainException driven(HostConnection here, Supplier<HostConnection> there) {
        BeginReply begun = here.begin("vm", LIVE);
        return assertThrows(DomainException.class, () -> new MigrationCoordinator(here, there).run(begun, LIVE));
    }

    private static void assertSourceKept(TwoHosts hosts, DomainState state) throws Exception {
        TwoHosts.await(() -> "guest that runs at its source", () -> hosts.leaving.runs());
        TwoHosts.await(() -> "end of the job", () -> hosts.vm.job().isEmpty());
        assertEquals(state, hosts.vm.state());
        assertFalse(hosts.arriving.runs());
        assertEquals(RunState.INMIGRATE, hosts.arriving.runtime.state());
        assertTrue(hosts.destination.domain("vm").isEmpty());
        assertEquals(
                300, hosts.leaving.control.settings().size(org.transhume.control.settings.Parameter.DOWNTIME_LIMIT));
        assertFalse(hosts.leaving.control.settings().enabled(org.transhume.control.settings.Capability.RETURN_PATH));
    }

    private static void assertMovesNow(TwoHosts hosts) throws Exception {
        MigrationResult end = hosts.ended(hosts.vm.migrate(Destination.connected(hosts.destination), LIVE));
        assertInstanceOf(MigrationResult.Completed.class, end, end::toString);
        assertTrue(hosts.arriving.runs());
        assertFalse(hosts.leaving.runs());
        hosts.assertRamIsEqual();
    }
}
