package org.transhume.control.domain.spec;

import static org.transhume.control.domain.spec.MigrationFlag.Lacking.DISKS;

import java.util.Arrays;
import java.util.Optional;

/**
 * The typed parameters of a migration; the table of §3 of the domain API. Keys that begin with {@code x-} are Transhume's own.
 */
public enum MigrationParameter {
    MIGRATE_URI("migrate_uri", Kind.TEXT, "migrateuri", null),
    DESTINATION_NAME("destination_name", Kind.TEXT, "dname", null),
    DESTINATION_XML("destination_xml", Kind.TEXT, "xml", null),
    PERSISTENT_XML("persistent_xml", Kind.TEXT, "persistent-xml", null),
    /** MiB/s, 0 is the default. */
    BANDWIDTH("bandwidth", Kind.UNSIGNED, 0, Bandwidth.MAX_MIB, "bandwidth", null),
    BANDWIDTH_POSTCOPY("bandwidth.postcopy", Kind.UNSIGNED, 0, Bandwidth.MAX_MIB, "postcopy-bandwidth", null),
    BANDWIDTH_AVAIL_SWITCHOVER(
            "bandwidth.avail.switchover", Kind.UNSIGNED, 0, Bandwidth.MAX_MIB, "available-switchover-bandwidth", null),
    GRAPHICS_URI("graphics_uri", Kind.TEXT, "graphicsuri", "redirecting consoles"),
    LISTEN_ADDRESS("listen_address", Kind.TEXT, "listen-address", null),
    MIGRATE_DISKS("migrate_disks", Kind.TEXTS, "migrate-disks", DISKS),
    MIGRATE_DISKS_DETECT_ZEROES("migrate_disks_detect_zeroes", Kind.TEXTS, "migrate-disks-detect-zeroes", DISKS),
    DISKS_PORT("disks_port", Kind.INT, 0, 65535, "disks-port", DISKS),
    DISKS_URI("disks_uri", Kind.TEXT, "disks-uri", DISKS),
    COMPRESSION("compression", Kind.TEXTS, "comp-methods", null),
    COMPRESSION_MT_LEVEL("compression.mt.level", Kind.INT, 0, 9, "comp-mt-level", null),
    COMPRESSION_MT_THREADS("compression.mt.threads", Kind.INT, 1, 255, "comp-mt-threads", null),
    COMPRESSION_MT_DTHREADS("compression.mt.dthreads", Kind.INT, 1, 255, "comp-mt-dthreads", null),
    /** Bytes. */
    COMPRESSION_XBZRLE_CACHE("compression.xbzrle.cache", Kind.UNSIGNED, 0, Long.MAX_VALUE, "comp-xbzrle-cache", null),
    COMPRESSION_ZLIB_LEVEL("compression.zlib.level", Kind.INT, 0, 9, "comp-zlib-level", null),
    COMPRESSION_ZSTD_LEVEL("compression.zstd.level", Kind.INT, 0, 20, "comp-zstd-level", null),
    /** Percent. */
    AUTO_CONVERGE_INITIAL("auto_converge.initial", Kind.INT, 1, 99, "auto-converge-initial", null),
    AUTO_CONVERGE_INCREMENT("auto_converge.increment", Kind.INT, 1, 99, "auto-converge-increment", null),
    PARALLEL_CONNECTIONS("parallel.connections", Kind.INT, 1, 255, "parallel-connections", null),
    TLS_DESTINATION("tls.destination", Kind.TEXT, "tls-destination", null),
    /** Milliseconds, for this migration only. */
    X_MAX_DOWNTIME("x-max-downtime", Kind.UNSIGNED, 0, 2_000_000, "x-max-downtime", null),
    /** Percent beyond which the guest is never slowed down. */
    X_AUTO_CONVERGE_MAXIMUM("x-auto-converge.maximum", Kind.INT, 1, 99, "x-auto-converge-maximum", null);

    /** What values there are. */
    public enum Kind {
        TEXT(String.class),
        /** May occur several times. */
        TEXTS(String.class),
        /** 64 bits, without a sign. */
        UNSIGNED(Long.class),
        /** 32 bits, with a sign. */
        INT(Integer.class);

        private final Class<?> type;

        Kind(Class<?> type) {
            this.type = type;
        }

        /** The Java type of one value. */
        public Class<?> type() {
            return type;
        }
    }

    private final String key;
    private final Kind kind;
    private final long min;
    private final long max;
    private final String option;
    private final String lacking;

    MigrationParameter(String key, Kind kind, String option, String lacking) {
        this(key, kind, 0, 0, option, lacking);
    }

    MigrationParameter(String key, Kind kind, long min, long max, String option, String lacking) {
        this.key = key;
        this.kind = kind;
        this.min = min;
        this.max = max;
        this.option = option;
        this.lacking = lacking;
    }

    public String key() {
        return key;
    }

    public Kind kind() {
        return kind;
    }

    /** The option of virsh that sets it, without hyphens in front. */
    public String option() {
        return option;
    }

    /** As of {@link MigrationFlag#lacking}. */
    public Optional<String> lacking() {
        return Optional.ofNullable(lacking);
    }

    public static Optional<MigrationParameter> of(String key) {
        return Arrays.stream(values()).filter(p -> p.key.equals(key)).findFirst();
    }

    /** What is wrong with one value of the right type; empty if nothing. */
    Optional<String> complaint(Object value) {
        return switch (kind) {
            case TEXT, TEXTS ->
                value.toString().isEmpty() ? Optional.of("%s is empty: leave it out".formatted(key)) : Optional.empty();
            case UNSIGNED, INT -> {
                long number = ((Number) value).longValue();
                yield number < min || number > max
                        ? Optional.of("%s=%s: expected %d..%d"
                                .formatted(
                                        key,
                                        value instanceof Long whole ? Long.toUnsignedString(whole) : value,
                                        min,
                                        max))
                        : Optional.empty();
            }
        };
    }
}
