package org.transhume.control.domain.stats;

import java.time.Instant;
import java.util.Map;
import java.util.Optional;

/** Figures in libvirt's keys, as they come from another host: each is looked at before it is believed. */
record TypedStats(Map<String, ?> typed) {
    JobStats stats(JobType type, Instant sampledAt) {
        return new JobStats(
                type,
                JobOperation.of(number(StatsField.OPERATION).orElse(0L)).orElse(JobOperation.UNKNOWN),
                sampledAt,
                new Times(
                        whole(StatsField.TIME_ELAPSED),
                        number(StatsField.TIME_ELAPSED_NET),
                        number(StatsField.TIME_REMAINING),
                        number(StatsField.DOWNTIME),
                        number(StatsField.DOWNTIME_NET),
                        number(StatsField.SETUP_TIME)),
                new Transfer(
                        whole(StatsField.MEMORY_TOTAL),
                        whole(StatsField.MEMORY_PROCESSED),
                        whole(StatsField.MEMORY_REMAINING),
                        number(StatsField.MEMORY_BPS)),
                new Transfer(
                        whole(StatsField.DISK_TOTAL),
                        whole(StatsField.DISK_PROCESSED),
                        whole(StatsField.DISK_REMAINING),
                        number(StatsField.DISK_BPS)),
                new Pages(
                        number(StatsField.MEMORY_CONSTANT),
                        number(StatsField.MEMORY_NORMAL),
                        number(StatsField.MEMORY_NORMAL_BYTES),
                        whole(StatsField.MEMORY_DIRTY_RATE),
                        number(StatsField.MEMORY_PAGE_SIZE),
                        whole(StatsField.MEMORY_ITERATION),
                        whole(StatsField.MEMORY_POSTCOPY_REQUESTS)),
                number(StatsField.COMPRESSION_CACHE)
                        .map(cache -> new XbzrleStats(
                                cache,
                                whole(StatsField.COMPRESSION_BYTES),
                                whole(StatsField.COMPRESSION_PAGES),
                                whole(StatsField.COMPRESSION_CACHE_MISSES),
                                whole(StatsField.COMPRESSION_OVERFLOW))),
                number(StatsField.AUTO_CONVERGE_THROTTLE).map(Long::intValue),
                value(StatsField.SUCCESS)
                        .map(success -> new Outcome(
                                (Boolean) success, value(StatsField.ERRMSG).map(Object::toString))));
    }

    private long whole(StatsField field) {
        return number(field).orElse(0L);
    }

    private Optional<Long> number(StatsField field) {
        return value(field).map(value -> ((Number) value).longValue());
    }

    private Optional<Object> value(StatsField field) {
        Object value = typed.get(field.key());
        if (value != null && !field.type().javaType().isInstance(value)) {
            throw new IllegalArgumentException("%s: a %s came, expected %s"
                    .formatted(
                            field.key(),
                            value.getClass().getSimpleName(),
                            field.type().javaType().getSimpleName()));
        }
        return Optional.ofNullable(value);
    }
}
