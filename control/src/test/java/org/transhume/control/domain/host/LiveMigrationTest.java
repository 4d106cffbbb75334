package org.transhume.control.domain.host;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.transhume.control.domain.Destination;
import org.transhume.control.domain.Domain;
import org.transhume.control.domain.DomainState;
import org.transhume.control.domain.JobPhase;
import org.transhume.control.domain.MigrationJob;
import org.transhume.control.domain.MigrationResult;
import org.transhume.control.domain.error.DomainException;
import org.transhume.control.domain.error.IllegalMigrationException;
import org.transhume.control.domain.error.JobConflictException;
import org.transhume.control.domain.error.NotRecoverableException;
import org.transhume.control.domain.error.StatsUnavailableException;
import org.transhume.control.domain.error.UnsafeMigrationException;
import org.transhume.control.domain.error.UnsupportedCapabilityException;
import org.transhume.control.domain.spec.Bandwidth;
import org.transhume.control.domain.spec.CompressionMethod;
import org.transhume.control.domain.spec.MigrationFlag;
import org.transhume.control.domain.spec.MigrationParameter;
import org.transhume.control.domain.spec.MigrationSpec;
import org.transhume.control.domain.stats.JobOperation;
import org.transhume.control.domain.stats.JobStats;
import org.transhume.control.domain.stats.JobType;
import org.transhume.control.guest.RunState;
import org.transhume.control.settings.Capability;
import org.transhume.control.settings.Parameter;

/** Domains that move between two hosts, and what is left of them. */
@Timeout(60)
class LiveMigrationTest {
    private static final MigrationSpec LIVE = MigrationSpec.builder().live().build();
    /** So slow that it ends only when it is told to. */
    private static final MigrationSpec SLOW =
            MigrationSpec.builder().live().bandwidth(new Bandwidth(1)).build();

    private static final String BUSY = "uniform:rate=100000,ws=1M";

    @Test
    void movesARunningDomainAndTellsOfItInOrder() throws Exception {
        try (TwoHosts hosts = new TwoHosts()) {
            MigrationResult end = hosts.ended(hosts.vm.migrate(Destination.connected(hosts.destination), LIVE));

            MigrationResult.Completed completed = assertInstanceOf(MigrationResult.Completed.class, end, end::toString);
            assertEquals("vm", completed.arrived().name());
            hosts.awaitAtSource("Iteration", "Suspended/MIGRATED", "Stopped/MIGRATED", "JobCompleted");
            hosts.awaitAtDestination("Started/MIGRATED", "Resumed/MIGRATED");
            assertEquals(DomainState.SHUTOFF_MIGRATED, hosts.vm.state());
            assertEquals(
                    DomainState.RUNNING_MIGRATED,
                    hosts.destination.domain("vm").orElseThrow().state());
            assertFalse(hosts.leaving.runs());
            assertTrue(hosts.arriving.runs());
            hosts.assertRamIsEqual();
        }
    }

    @Test
    void numbersEventsWithoutAGap() throws Exception {
        try (TwoHosts hosts = new TwoHosts()) {
            hosts.ended(hosts.vm.migrate(Destination.connected(hosts.destination), LIVE));
            hosts.awaitAtSource("Iteration", "Suspended/MIGRATED", "Stopped/MIGRATED", "JobCompleted");

            long next = 1;
            for (var event : hosts.heardAtSource()) {
                assertEquals(next++, event.origin().sequence());
                assertEquals("source", event.origin().host().name());
            }
        }
    }

    @Test
    void movesAsTheSourceHostDrivesIt() throws Exception {
        try (TwoHosts hosts = new TwoHosts()) {
            MigrationJob job = hosts.vm.migrate(Destination.peer("tcp:destination"), LIVE);

            assertInstanceOf(MigrationResult.Completed.class, hosts.ended(job));
            assertTrue(hosts.arriving.runs());
            assertEquals(JobPhase.CONFIRM, job.phase());
        }
    }

    @Test
    void movesOverSeveralCompressedConnectionsAndPutsTheSettingsBack() throws Exception {
        try (TwoHosts hosts = new TwoHosts()) {
            hosts.leaving.control.setCapabilities(Map.of(Capability.XBZRLE, true));
            MigrationSpec spec = MigrationSpec.builder()
                    .live()
                    .parallel(3)
                    .compressed(CompressionMethod.ZSTD)
                    .set(MigrationParameter.COMPRESSION_ZSTD_LEVEL, 5)
                    .build();

            MigrationResult end = hosts.ended(hosts.vm.migrate(Destination.connected(hosts.destination), spec));

            assertInstanceOf(MigrationResult.Completed.class, end, end::toString);
            hosts.assertRamIsEqual();
            assertEquals(
                    3,
                    hosts.leaving
                            .control
                            .outgoing()
                            .orElseThrow()
                            .completion()
                            .join()
                            .channels());
            for (var control : java.util.List.of(hosts.leaving.control, hosts.arriving.control)) {
                assertFalse(control.settings().enabled(Capability.MULTIFD));
                assertFalse(control.settings().enabled(Capability.RETURN_PATH));
                assertEquals("none", control.settings().text(Parameter.MULTIFD_COMPRESSION));
                assertEquals(1, control.settings().count(Parameter.MULTIFD_ZSTD_LEVEL));
            }
            assertTrue(hosts.leaving.control.settings().enabled(Capability.XBZRLE));
        }
    }

