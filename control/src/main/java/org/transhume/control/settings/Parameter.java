package org.transhume.control.settings;

import static org.transhume.control.settings.ParameterSpec.choice;
import static org.transhume.control.settings.ParameterSpec.flag;
import static org.transhume.control.settings.ParameterSpec.mapping;
import static org.transhume.control.settings.ParameterSpec.size;
import static org.transhume.control.settings.ParameterSpec.text;
import static org.transhume.control.settings.ParameterSpec.uint32;
import static org.transhume.control.settings.ParameterSpec.uint8;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * Every parameter of the profiles, in the order in which the members of {@code migrate-set-parameters} are checked.
 * Rules between two parameters, or a parameter and a capability, are in {@link ParameterRule}.
 */
@SuppressWarnings("ImmutableEnumChecker") // the spec is a record of immutable values, which the checker cannot see
public enum Parameter {
    ANNOUNCE_INITIAL(size("ms")
            .range(0, 100_000, "Parameter 'announce_initial' expects a value between 0 and 100000")
            .in100(50)
            .effect("when the destination has loaded")
            .about("delay before the second announcement of the guest's new place; the first goes out at once")),
    ANNOUNCE_MAX(size("ms")
            .range(0, 100_000, "Parameter 'announce_max' expects a value between 0 and 100000")
            .in100(550)
            .effect("when the destination has loaded")
            .about("longest delay between two announcements")),
    ANNOUNCE_ROUNDS(size("packets")
            .range(0, 1000, "Parameter 'announce_rounds' expects a value between 0 and 1000")
            .in100(5)
            .effect("when the destination has loaded")
            .about("announcements to send; 0 sends none")),
    // The text says 0, but 0 is refused: so does QEMU.
    ANNOUNCE_STEP(size("ms")
            .range(1, 10_000, "Parameter 'announce_step' expects a value between 0 and 10000")
            .in100(100)
            .effect("when the destination has loaded")
            .about("growth of the delay from one announcement to the next")),
    COMPRESS_LEVEL(uint8("level")
            .range(0, 9, "Parameter 'compress_level' expects a value between 0 and 9")
            .in31(1)
            .effect("start of migration")
            .about("zlib level of the compression threads")),
    COMPRESS_THREADS(uint8("threads")
            .range(1, 255, "Parameter 'compress_threads' expects a value between 1 and 255")
            .in31(8)
            .effect("start of migration")
            .about("compression threads on the source")),
    COMPRESS_WAIT_THREAD(flag().in31(true)
            .effect("immediately, per page")
            .about("wait for a free compression thread rather than send the page as it is")),
    DECOMPRESS_THREADS(uint8("threads")
            .range(1, 255, "Parameter 'decompress_threads' expects a value between 1 and 255")
            .in31(2)
            .effect("start of incoming migration")
            .about("decompression threads on the destination")),
    THROTTLE_TRIGGER_THRESHOLD(uint8("percent")
            .range(1, 100, "Parameter 'throttle_trigger_threshold' expects an integer in the range of 1 to 100")
            .in100(50)
            .effect("next look at the dirty bitmap")
            .about("bytes written in proportion to bytes sent above which a period counts as too dirty")),
    CPU_THROTTLE_INITIAL(uint8("percent")
            .range(1, 99, "Parameter 'cpu_throttle_initial' expects an integer in the range of 1 to 99")
            .in31(20)
            .in100(20)
            .effect("when throttling first sets in")
            .about("first step of throttling; at most max-cpu-throttle")),
    CPU_THROTTLE_INCREMENT(uint8("percent")
            .range(1, 99, "Parameter 'cpu_throttle_increment' expects an integer in the range of 1 to 99")
            .in31(10)
            .in100(10)
            .effect("next step")
            .about("what each further step adds")),
    CPU_THROTTLE_TAILSLOW(flag().in100(false).effect("next step").about("smaller steps towards the end")),
    TLS_CREDS(text("object id")
            .in31("")
            .in100("")
            .notBuilt("Parameter 'tls-creds' is not built into this version of Transhume")
            .effect("next connection or listener")
            .about("credentials for TLS on the migration's channels; empty is plain text")),
    TLS_HOSTNAME(text("host name")
            .in31("")
            .in100("")
            .effect("next connection")
            .about("name expected in the server's certificate; empty is the host of the address")),
    TLS_AUTHZ(
            text("object id").in100("").effect("next accepted connection").about("who may connect to the destination")),
    MAX_BANDWIDTH(size("bytes/second")
            .range(
                    0,
                    -1L,
                    "Parameter 'max_bandwidth' expects an integer in the range of 0 to 18446744073709551615"
                            + " bytes/second")
            .in31(33_554_432)
            .in100(134_217_728)
            .effect("immediately, except in postcopy")
            .about("cap on what is sent in precopy; 0 is none")),
    AVAIL_SWITCHOVER_BANDWIDTH(size("bytes/second")
            .range(
                    0,
                    -1L,
                    "Parameter 'avail_switchover_bandwidth' expects an integer in the range of 0 to"
                            + " 18446744073709551615 bytes/second")
            .in100(0)
            .effect("within 100 ms")
            .about("bandwidth to count on for the pause; 0 is the measured one. Caps nothing")),
    DOWNTIME_LIMIT(size("ms")
            .range(0, 2_000_000, "Parameter 'downtime_limit' expects an integer in the range of 0 to (2000 * 1000) ms")
            .in31(300)
            .in100(300)
            .effect("within 100 ms")
            .about("longest pause of the guest that is acceptable")),
    X_CHECKPOINT_DELAY(uint32("ms")
            .range(0, 0xFFFF_FFFFL, "Parameter 'x_checkpoint_delay' expects a value between 0 and 4294967295")
            .in31(20_000)
            .in100(20_000)
            .effect("in COLO: a checkpoint at once, then the new interval")
            .about("time between COLO checkpoints")),
    BLOCK_INCREMENTAL(flag().in31(false)
            .effect("start of migration")
            .about("in storage migration, copy only the top layer of the image")),
    X_MULTIFD_CHANNELS(uint8("channels")
            .range(1, 255, "Parameter 'x_multifd_channels' expects a value between 1 and 255")
            .in31(2)
            .effect("start of migration")
            .about("early form of multifd-channels")),
    X_MULTIFD_PAGE_COUNT(uint32("pages")
            .range(1, 10_000, "Parameter 'x_multifd_page_count' expects a value between 1 and 10000")
            .in31(16)
            .effect("start of migration")
            .about("pages given to a channel at a time")),
    MULTIFD_CHANNELS(uint8("channels")
            .range(1, 255, "Parameter 'multifd_channels' expects a value between 1 and 255")
            .in100(2)
            .effect("start of migration")
            .about("channels for pages; the same on both sides")),
    XBZRLE_CACHE_SIZE(size("bytes")
            .powersOfTwoFrom(
                    4096, "Parameter 'xbzrle_cache_size' expects a power of two no less than the target page size")
            .in31(67_108_864)
            .in100(67_108_864)
            .effect("at once")
            .about("size of the cache of pages sent before")),
    MAX_POSTCOPY_BANDWIDTH(size("bytes/second")
            .range(
                    0,
                    -1L,
                    "Parameter 'max_postcopy_bandwidth' expects an integer in the range of 0 to 18446744073709551615"
                            + " bytes/second")
            .in31(0)
            .in100(0)
            .effect("immediately while in postcopy")
            .about("cap on what is sent unasked in postcopy; 0 is none")),
    MAX_CPU_THROTTLE(uint8("percent")
            .range(1, 99, "Parameter 'max_cpu_throttle' expects an integer in the range of cpu_throttle_initial to 99")
            .in31(99)
            .in100(99)
            .effect("next step; never lowers what is in force")
            .about("most that throttling takes; at least cpu-throttle-initial")),
    MULTIFD_COMPRESSION(choice(
                    List.of("none", "zlib", "zstd"),
                    Map.of(
                            "qatzip",
                            noHardware("qatzip", "Intel's QATzip library and a QuickAssist device"),
                            "qpl",
                            noHardware("qpl", "Intel's QPL library and an In-Memory Analytics Accelerator"),
                            "uadk",
                            noHardware("uadk", "the UADK library and a HiSilicon Kunpeng accelerator")))
            .in100("none")
            .effect("start of migration")
            .about("how channels compress pages; the same on both sides")),
    MULTIFD_ZLIB_LEVEL(uint8("level")
            .range(0, 9, "Parameter 'multifd_zlib_level' expects a value between 0 and 9")
            .in100(1)
            .effect("start of migration")
            .about("level of zlib")),
    MULTIFD_QATZIP_LEVEL(uint8("level")
            .range(1, 9, "Parameter 'multifd_qatzip_level' expects a value between 1 and 9")
            .in100(1)
            .effect("start of migration")
            .about("level of qatzip")),
    MULTIFD_ZSTD_LEVEL(uint8("level")
            .range(0, 20, "Parameter 'multifd_zstd_level' expects a value between 0 and 20")
            .in100(1)
            .effect("start of migration")
            .about("level of zstd")),
    BLOCK_BITMAP_MAPPING(mapping()
            .in100(Unset.INSTANCE)
            .effect("start of migration")
            .about("names for block nodes and bitmaps in the stream; absent until first set")),
    X_VCPU_DIRTY_LIMIT_PERIOD(size("ms")
            .range(1, 1000, "Parameter 'x-vcpu-dirty-limit-period' expects a value between 1 and 1000")
            .in100(1000)
            .effect("next period")
            .about("how often dirty-limit looks")),
    // The text says "greater than 1", but 1 is accepted: so does QEMU.
    VCPU_DIRTY_LIMIT(size("MiB/s")
            .range(1, -1L, "Parameter 'vcpu_dirty_limit' must be greater than 1 MB/s")
            .in100(1)
            .effect("when throttling next sets in")
            .about("what a vCPU may write under dirty-limit")),
    MODE(choice("normal").in100("normal").effect("at migrate").about("kind of migration")),
    ZERO_PAGE_DETECTION(choice("none", "legacy", "multifd")
            .in100("multifd")
            .effect("immediately, per page")
            .about("where pages of zeros are found: nowhere, by the main thread, by the channels")),
    DIRECT_IO(flag().in100(false)
            .notBuilt("No build-time support for direct-io")
            .effect("when the file is opened")
            .about("go past the page cache when migrating to a file"));

