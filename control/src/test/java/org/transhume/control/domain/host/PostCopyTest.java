package org.transhume.control.domain.host;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.transhume.channels.Address;
import org.transhume.control.domain.Destination;
import org.transhume.control.domain.DomainState;
import org.transhume.control.domain.JobPhase;
import org.transhume.control.domain.MigrationJob;
import org.transhume.control.domain.MigrationResult;
import org.transhume.control.domain.error.PointOfNoReturnException;
import org.transhume.control.domain.spec.Bandwidth;
import org.transhume.control.domain.spec.MigrationFlag;
import org.transhume.control.domain.spec.MigrationParameter;
import org.transhume.control.domain.spec.MigrationSpec;
import org.transhume.control.guest.RunState;
import org.transhume.control.settings.Capability;
import org.transhume.control.settings.Parameter;
import org.transhume.engine.MigrationState;

/** Domains that run at their destination before all of them is there. */
@Timeout(60)
class PostCopyTest {
    /** Bytes a second, of which libvirt has no word. */
    private static final long CRAWL = 1 << 18;

    private static final String BUSY = "uniform:rate=100000,ws=1M";
    /** So slow that it ends only when it is told to, in either phase. */
    private static final MigrationSpec SLOW =
            MigrationSpec.builder().live().bandwidth(new Bandwidth(1)).build().with(MigrationFlag.POSTCOPY);

    @Test
    void movesADomainBeforeItsPagesAndTellsOfItInOrder() throws Exception {
        try (TwoHosts hosts = new TwoHosts(BUSY)) {
            MigrationJob job = hosts.vm.migrate(Destination.connected(hosts.destination), SLOW);
            job.startPostCopy();
            job.startPostCopy(); // as often as one likes

            MigrationResult end = hosts.ended(job);

            assertInstanceOf(MigrationResult.Completed.class, end, end::toString);
            hosts.awaitAtSource("Iteration", "Suspended/POSTCOPY", "Stopped/MIGRATED", "JobCompleted");
            hosts.awaitAtDestination("Started/MIGRATED", "Resumed/POSTCOPY", "Resumed/MIGRATED");
            assertEquals(DomainState.SHUTOFF_MIGRATED, hosts.vm.state());
            assertTrue(hosts.arriving.runs());
            assertEquals(RunState.POSTMIGRATE, hosts.leaving.runtime.state());
            hosts.assertRamIsEqual();
            assertTrue(hosts.vm.peekCompletedStats().isPresent());
            assertTrue(hosts.destination
                    .domain("vm")
                    .orElseThrow()
                    .peekCompletedStats()
                    .isEmpty());
            assertEquals(false, hosts.arriving.control.settings().enabled(Capability.POSTCOPY_RAM), "given back");
        }
    }

    @Test
    void isBrokenOnBothSidesUntilSomebodyMendsItAndEndsByItself() throws Exception {
        try (TwoHosts hosts = new TwoHosts(BUSY)) {
            MigrationJob job = hosts.vm.migrate(Destination.connected(hosts.destination), slowly());
            assertThrows(IllegalStateException.class, job::pausePostCopy);
            hosts.leaving.control.setParameters(Map.of(Parameter.MAX_POSTCOPY_BANDWIDTH, CRAWL));
            job.startPostCopy();
            hosts.awaitAtDestination("Started/MIGRATED", "Resumed/POSTCOPY");
            assertEquals(DomainState.PAUSED_POSTCOPY, hosts.vm.state());

            job.pausePostCopy();

            MigrationResult end = hosts.ended(job);
            assertInstanceOf(MigrationResult.PostCopyBroken.class, end, end::toString);
            hosts.awaitAtSource("Iteration", "Suspended/POSTCOPY", "Suspended/POSTCOPY_FAILED");
            hosts.awaitAtDestination("Started/MIGRATED", "Resumed/POSTCOPY", "Resumed/POSTCOPY_FAILED");
            assertEquals(JobPhase.POSTCOPY_FAILED, job.phase());
            assertEquals(DomainState.PAUSED_POSTCOPY_FAILED, hosts.vm.state());
            assertTrue(hosts.vm.job().isPresent());
            assertTrue(hosts.arriving.runs());

            // Either side may hear of it from the other before it notices.
            TwoHosts.await(
                    () -> "pause at the source",
                    () -> hosts.leaving.control.outgoing().orElseThrow().state()
                            instanceof MigrationState.PostcopyPaused);
            Address again = hosts.arriving.control.recover("tcp:127.0.0.1:0");
            hosts.leaving.control.resume(again.uri());
            job.maxPostCopyBandwidth(Bandwidth.UNLIMITED);

            hosts.awaitAtSource(
                    "Iteration",
                    "Suspended/POSTCOPY",
                    "Suspended/POSTCOPY_FAILED",
                    "Suspended/POSTCOPY",
                    "Stopped/MIGRATED",
                    "JobCompleted");
            hosts.awaitAtDestination(
                    "Started/MIGRATED",
                    "Resumed/POSTCOPY",
                    "Resumed/POSTCOPY_FAILED",
                    "Resumed/POSTCOPY",
                    "Resumed/MIGRATED");
            TwoHosts.await(() -> "end of the job", () -> hosts.vm.job().isEmpty());
            assertEquals(DomainState.SHUTOFF_MIGRATED, hosts.vm.state());
            hosts.assertRamIsEqual();
        }
    }

    @Test
    void isCancelledOrMovesButNeverBoth() throws Exception {
        try (TwoHosts hosts = new TwoHosts(BUSY)) {
            MigrationJob cancelled = hosts.vm.migrate(Destination.connected(hosts.destination), slowly());
            cancelled.cancel();
            assertThrows(IllegalStateException.class, cancelled::startPostCopy);
            assertInstanceOf(MigrationResult.Cancelled.class, hosts.ended(cancelled));
            assertTrue(hosts.leaving.runs());

            MigrationJob moving = hosts.vm.migrate(Destination.connected(hosts.destination), slowly());
            moving.startPostCopy();
            assertThrows(PointOfNoReturnException.class, moving::cancel);
            moving.maxPostCopyBandwidth(Bandwidth.UNLIMITED);

            assertInstanceOf(MigrationResult.Completed.class, hosts.ended(moving));
            assertEquals(0, hosts.leaving.control.settings().size(Parameter.MAX_POSTCOPY_BANDWIDTH), "given back");
        }
    }

    private static MigrationSpec slowly() {
        return MigrationSpec.builder()
                .live()
                .with(MigrationFlag.POSTCOPY)
                .bandwidth(new Bandwidth(1))
                .set(MigrationParameter.BANDWIDTH_POSTCOPY, 1L)
                .build();
    }
}
