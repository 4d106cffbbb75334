package org.transhume.control.domain.host;

import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import org.transhume.control.domain.error.UnsupportedCapabilityException;
import org.transhume.control.domain.spec.Bandwidth;
import org.transhume.control.domain.spec.CompressionMethod;
import org.transhume.control.domain.spec.MigrationFlag;
import org.transhume.control.domain.spec.MigrationParameter;
import org.transhume.control.domain.spec.MigrationSpec;
import org.transhume.control.settings.Capability;
import org.transhume.control.settings.Parameter;
import org.transhume.control.settings.Profile;

/**
 * A specification as capabilities and parameters, whose own rules are checked where they are set.
 *
 * @param capabilities every one that is built and concerns the stream, so that nothing left over gets into it
 */
record SpecSettings(Map<Capability, Boolean> capabilities, Map<Parameter, Object> parameters) {
    /** They only tell more of a migration. */
    private static final Set<Capability> FOR_WATCHERS = Set.of(Capability.EVENTS, Capability.X_REPORT);

    /** Parameters that are set to what the caller gives, as it is. */
    private static final Map<MigrationParameter, Parameter> ALIKE = Map.of(
            MigrationParameter.X_MAX_DOWNTIME, Parameter.DOWNTIME_LIMIT,
            MigrationParameter.COMPRESSION_XBZRLE_CACHE, Parameter.XBZRLE_CACHE_SIZE,
            MigrationParameter.COMPRESSION_MT_LEVEL, Parameter.COMPRESS_LEVEL,
            MigrationParameter.COMPRESSION_MT_THREADS, Parameter.COMPRESS_THREADS,
            MigrationParameter.COMPRESSION_MT_DTHREADS, Parameter.DECOMPRESS_THREADS,
            MigrationParameter.COMPRESSION_ZLIB_LEVEL, Parameter.MULTIFD_ZLIB_LEVEL,
            MigrationParameter.COMPRESSION_ZSTD_LEVEL, Parameter.MULTIFD_ZSTD_LEVEL,
            MigrationParameter.AUTO_CONVERGE_INITIAL, Parameter.CPU_THROTTLE_INITIAL,
            MigrationParameter.AUTO_CONVERGE_INCREMENT, Parameter.CPU_THROTTLE_INCREMENT,
            MigrationParameter.X_AUTO_CONVERGE_MAXIMUM, Parameter.MAX_CPU_THROTTLE);

    /**
     * @param stored cap that the domain has for all its migrations
     * @throws UnsupportedCapabilityException if the profile has no such thing
     */
    static SpecSettings of(MigrationSpec spec, Profile profile, Optional<Bandwidth> stored) {
        Map<Capability, Boolean> capabilities = new EnumMap<>(Capability.class);
        Capability.of(profile).stream()
                .filter(c -> c.built() && !FOR_WATCHERS.contains(c))
                .forEach(c -> capabilities.put(c, false));
        Map<Parameter, Object> parameters = new EnumMap<>(Parameter.class);
        boolean today = Capability.MULTIFD.in(profile);
        on(capabilities, Capability.RETURN_PATH, profile);
        spec.channels().ifPresent(channels -> {
            on(capabilities, today ? Capability.MULTIFD : Capability.X_MULTIFD, profile);
            put(
                    parameters,
                    today ? Parameter.MULTIFD_CHANNELS : Parameter.X_MULTIFD_CHANNELS,
                    (long) channels,
                    profile);
        });
        if (today) {
            parameters.put(Parameter.MULTIFD_COMPRESSION, "none");
        }
        for (CompressionMethod method : spec.methods()) {
            switch (method) {
                case XBZRLE -> on(capabilities, Capability.XBZRLE, profile);
                case MT -> on(capabilities, Capability.COMPRESS, profile);
                case ZLIB, ZSTD -> put(parameters, Parameter.MULTIFD_COMPRESSION, method.word(), profile);
            }
        }
        if (spec.has(MigrationFlag.AUTO_CONVERGE)) {
            on(capabilities, Capability.AUTO_CONVERGE, profile);
        }
        if (spec.has(MigrationFlag.POSTCOPY)) {
            on(capabilities, Capability.POSTCOPY_RAM, profile);
        }
        spec.number(MigrationParameter.BANDWIDTH_POSTCOPY)
                .map(Bandwidth::new)
                .ifPresent(cap -> put(parameters, Parameter.MAX_POSTCOPY_BANDWIDTH, cap.bytesPerSecond(), profile));
        spec.bandwidth()
                .or(() -> stored)
                .ifPresent(cap -> put(parameters, Parameter.MAX_BANDWIDTH, cap.bytesPerSecond(), profile));
        spec.number(MigrationParameter.BANDWIDTH_AVAIL_SWITCHOVER)
                .map(Bandwidth::new)
                .ifPresent(cap -> put(parameters, Parameter.AVAIL_SWITCHOVER_BANDWIDTH, cap.bytesPerSecond(), profile));
        ALIKE.forEach((from, to) -> spec.number(from).ifPresent(value -> put(parameters, to, value, profile)));
        return new SpecSettings(capabilities, parameters);
    }

    private static void on(Map<Capability, Boolean> capabilities, Capability capability, Profile profile) {
        require(capability, c -> c.in(profile), profile);
        capabilities.put(capability, true);
    }

    private static void put(Map<Parameter, Object> parameters, Parameter parameter, Object value, Profile profile) {
        require(parameter, p -> p.in(profile), profile);
        parameters.put(parameter, value);
    }

    private static <T> void require(T setting, Function<T, Boolean> known, Profile profile) {
        if (!known.apply(setting)) {
            throw new UnsupportedCapabilityException(
                    "this migration needs %s, which profile %s does not have".formatted(setting, profile));
        }
    }
}
