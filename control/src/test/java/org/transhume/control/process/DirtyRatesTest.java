package org.transhume.control.process;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
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

/** {@code calc-dirty-rate} in its three modes, on a guest that writes at a known rate. */
@Timeout(60)
class DirtyRatesTest {
    private static final long RAM = 64 << 20;
    /** 39 MiB of pages a second, none of them twice within one second. */
    private static final String WORKLOAD = "sweep:rate=10000";

    private static final Duration LIMIT = Duration.ofSeconds(30);

    @TempDir
    Path folder;

    @Test
    void hasMeasuredNothingAtFirst() throws Exception {
        try (End guest = new End("marks", "idle")) {
            JsonNode at = guest.seconds();

            assertEquals("unstarted", at.get("status").stringValue());
            assertFalse(at.has("dirty-rate"));
            assertEquals(0, at.get("start-time").asLong());
            assertEquals("second", at.get("calc-time-unit").stringValue());
            assertEquals("page-sampling", at.get("mode").stringValue());
        }
    }

    @Test
    void samplesPages() throws Exception {
        try (End guest = new End("marks", WORKLOAD)) {
            guest.calc(Json.object()
                    .put("calc-time", 500)
                    .put("calc-time-unit", "millisecond")
                    .put("sample-pages", 16_384));
            JsonNode during = guest.rate();
            JsonNode end = guest.awaitMeasured();

            assertEquals("measuring", during.get("status").stringValue());
            assertFalse(during.has("dirty-rate"));
            assertEquals(500, during.get("calc-time").asLong());
            assertTrue(end.get("calc-time").asLong() >= 500, end.toString());
            assertEquals(16_384, end.get("sample-pages").asLong());
            assertFalse(end.has("vcpu-dirty-rate"));
            assertTrue(end.get("start-time").asLong() > 1_600_000_000, end.toString());
            guest.assertPlausible(end, 2);
        }
    }

    @Test
    void counts0ForAGuestThatStandsStill() throws Exception {
        try (End guest = new End("marks", "idle")) {
            guest.calc(Json.object()
                    .put("calc-time", 50)
                    .put("calc-time-unit", "millisecond")
                    .put("sample-pages", 16_384));

            assertEquals(0, guest.awaitMeasured().get("dirty-rate").asLong());
        }
    }

    @Test
    void saysMinusOneWhereNothingWasSampled() throws Exception {
        try (End guest = new End("marks", "idle", 1 << 20)) {
            guest.calc(Json.object().put("calc-time", 50).put("calc-time-unit", "millisecond"));

            assertEquals(-1, guest.awaitMeasured().get("dirty-rate").asLong());
        }
    }

    @Test
    void countsByTheRingsOfEachVcpu() throws Exception {
        try (End guest = new End("marks", WORKLOAD)) {
            guest.calc(Json.object().put("calc-time", 1).put("mode", "dirty-ring"));
            JsonNode end = guest.awaitMeasured();

            assertTrue(guest.seconds().get("calc-time").asLong() >= 1, end.toString());
            assertEquals(0, end.get("sample-pages").asLong());
            JsonNode vcpus = end.get("vcpu-dirty-rate");
            assertEquals(2, vcpus.size());
            assertEquals(1, vcpus.get(1).get("id").asInt());
            long first = vcpus.get(0).get("dirty-rate").asLong();
            assertTrue(first > 0, end.toString());
            assertEquals(
                    end.get("dirty-rate").asLong(),
                    first + vcpus.get(1).get("dirty-rate").asLong());
            guest.assertPlausible(end, 1);
        }
    }

