package org.transhume.control.domain.stats;

import java.util.Arrays;
import java.util.Optional;
import java.util.function.Function;

/** libvirt's fields of a job, in its order; the table of §6 of the domain API, and whatever shows or sends figures is made of it. */
public enum StatsField {
    OPERATION("operation", Type.INT, "enum", s -> Optional.of(s.operation().code())),
    TIME_ELAPSED("time_elapsed", Type.UNSIGNED, "ms", s -> Optional.of(s.times().elapsed())),
    TIME_ELAPSED_NET("time_elapsed_net", Type.UNSIGNED, "ms", s -> s.times().elapsedNet()),
    TIME_REMAINING("time_remaining", Type.UNSIGNED, "ms", s -> s.times().remaining()),
    DOWNTIME("downtime", Type.UNSIGNED, "ms", s -> s.times().downtime()),
    DOWNTIME_NET("downtime_net", Type.UNSIGNED, "ms", s -> s.times().downtimeNet()),
    SETUP_TIME("setup_time", Type.UNSIGNED, "ms", s -> s.times().setup()),
    DATA_TOTAL("data_total", Type.UNSIGNED, "bytes", s -> Optional.of(s.data().total())),
    DATA_PROCESSED(
            "data_processed", Type.UNSIGNED, "bytes", s -> Optional.of(s.data().processed())),
    DATA_REMAINING(
            "data_remaining", Type.UNSIGNED, "bytes", s -> Optional.of(s.data().remaining())),
    MEMORY_TOTAL(
            "memory_total", Type.UNSIGNED, "bytes", s -> Optional.of(s.memory().total())),
    MEMORY_PROCESSED(
            "memory_processed",
            Type.UNSIGNED,
            "bytes",
            s -> Optional.of(s.memory().processed())),
    MEMORY_REMAINING(
            "memory_remaining",
            Type.UNSIGNED,
            "bytes",
            s -> Optional.of(s.memory().remaining())),
    MEMORY_CONSTANT("memory_constant", Type.UNSIGNED, "pages", s -> s.pages().constant()),
    MEMORY_NORMAL("memory_normal", Type.UNSIGNED, "pages", s -> s.pages().normal()),
    MEMORY_NORMAL_BYTES(
            "memory_normal_bytes", Type.UNSIGNED, "bytes", s -> s.pages().normalBytes()),
    MEMORY_BPS("memory_bps", Type.UNSIGNED, "bytes/s", s -> s.memory().bytesPerSecond()),
    MEMORY_DIRTY_RATE(
            "memory_dirty_rate",
            Type.UNSIGNED,
            "pages/s",
            s -> Optional.of(s.pages().dirtyRate())),
    MEMORY_PAGE_SIZE("memory_page_size", Type.UNSIGNED, "bytes", s -> s.pages().pageSize()),
    MEMORY_ITERATION(
            "memory_iteration",
            Type.UNSIGNED,
            "count",
            s -> Optional.of(s.pages().iteration())),
    MEMORY_POSTCOPY_REQUESTS(
            "memory_postcopy_requests",
            Type.UNSIGNED,
            "count",
            s -> Optional.of(s.pages().postCopyRequests())),
    DISK_TOTAL("disk_total", Type.UNSIGNED, "bytes", s -> Optional.of(s.disk().total())),
    DISK_PROCESSED(
            "disk_processed", Type.UNSIGNED, "bytes", s -> Optional.of(s.disk().processed())),
    DISK_REMAINING(
            "disk_remaining", Type.UNSIGNED, "bytes", s -> Optional.of(s.disk().remaining())),
    DISK_BPS("disk_bps", Type.UNSIGNED, "bytes/s", s -> s.disk().bytesPerSecond()),
    COMPRESSION_CACHE("compression_cache", Type.UNSIGNED, "bytes", xbzrle(XbzrleStats::cacheSize)),
    COMPRESSION_BYTES("compression_bytes", Type.UNSIGNED, "bytes", xbzrle(XbzrleStats::bytes)),
    COMPRESSION_PAGES("compression_pages", Type.UNSIGNED, "pages", xbzrle(XbzrleStats::pages)),
    COMPRESSION_CACHE_MISSES("compression_cache_misses", Type.UNSIGNED, "pages", xbzrle(XbzrleStats::misses)),
    COMPRESSION_OVERFLOW("compression_overflow", Type.UNSIGNED, "pages", xbzrle(XbzrleStats::overflows)),
    AUTO_CONVERGE_THROTTLE("auto_converge_throttle", Type.INT, "percent", s -> s.throttlePercent()),
    /** libvirt knows it of backups only; here every job that has ended tells it. */
    SUCCESS("success", Type.BOOLEAN, "", s -> s.outcome().map(Outcome::success)),
    ERRMSG("errmsg", Type.TEXT, "", s -> s.outcome().flatMap(Outcome::message));

    /** libvirt's types, and the Java types of {@link JobStats#toTyped}. */
    public enum Type {
        /** 64 bits, without a sign. */
        UNSIGNED(Long.class),
        /** 32 bits, with a sign. */
        INT(Integer.class),
        BOOLEAN(Boolean.class),
        TEXT(String.class);

        private final Class<?> javaType;

        Type(Class<?> javaType) {
            this.javaType = javaType;
        }

        public Class<?> javaType() {
            return javaType;
        }
    }

    private final String key;
    private final Type type;
    private final String unit;

    @SuppressWarnings("ImmutableEnumChecker") // it has no state
    private final Function<JobStats, Optional<?>> value;

    StatsField(String key, Type type, String unit, Function<JobStats, Optional<?>> value) {
        this.key = key;
        this.type = type;
        this.unit = unit;
        this.value = value;
    }

    private static Function<JobStats, Optional<?>> xbzrle(Function<XbzrleStats, Long> figure) {
        return s -> s.xbzrle().map(figure);
    }

    public String key() {
        return key;
    }

    public Type type() {
        return type;
    }

    /** Empty where there is none. */
    public String unit() {
        return unit;
    }

    /** Empty where it does not apply. */
    public Optional<Object> of(JobStats stats) {
        return value.apply(stats).map(Object.class::cast);
    }

    public static Optional<StatsField> named(String key) {
        return Arrays.stream(values()).filter(f -> f.key.equals(key)).findFirst();
    }
}