    /** Stands for the value of a parameter that is absent until it is first set. */
    enum Unset {
        INSTANCE
    }

    private final ParameterSpec spec;

    Parameter(ParameterSpec spec) {
        this.spec = spec;
    }

    private static String noHardware(String method, String needed) {
        return "Parameter 'multifd-compression': %s needs %s, which this build has no support for; use none, zlib or zstd"
                .formatted(method, needed);
    }

    /** All parameters of {@code profile}, in the order they are checked. */
    public static List<Parameter> of(Profile profile) {
        return Arrays.stream(values()).filter(p -> p.in(profile)).toList();
    }

    /** The parameter called {@code wireName} in {@code profile}. */
    public static Optional<Parameter> named(String wireName, Profile profile) {
        return of(profile).stream().filter(p -> p.wireName().equals(wireName)).findFirst();
    }

    /** The name on the wire, for instance {@code max-bandwidth}. */
    public String wireName() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /** Whether {@code profile} knows it. */
    public boolean in(Profile profile) {
        return defaultIn(profile) != null;
    }

    /** The value at first, of the Java type that its {@link ParameterType} names; null if the profile lacks it. */
    Object defaultIn(Profile profile) {
        return switch (profile) {
            case V3_1 -> spec.default31();
            case V10_0 -> spec.default100();
        };
    }