    @Test
    void countsByTheDirtySource() throws Exception {
        String source = DirtySources.offers().getFirst().name();
        assumeTrue(DirtySources.offers().getFirst().refusal().isEmpty(), "no source works here by itself");
        try (End guest = new End(source, WORKLOAD)) {
            guest.calc(Json.object().put("calc-time", 1).put("mode", "dirty-bitmap"));
            JsonNode end = guest.awaitMeasured();

            assertEquals(0, end.get("sample-pages").asLong());
            assertEquals("dirty-bitmap", end.get("mode").stringValue());
            guest.assertPlausible(end, 1);
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "marks|0|second|page-sampling|-1|Calculation time is out of range [50ms, 60000ms].",
                "marks|61|second|page-sampling|-1|Calculation time is out of range [50ms, 60000ms].",
                "marks|49|millisecond|page-sampling|-1|Calculation time is out of range [50ms, 60000ms].",
                "marks|60001|millisecond|page-sampling|-1|Calculation time is out of range [50ms, 60000ms].",
                "marks|-1|second|page-sampling|-1|Calculation time is out of range [50ms, 60000ms].",
                "marks|9223372036854775807|second|page-sampling|-1|Calculation time is out of range [50ms, 60000ms].",
                "marks|1|second|dirty-ring|512|sample-pages is used only in page-sampling mode",
                "marks|1|second|page-sampling|127|sample-pages is out of range[128, 16384].",
                "marks|1|second|page-sampling|16385|sample-pages is out of range[128, 16384].",
                "marks|1|second|dirty-bitmap|-1|mode dirty-bitmap is not enabled, use other method instead.",
                "uffd-wp|1|second|dirty-ring|-1|mode dirty-ring is not enabled, use other method instead.",
            })
    void refusesInTheWordsOfQemu(String source, long time, String unit, String mode, long samples, String refusal)
            throws Exception {
        try (End guest = new End(source, "idle")) {
            ObjectNode arguments = Json.object()
                    .put("calc-time", time)
                    .put("calc-time-unit", unit)
                    .put("mode", mode);
            if (samples >= 0) {
                arguments.put("sample-pages", samples);
            }

            QmpError refused = assertThrows(QmpError.class, () -> guest.calc(arguments));

            assertEquals(refusal, refused.getMessage());
            assertEquals("unstarted", guest.rate().get("status").stringValue());
        }
    }

    @Test
    void measuresOneAtATimeAndEndsWithItsProcess() throws Exception {
        try (End guest = new End("marks", "idle")) {
            guest.calc(Json.object().put("calc-time", 60));

            QmpError second =
                    assertThrows(QmpError.class, () -> guest.calc(Json.object().put("calc-time", 1)));

            assertEquals("the dirty rate is already being measured.", second.getMessage());
        }
        assertTrue(Thread.getAllStackTraces().keySet().stream()
                .noneMatch(thread -> thread.getName().equals("dirty-rate")));
    }

    private final class End implements AutoCloseable {
        private final QmpClient qmp;
        private final SyntheticGuest guest;
        private final GuestProcess process;
        private long began;
        private long writtenBefore;

        End(String source, String workload) throws Exception {
            this(source, workload, RAM);
        }

        End(String source, String workload, long ram) throws Exception {
            assumeTrue(
                    DirtySources.offers().stream()
                            .anyMatch(offer -> offer.name().equals(source)
                                    && offer.refusal().isEmpty()),
                    source + " does not work here");
            GuestMemory memory = new GuestMemory(List.of(RamBlock.memfd(SyntheticGuest.BLOCK, ram)));
            DirtySource dirty = DirtySources.named(source, memory);
            guest = new SyntheticGuest(SyntheticGuest.MACHINE, memory, dirty, WorkloadSpec.parse(workload), true);
            process = new GuestProcess(
                    guest,
                    guest::ranAtSource,
                    RunState.PRELAUNCH,
                    new Settings(Profile.V10_0),
                    MigrationControl.Incoming.NONE);
            guest.fill();
            process.runtime().cont();
            qmp = QmpClient.connect(QmpAddress.parse(process.serve("unix:" + folder.resolve("qmp.sock"))), LIMIT);
        }

        void calc(ObjectNode arguments) throws Exception {
            began = System.nanoTime();
            writtenBefore = guest.pagesWritten();
            qmp.execute("calc-dirty-rate", arguments);
        }

        JsonNode rate() throws Exception {
            return qmp.execute("query-dirty-rate", Json.object().put("calc-time-unit", "millisecond"));
        }

        JsonNode awaitMeasured() throws Exception {
            long deadline = System.nanoTime() + LIMIT.toNanos();
            while (!rate().get("status").stringValue().equals("measured")) {
                assertTrue(System.nanoTime() - deadline < 0, "never measured");
                LockSupport.parkNanos(1_000_000);
            }
            return rate();
        }

        JsonNode seconds() throws Exception {
            return qmp.execute("query-dirty-rate");
        }

        /** Against what the guest says that it wrote: within half of it, and {@code factor} for chance. */
        void assertPlausible(JsonNode measured, double factor) {
            double seconds = (System.nanoTime() - began) / 1e9;
            double wrote = (guest.pagesWritten() - writtenBefore) / 256.0 / seconds;
            double told = measured.get("dirty-rate").asLong();
            assertTrue(
                    told > wrote / factor * 0.5 && told < wrote * factor * 1.5,
                    "told %s, wrote %.1f MiB/s".formatted(measured, wrote));
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