    @Test
    void stopsTheGuestBeforeTheFirstPassUnlessItIsLive() throws Exception {
        try (TwoHosts hosts = new TwoHosts()) {
            MigrationSpec stopped = MigrationSpec.builder().build();

            hosts.ended(hosts.vm.migrate(Destination.connected(hosts.destination), stopped));

            hosts.awaitAtSource("Suspended/MIGRATED", "Iteration", "Stopped/MIGRATED", "JobCompleted");
            hosts.awaitAtDestination("Started/MIGRATED", "Resumed/MIGRATED");
            assertTrue(hosts.arriving.runs());
        }
    }

    @Test
    void leavesAGuestPausedThatWasOrIsToBe() throws Exception {
        for (boolean before : new boolean[] {true, false}) {
            try (TwoHosts hosts = new TwoHosts()) {
                MigrationSpec spec = LIVE;
                if (before) {
                    hosts.leaving.runtime.stop();
                } else {
                    spec = LIVE.with(MigrationFlag.PAUSED);
                }

                hosts.ended(hosts.vm.migrate(Destination.connected(hosts.destination), spec));

                hosts.awaitAtDestination("Started/MIGRATED", "Suspended/PAUSED");
                Domain there = hosts.destination.domain("vm").orElseThrow();
                assertEquals(DomainState.PAUSED_USER, there.state());
                assertEquals(RunState.PAUSED, hosts.arriving.runtime.state());
                hosts.arriving.runtime.cont();
                assertTrue(hosts.arriving.runs());
            }
        }
    }

    @Test
    void renamesAndStoresAtTheDestinationWhatIsUndefinedAtTheSource() throws Exception {
        try (TwoHosts hosts = new TwoHosts()) {
            MigrationSpec spec = MigrationSpec.builder()
                    .live()
                    .with(MigrationFlag.PERSIST_DEST, MigrationFlag.UNDEFINE_SOURCE)
                    .rename("moved")
                    .build();

            hosts.ended(hosts.vm.migrate(Destination.connected(hosts.destination), spec));

            hosts.awaitAtSource("Iteration", "Suspended/MIGRATED", "Stopped/MIGRATED", "JobCompleted", "Undefined");
            hosts.awaitAtDestination("Started/MIGRATED", "Defined/ADDED", "Resumed/MIGRATED");
            assertTrue(hosts.source.domain("vm").isEmpty());
            assertTrue(hosts.definitions.find("vm").isEmpty());
            assertTrue(hosts.destination.definitions().find("moved").isPresent());
            assertTrue(hosts.destination.domain("moved").isPresent());
        }
    }

    @Test
    void movesNothingButTheDefinitionOffline() throws Exception {
        try (TwoHosts hosts = new TwoHosts()) {
            MigrationSpec spec = MigrationSpec.builder()
                    .with(MigrationFlag.OFFLINE, MigrationFlag.PERSIST_DEST)
                    .build();

            MigrationResult end = hosts.ended(hosts.vm.migrate(Destination.connected(hosts.destination), spec));

            assertInstanceOf(MigrationResult.Completed.class, end, end::toString);
            assertTrue(hosts.leaving.runs());
            assertEquals(RunState.INMIGRATE, hosts.arriving.runtime.state());
            assertEquals(
                    hosts.definitions.find("vm"),
                    hosts.destination.definitions().find("vm"));
            hosts.awaitAtDestination("Defined/ADDED");
            hosts.awaitAtSource("JobCompleted");
        }
    }

    @Test
    void consumesCompletedFiguresOnceAtEitherEnd() throws Exception {
        try (TwoHosts hosts = new TwoHosts()) {
            hosts.ended(hosts.vm.migrate(Destination.connected(hosts.destination), LIVE));
            Domain there = hosts.destination.domain("vm").orElseThrow();

            for (Domain end : java.util.List.of(hosts.vm, there)) {
                JobStats peeked = end.peekCompletedStats().orElseThrow();
                JobStats taken = end.takeCompletedStats().orElseThrow();
                assertEquals(peeked, taken);
                assertTrue(end.takeCompletedStats().isEmpty());
                assertTrue(end.peekCompletedStats().isEmpty());
                assertEquals(JobType.COMPLETED, taken.type());
                assertTrue(taken.downtimeIsMeasured());
                assertTrue(
                        taken.times().downtime().orElseThrow() <= taken.times().elapsed());
                assertEquals(TwoHosts.RAM, taken.memory().total());
                assertEquals(end == there ? JobOperation.MIGRATION_IN : JobOperation.MIGRATION_OUT, taken.operation());
            }
        }
    }

