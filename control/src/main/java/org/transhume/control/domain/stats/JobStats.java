package org.transhume.control.domain.stats;

import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * One consistent look at a job: totals of parts equal the whole, and what is unknown is empty rather than zero. Immutable.
 *
 * @param xbzrle empty while it is off
 * @param throttlePercent by which the guest is slowed down; empty if it is not
 * @param outcome of every job that has ended
 */
public record JobStats(
        JobType type,
        JobOperation operation,
        Instant sampledAt,
        Times times,
        Transfer memory,
        Transfer disk,
        Pages pages,
        Optional<XbzrleStats> xbzrle,
        Optional<Integer> throttlePercent,
        Optional<Outcome> outcome) {

    /** Memory and disks together. */
    public Transfer data() {
        return memory.plus(disk);
    }

    /** Whether the downtime was measured; else it is expected. */
    public boolean downtimeIsMeasured() {
        return type == JobType.COMPLETED;
    }

    /** The same figures of a job that has come to {@code end}. */
    public JobStats ended(JobType end, Outcome how) {
        return new JobStats(
                end, operation, sampledAt, times, memory, disk, pages, xbzrle, throttlePercent, Optional.of(how));
    }

    /** The same figures seen as {@code other} operation, with other times. */
    public JobStats as(JobOperation other, Times measured) {
        return new JobStats(type, other, sampledAt, measured, memory, disk, pages, xbzrle, throttlePercent, outcome);
    }

    /** libvirt's keys and units, in the order of {@link StatsField}; what does not apply is left out. */
    public Map<String, Object> toTyped() {
        Map<String, Object> typed = new LinkedHashMap<>();
        for (StatsField field : StatsField.values()) {
            field.of(this).ifPresent(value -> typed.put(field.key(), value));
        }
        return typed;
    }

    /**
     * The reverse of {@link #toTyped}. Fields that this version does not know are passed over.
     *
     * @throws IllegalArgumentException if one of those that it knows has another type
     */
    public static JobStats fromTyped(JobType type, Instant sampledAt, Map<String, ?> typed) {
        return new TypedStats(typed).stats(type, sampledAt);
    }
}
