package org.transhume.control.process;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.transhume.control.guest.MigrationControl;
import org.transhume.control.guest.RunState;
import org.transhume.control.qmp.Json;
import org.transhume.control.qmp.QmpAddress;
import org.transhume.control.qmp.QmpClient;
import org.transhume.control.qmp.QmpError;
import org.transhume.control.settings.Profile;
import org.transhume.control.settings.Settings;
import org.transhume.engine.guest.SyntheticGuest;
import org.transhume.engine.guest.WorkloadSpec;
import org.transhume.memory.DirtySource;
import org.transhume.memory.DirtySources;
import org.transhume.memory.GuestMemory;
import org.transhume.memory.RamBlock;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** {@code set-vcpu-dirty-limit} and its relatives, on a guest that writes far more than it is allowed. */
@Timeout(60)
class LimitsOfVcpusTest {
    private static final long RAM = 64 << 20;
    /** Four rings' worth of pages, so that hardly any page is in a ring already; 390 MiB a second of each vCPU. */
    private static final String WORKLOAD = "sweep:rate=200000";

    private static final String NO_RING =
            "dirty page limit feature requires KVM with accelerator property 'dirty-ring-size' set'";

    @TempDir
    Path folder;

    @Test
    void slowsOneVcpuDownToItsLimitAndLeavesTheOtherAlone() throws Exception {
        try (End guest = new End("marks", WORKLOAD)) {
            guest.set(0, 60);
            await("a rate of about 60 MiB/s", () -> {
                JsonNode limits = guest.limits();
                long current = limits.get(0).get("current-rate").asLong();
                return current > 0 && Math.abs(current - 60) <= 25;
            });
            JsonNode one = guest.limits();
            guest.set(1, 1_000_000);
            await(
                    "a rate of the other",
                    () -> guest.limits().get(1).get("current-rate").asLong() > 100);

            assertEquals(1, one.size(), one.toString());
            assertEquals(0, one.get(0).get("cpu-index").asInt());
            assertEquals(60, one.get(0).get("limit-rate").asInt());
            assertEquals(
                    List.of("cpu-index", "limit-rate", "current-rate"),
                    List.copyOf(one.get(0).propertyNames()));
        }
    }

    @Test
    void liftsALimitByTheCommandByZeroAndByACancelOfAnything() throws Exception {
        try (End guest = new End("marks", WORKLOAD)) {
            guest.setAll(1);
            assertEquals(2, guest.limits().size());

            guest.set(0, 0);
            assertEquals(1, guest.limits().get(0).get("cpu-index").asInt());
            guest.qmp.execute("cancel-vcpu-dirty-limit", Json.object().put("cpu-index", 1));
            assertEquals(0, guest.limits().size());
            guest.setAll(1);
            guest.qmp.execute("cancel-vcpu-dirty-limit");
            assertEquals(0, guest.limits().size());
            guest.setAll(1);
            guest.qmp.execute("migrate_cancel");

            assertEquals(0, guest.limits().size());
            await(
                    "no thread that watches",
                    () -> Thread.getAllStackTraces().keySet().stream()
                            .noneMatch(thread -> thread.getName().equals("dirty-limit")));
        }
    }

    @Test
    void refusesVcpusThatThereAreNot() throws Exception {
        try (End guest = new End("marks", "idle")) {
            for (int vcpu : List.of(-1, 2, 99)) {
                ObjectNode other = Json.object().put("cpu-index", vcpu);
                assertEquals(
                        "incorrect cpu index specified",
                        assertThrows(QmpError.class, () -> guest.qmp.execute("cancel-vcpu-dirty-limit", other))
                                .getMessage());
                assertEquals(
                        "incorrect cpu index specified",
                        assertThrows(QmpError.class, () -> guest.set(vcpu, 10)).getMessage());
            }
            assertEquals(0, guest.limits().size());
        }
    }

    @Test
    void refusesLimitsWhereNobodyCountsPerVcpuButCancelsNothingInSilence() throws Exception {
        try (End guest = new End(DirtySources.offers().getFirst().name(), "idle")) {
            QmpError refused = assertThrows(QmpError.class, () -> guest.setAll(10));
            guest.qmp.execute("cancel-vcpu-dirty-limit", Json.object().put("cpu-index", 99));
            ObjectNode on = Json.object();
            on.putArray("capabilities")
                    .addObject()
                    .put("capability", "dirty-limit")
                    .put("state", true);
            QmpError capability = assertThrows(QmpError.class, () -> guest.qmp.execute("migrate-set-capabilities", on));

            assertEquals(NO_RING, refused.getMessage());
            assertEquals(0, guest.limits().size());
            assertEquals(
                    "dirty-limit requires KVM with accelerator property 'dirty-ring-size' set",
                    capability.getMessage());
        }
    }

    private static void await(String what, Callable<Boolean> condition) throws Exception {
        long deadline = System.nanoTime() + Duration.ofSeconds(30).toNanos();
        while (!condition.call()) {
            assertTrue(System.nanoTime() - deadline < 0, "no " + what);
            LockSupport.parkNanos(10_000_000);
        }
    }

    private final class End implements AutoCloseable {
        final QmpClient qmp;
        private final SyntheticGuest guest;
        private final GuestProcess process;

        End(String source, String workload) throws Exception {
            GuestMemory memory = new GuestMemory(List.of(RamBlock.memfd(SyntheticGuest.BLOCK, RAM)));
            DirtySource dirty = DirtySources.named(source, memory);
            guest = new SyntheticGuest(SyntheticGuest.MACHINE, memory, dirty, WorkloadSpec.parse(workload), true);
            process = new GuestProcess(
                    guest,
                    guest::ranAtSource,
                    RunState.PRELAUNCH,
                    new Settings(Profile.V10_0),
                    MigrationControl.Incoming.NONE);
            process.runtime().cont();
            qmp = QmpClient.connect(
                    QmpAddress.parse(process.serve("unix:" + folder.resolve("qmp.sock"))), Duration.ofSeconds(20));
        }

        void set(int vcpu, long rate) throws Exception {
            qmp.execute(
                    "set-vcpu-dirty-limit", Json.object().put("cpu-index", vcpu).put("dirty-rate", rate));
        }

        void setAll(long rate) throws Exception {
            qmp.execute("set-vcpu-dirty-limit", Json.object().put("dirty-rate", rate));
        }

        JsonNode limits() throws Exception {
            return qmp.execute("query-vcpu-dirty-limit");
        }

        @Override
        public void close() throws IOException {
            try (guest;
                    process;
                    qmp) {
                // everything goes
            }
        }
    }
}