    @Test
    void aSecondTryOfACancelledMigrationMovesTheGuestWhole() throws Exception {
        try (TwoHosts hosts = new TwoHosts(BUSY)) {
            MigrationJob slow = hosts.vm.migrate(Destination.connected(hosts.destination), SLOW);
            TwoHosts.await(() -> "figures", () -> slow.stats().memory().processed() > 65536);
            assertEquals(JobType.UNBOUNDED, slow.stats().type());
            assertThrows(JobConflictException.class, () -> hosts.vm.migrate(Destination.peer("tcp:destination"), LIVE));
            MigrationJob there =
                    hosts.destination.domain("vm").orElseThrow().job().orElseThrow();
            assertThrows(StatsUnavailableException.class, there::stats);
            assertThrows(IllegalStateException.class, there::cancel);

            slow.cancel();

            MigrationResult.Cancelled end = assertInstanceOf(MigrationResult.Cancelled.class, hosts.ended(slow));
            assertEquals(JobType.CANCELLED, end.stats().type());
            hosts.awaitAtSource("Iteration", "Resumed/MIGRATED");
            hosts.awaitAtDestination("Started/MIGRATED", "Stopped/FAILED");
            assertEquals(DomainState.RUNNING_MIGRATION_CANCELED, hosts.vm.state());
            assertTrue(hosts.leaving.runs());
            assertTrue(hosts.vm.peekCompletedStats().isEmpty());
            assertThrows(IllegalStateException.class, slow::cancel);
            assertTrue(hosts.destination.domain("vm").isEmpty());

            assertInstanceOf(
                    MigrationResult.Completed.class,
                    hosts.ended(hosts.vm.migrate(Destination.connected(hosts.destination), LIVE)));
            hosts.arriving.runtime.stop();
            hosts.assertRamIsEqual();
        }
    }

    @Test
    void changesSpeedAndPauseOnTheWayAndPutsThemBack() throws Exception {
        try (TwoHosts hosts = new TwoHosts(BUSY)) {
            MigrationJob job = hosts.vm.migrate(Destination.connected(hosts.destination), SLOW);
            TwoHosts.await(() -> "figures", () -> job.stats().memory().processed() > 65536);
            assertEquals(new Bandwidth(1), hosts.vm.maxBandwidth());

            job.maxDowntime(java.time.Duration.ofSeconds(2));
            assertEquals(java.time.Duration.ofSeconds(2), job.maxDowntime());
            assertThrows(IllegalArgumentException.class, () -> job.maxDowntime(java.time.Duration.ofSeconds(2001)));
            job.maxBandwidth(Bandwidth.UNLIMITED);

            assertInstanceOf(MigrationResult.Completed.class, hosts.ended(job));
            assertEquals(300, hosts.leaving.control.settings().size(Parameter.DOWNTIME_LIMIT));
            assertEquals(128 << 20, hosts.leaving.control.settings().size(Parameter.MAX_BANDWIDTH));
            assertThrows(IllegalStateException.class, () -> job.maxBandwidth(Bandwidth.UNLIMITED));
        }
    }

    @Test
    void keepsThePermittedSpeedOfADomainForLaterMigrations() throws Exception {
        try (TwoHosts hosts = new TwoHosts(BUSY)) {
            hosts.vm.maxBandwidth(new Bandwidth(1));
            MigrationJob job = hosts.vm.migrate(Destination.connected(hosts.destination), LIVE);
            assertEquals(1 << 20, hosts.leaving.control.settings().size(Parameter.MAX_BANDWIDTH));

            job.cancel();
            hosts.ended(job);

            assertEquals(new Bandwidth(1), hosts.vm.maxBandwidth());
        }
    }

    @Test
    void refusesPostCopyAsLibvirtDoesWhereItWasNotPermitted() throws Exception {
        try (TwoHosts hosts = new TwoHosts(BUSY)) {
            MigrationJob job = hosts.vm.migrate(Destination.connected(hosts.destination), SLOW);

            assertThrows(IllegalStateException.class, job::startPostCopy);
            assertThrows(IllegalStateException.class, job::pausePostCopy);
            assertThrows(
                    NotRecoverableException.class,
                    () -> hosts.vm.resumePostCopy(Destination.connected(hosts.destination), LIVE));

            job.cancel();
            assertInstanceOf(MigrationResult.Cancelled.class, hosts.ended(job));
        }
    }