    /** The kind of value; the integers of 3.1 are signed and of 64 bits, whatever their range. */
    public ParameterType type(Profile profile) {
        return profile == Profile.V3_1 && spec.type() instanceof ParameterType.Whole
                ? new ParameterType.Whole(IntegerType.INT64)
                : spec.type();
    }

    /** The unit of the value, empty if it has none. */
    public String unit() {
        return spec.unit();
    }

    /** Least value accepted, if it is an integer. */
    public long min() {
        return spec.min();
    }

    /** Greatest value accepted, if it is an integer; unsigned. */
    public long max() {
        return spec.max();
    }

    /** Whether this release honours values other than the default. */
    public boolean built() {
        return spec.built();
    }

    /** When a change takes effect during a migration. */
    public String effect() {
        return spec.effect();
    }

    public String description() {
        return spec.description();
    }

    /** The value at first in {@code profile}, as text; empty if it has none, or there is no such parameter. */
    public Optional<String> shownDefault(Profile profile) {
        Object value = defaultIn(profile);
        return value == null || value == Unset.INSTANCE ? Optional.empty() : Optional.of(value.toString());
    }

    /** The values accepted, for readers; empty if all that are of the type. */
    public String range() {
        return switch (spec.type()) {
            case ParameterType.Choice choice -> String.join(", ", choice.accepted());
            case ParameterType.Whole _ when spec.powerOfTwo() -> "powers of two from " + spec.min();
            case ParameterType.Whole _ -> spec.min() + ".." + (spec.max() == -1 ? "2^64-1" : spec.max());
            case ParameterType.Flag _, ParameterType.Text _, ParameterType.Mapping _ -> "";
        };
    }

    /** What clients are told whose parameters do not go together, or not with the capabilities. */
    public static List<String> refusalsBetween() {
        return ParameterRule.refusals();
    }

    /** What a client is told whose value is out of range or not built. */
    String refusal() {
        return spec.refusal();
    }

    /** Whether {@code value}, of the right Java type, is acceptable by itself. */
    boolean accepts(Object value, Profile profile) {
        if (!spec.built() && !Objects.equals(value, defaultIn(profile))) {
            return false;
        }
        return switch (type(profile)) {
            case ParameterType.Whole(IntegerType type) -> inRange((Long) value, type);
            case ParameterType.Choice choice -> choice.accepted().contains(value);
            case ParameterType.Flag _, ParameterType.Text _, ParameterType.Mapping _ -> true;
        };
    }

    private boolean inRange(long value, IntegerType type) {
        boolean positive = type.unsigned() || value >= 0;
        return positive
                && Long.compareUnsigned(value, spec.min()) >= 0
                && Long.compareUnsigned(value, spec.max()) <= 0
                && (!spec.powerOfTwo() || Long.bitCount(value) == 1);
    }

    @Override
    public String toString() {
        return wireName();
    }
}
