package org.transhume.control.domain.stats;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** Figures in libvirt's words. */
class JobStatsTest {
    /** Key, type and unit of each field that a migration can have, as they are documented. */
    private static final String DOCUMENTED = """
            operation I enum
            time_elapsed U ms
            time_elapsed_net U ms
            time_remaining U ms
            downtime U ms
            downtime_net U ms
            setup_time U ms
            data_total U bytes
            data_processed U bytes
            data_remaining U bytes
            memory_total U bytes
            memory_processed U bytes
            memory_remaining U bytes
            memory_constant U pages
            memory_normal U pages
            memory_normal_bytes U bytes
            memory_bps U bytes/s
            memory_dirty_rate U pages/s
            memory_page_size U bytes
            memory_iteration U count
            memory_postcopy_requests U count
            disk_total U bytes
            disk_processed U bytes
            disk_remaining U bytes
            disk_bps U bytes/s
            compression_cache U bytes
            compression_bytes U bytes
            compression_pages U pages
            compression_cache_misses U pages
            compression_overflow U pages
            auto_converge_throttle I percent
            success B
            errmsg S
            """;

    private static final JobStats FULL = new JobStats(
            JobType.FAILED,
            JobOperation.MIGRATION_OUT,
            Instant.EPOCH,
            new Times(1, some(2), some(3), some(4), some(5), some(6)),
            new Transfer(10, 20, 30, some(40)),
            new Transfer(100, 200, 300, some(400)),
            new Pages(some(7), some(8), some(9), 11, some(12), 13, 14),
            Optional.of(new XbzrleStats(15, 16, 17, 18, 19)),
            Optional.of(21),
            Optional.of(Outcome.failure("no")));

    private static Optional<Long> some(long value) {
        return Optional.of(value);
    }

    @Test
    void keysTypesUnitsAndOrderAreTheDocumentedOnes() {
        List<String> lines = new ArrayList<>();
        Map<String, Object> typed = FULL.toTyped();
        typed.forEach((key, value) -> {
            StatsField field = StatsField.named(key).orElseThrow();
            String type = switch (value) {
                case Long _ -> "U";
                case Integer _ -> "I";
                case Boolean _ -> "B";
                default -> "S";
            };
            lines.add("%s %s %s".formatted(key, type, field.unit()).strip());
        });

        assertEquals(DOCUMENTED.lines().toList(), lines);
        assertEquals(5, typed.get("operation"));
    }

    @Test
    void dataIsTheSumOfMemoryAndDisks() {
        assertEquals(110L, FULL.toTyped().get("data_total"));
        assertEquals(220L, FULL.toTyped().get("data_processed"));
        assertEquals(330L, FULL.toTyped().get("data_remaining"));
    }

    @Test
    void whatIsUnknownIsLeftOut() {
        JobStats young = new JobStats(
                JobType.UNBOUNDED,
                JobOperation.MIGRATION_OUT,
                Instant.EPOCH,
                Times.elapsed(1),
                Transfer.NOTHING,
                Transfer.NOTHING,
                Pages.NONE,
                Optional.empty(),
                Optional.empty(),
                Optional.empty());

        assertFalse(young.toTyped().containsKey("downtime"));
        assertFalse(young.toTyped().containsKey("success"));
        assertEquals(0L, young.toTyped().get("memory_iteration"));
        assertEquals(young, JobStats.fromTyped(JobType.UNBOUNDED, Instant.EPOCH, young.toTyped()));
    }

    @Test
    void comesBackFromItsTypedFormAsItWas() {
        assertEquals(FULL, JobStats.fromTyped(JobType.FAILED, Instant.EPOCH, FULL.toTyped()));
    }

    @Test
    void passesOverUnknownFieldsAndRefusesOnesOfAnotherType() {
        Map<String, Object> typed = new HashMap<>(FULL.toTyped());
        typed.put("vfio_data_transferred", 1L);
        assertEquals(FULL, JobStats.fromTyped(JobType.FAILED, Instant.EPOCH, typed));

        typed.put("downtime", "long");
        assertThrows(IllegalArgumentException.class, () -> JobStats.fromTyped(JobType.FAILED, Instant.EPOCH, typed));
    }

    @Test
    void jobsHaveLibvirtsNumbers() {
        assertEquals(
                List.of(0, 1, 2, 3, 4, 5),
                List.of(JobType.values()).stream().map(JobType::code).toList());
        assertEquals(4, JobOperation.MIGRATION_IN.code());
        assertEquals(5, JobOperation.MIGRATION_OUT.code());
        assertEquals(10, JobOperation.SNAPSHOT_DELETE.code());
    }
}