    @Test
    void whoeverStopsWaitingDoesNotCancelTheMigration() throws Exception {
        try (TwoHosts hosts = new TwoHosts(BUSY)) {
            MigrationJob job = hosts.vm.migrate(Destination.connected(hosts.destination), SLOW);

            assertTrue(job.result().toCompletableFuture().cancel(true));

            TwoHosts.await(() -> "figures", () -> job.stats().memory().processed() > 65536);
            assertTrue(hosts.vm.job().isPresent());
            job.maxBandwidth(Bandwidth.UNLIMITED);
            assertInstanceOf(MigrationResult.Completed.class, hosts.ended(job));
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = MigrationFlag.class,
            names = {"TLS", "NON_SHARED_DISK", "NON_SHARED_INC", "ABORT_ON_ERROR"})
    void refusesWhatIsNotBuiltBeforeAnythingIsTouched(MigrationFlag flag) {
        try (TwoHosts hosts = new TwoHosts()) {
            UnsupportedCapabilityException refusal = assertThrows(
                    UnsupportedCapabilityException.class,
                    () -> hosts.vm.migrate(Destination.connected(hosts.destination), LIVE.with(flag)));

            assertTrue(refusal.getMessage().startsWith("flag " + flag), refusal::getMessage);
            assertTrue(hosts.vm.job().isEmpty());
            assertTrue(hosts.heardAtSource().isEmpty());
            assertTrue(hosts.arriving.control.incoming().isEmpty());
        }
    }

    @Test
    void refusesADestinationThatContradictsTheSpecification() {
        try (TwoHosts hosts = new TwoHosts()) {
            refused(
                    IllegalMigrationException.class,
                    hosts,
                    Destination.connected(hosts.destination),
                    LIVE.with(MigrationFlag.PEER2PEER));
            refused(IllegalMigrationException.class, hosts, Destination.direct("tcp:x:1"), LIVE);
            MigrationSpec named = MigrationSpec.builder()
                    .live()
                    .set(MigrationParameter.MIGRATE_URI, "tcp:127.0.0.1:1")
                    .build();
            refused(UnsupportedCapabilityException.class, hosts, Destination.direct("tcp:x:1"), named);
        }
    }

    private static void refused(
            Class<? extends DomainException> as, TwoHosts hosts, Destination to, MigrationSpec spec) {
        assertThrows(as, () -> hosts.vm.migrate(to, spec));
        assertTrue(hosts.vm.job().isEmpty());
    }

    @Test
    void refusesAnUnsafeMigrationUnlessItIsWanted() throws Exception {
        try (TwoHosts hosts = new TwoHosts()) {
            hosts.source.unsafe("vm", java.util.Optional.of("disk 'vda' is cached by the host"));
            refused(UnsafeMigrationException.class, hosts, Destination.connected(hosts.destination), LIVE);

            MigrationResult end = hosts.ended(
                    hosts.vm.migrate(Destination.connected(hosts.destination), LIVE.with(MigrationFlag.UNSAFE)));

            assertInstanceOf(MigrationResult.Completed.class, end);
        }
    }

    @Test
    void refusesADefinitionThatTheGuestWouldNotice() {
        try (TwoHosts hosts = new TwoHosts()) {
            String own = hosts.definitions.find("vm").orElseThrow().text();
            for (String changed :
                    new String[] {own.replace("<name>vm<", "<name>other<"), own.replace("hvm", "xen"), "text"}) {
                MigrationSpec spec = MigrationSpec.builder()
                        .live()
                        .set(MigrationParameter.DESTINATION_XML, changed)
                        .build();
                refused(IllegalMigrationException.class, hosts, Destination.connected(hosts.destination), spec);
            }
        }
    }

    @Test
    void aListenerThatSleepsHoldsUpNobodyAndLearnsHowMuchItMissed() throws Exception {
        EventPublisher.Queue queue = new EventPublisher.Queue(2);
        try (TwoHosts hosts = new TwoHosts()) {
            hosts.ended(hosts.vm.migrate(Destination.connected(hosts.destination), LIVE));
            hosts.awaitAtSource("Iteration", "Suspended/MIGRATED", "Stopped/MIGRATED", "JobCompleted");
            var heard = hosts.heardAtSource();

            heard.forEach(queue::offer);

            assertEquals(heard.get(0), queue.take());
            assertEquals(heard.get(1), queue.take());
            var lost = assertInstanceOf(org.transhume.control.domain.EventsLost.class, queue.take());
            assertEquals(heard.size() - 2, lost.count());
            assertEquals(heard.getLast().origin().sequence(), lost.origin().sequence());
            LockSupport.parkNanos(1);
            queue.offer(heard.getFirst());
            assertEquals(heard.getFirst(), queue.take());
        }
    }
}
