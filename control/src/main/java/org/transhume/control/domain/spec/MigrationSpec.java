package org.transhume.control.domain.spec;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.Collectors;
import org.transhume.control.domain.error.IllegalMigrationException;
import org.transhume.control.domain.error.UnsupportedCapabilityException;
import org.transhume.control.domain.error.Violation;

/**
 * What a migration is to be. Immutable, and free of contradictions. {@link #fromTyped} and {@link #toTyped} are inverses of each
 * other.
 */
public final class MigrationSpec {
    /** What becomes of the guest meanwhile. */
    public enum Mode {
        /** It runs while its memory is copied. */
        LIVE,
        /** It stands. */
        STOPPED,
        /** It stays where it is; only its definition moves. */
        OFFLINE
    }

    private final Set<MigrationFlag> flags;
    private final Map<MigrationParameter, Object> values; // a List<String> for what may occur several times

    private MigrationSpec(Set<MigrationFlag> flags, Map<MigrationParameter, Object> values) {
        EnumSet<MigrationFlag> ownFlags = EnumSet.noneOf(MigrationFlag.class);
        ownFlags.addAll(flags);
        Map<MigrationParameter, Object> ownValues = new EnumMap<>(MigrationParameter.class);
        values.forEach((p, v) -> ownValues.put(p, v instanceof Collection<?> several ? List.copyOf(several) : v));
        this.flags = Collections.unmodifiableSet(ownFlags);
        this.values = Collections.unmodifiableMap(ownValues);
    }

    public static Builder builder() {
        return new Builder();
    }

    /** @throws IllegalMigrationException with everything that is wrong */
    public static MigrationSpec fromTyped(Set<MigrationFlag> flags, List<TypedParameter> parameters) {
        Builder builder = new Builder().with(flags.toArray(MigrationFlag[]::new));
        parameters.forEach(p -> builder.typed(p.key(), p.value()));
        return builder.build();
    }

    /** As {@link #fromTyped(Set, List)}. */
    public static MigrationSpec fromTyped(TypedMigration typed) {
        return fromTyped(typed.flags(), typed.parameters());
    }

    /** The same in libvirt's words, parameters in the order of {@link MigrationParameter}. */
    public TypedMigration toTyped() {
        List<TypedParameter> typed = new ArrayList<>();
        values.forEach((parameter, value) -> {
            if (value instanceof List<?> several) {
                several.forEach(one -> typed.add(new TypedParameter(parameter.key(), one)));
            } else {
                typed.add(new TypedParameter(parameter.key(), value));
            }
        });
        return new TypedMigration(flags, typed);
    }

    /** The same, with the given flags beside its own. */
    public MigrationSpec with(MigrationFlag... more) {
        EnumSet<MigrationFlag> all = EnumSet.noneOf(MigrationFlag.class);
        all.addAll(flags);
        all.addAll(List.of(more));
        return fromTyped(all, toTyped().parameters());
    }

    /** What the destination is told: some flags are the source's business alone. */
    public MigrationSpec forDestination() {
        EnumSet<MigrationFlag> told = EnumSet.noneOf(MigrationFlag.class);
        told.addAll(flags);
        told.removeAll(
                List.of(MigrationFlag.ABORT_ON_ERROR, MigrationFlag.AUTO_CONVERGE, MigrationFlag.CHANGE_PROTECTION));
        Map<MigrationParameter, Object> rest = new EnumMap<>(MigrationParameter.class);
        rest.putAll(values);
        rest.keySet()
                .removeAll(List.of(
                        MigrationParameter.AUTO_CONVERGE_INITIAL,
                        MigrationParameter.AUTO_CONVERGE_INCREMENT,
                        MigrationParameter.X_AUTO_CONVERGE_MAXIMUM));
        return new MigrationSpec(told, rest);
    }

    public Set<MigrationFlag> flags() {
        return flags;
    }

    public boolean has(MigrationFlag flag) {
        return flags.contains(flag);
    }

    public Mode mode() {
        if (has(MigrationFlag.OFFLINE)) {
            return Mode.OFFLINE;
        }
        return has(MigrationFlag.LIVE) ? Mode.LIVE : Mode.STOPPED;
    }

    boolean present(MigrationParameter parameter) {
        return values.containsKey(parameter);
    }

    public Optional<String> text(MigrationParameter parameter) {
        return Optional.ofNullable((String) values.get(parameter));
    }

    /** All values of a parameter that may occur several times. */
    public List<String> texts(MigrationParameter parameter) {
        return values.get(parameter) instanceof List<?> several
                ? several.stream().map(Object::toString).toList()
                : List.of();
    }

    public Optional<Long> number(MigrationParameter parameter) {
        return Optional.ofNullable((Number) values.get(parameter)).map(Number::longValue);
    }

    /** XBZRLE if none is named, and nothing else is possible. */
    public Set<CompressionMethod> methods() {
        if (!has(MigrationFlag.COMPRESSED)) {
            return Set.of();
        }
        if (texts(MigrationParameter.COMPRESSION).isEmpty() && !has(MigrationFlag.PARALLEL)) {
            return Set.of(CompressionMethod.XBZRLE);
        }
        return texts(MigrationParameter.COMPRESSION).stream()
                .flatMap(word -> CompressionMethod.of(word).stream())
                .collect(Collectors.toCollection(() -> EnumSet.noneOf(CompressionMethod.class)));
    }

    /** Connections for pages; empty if they go over the main one. */
    public OptionalInt channels() {
        return has(MigrationFlag.PARALLEL)
                ? OptionalInt.of(number(MigrationParameter.PARALLEL_CONNECTIONS)
                        .orElse(2L)
                        .intValue())
                : OptionalInt.empty();
    }

    public Optional<Bandwidth> bandwidth() {
        return number(MigrationParameter.BANDWIDTH)
                .filter(mebibytes -> mebibytes > 0)
                .map(Bandwidth::new);
    }

    public Optional<Duration> maxDowntime() {
        return number(MigrationParameter.X_MAX_DOWNTIME).map(Duration::ofMillis);
    }

    /** The name to arrive under, if not its own. */
    public Optional<String> destinationName() {
        return text(MigrationParameter.DESTINATION_NAME);
    }

    /**
     * Refuses what is sound, and cannot be done by this version.
     *
     * @throws UnsupportedCapabilityException naming the first such flag or parameter
     */
    public void requireBuilt() {
        for (MigrationFlag flag : flags) {
            flag.lacking().ifPresent(what -> refuse("flag " + flag, what));
        }
        for (MigrationParameter parameter : values.keySet()) {
            parameter.lacking().ifPresent(what -> refuse(parameter.key(), what));
        }
        if (text(MigrationParameter.MIGRATE_URI).orElse("").startsWith("rdma:")) {
            refuse("migrate_uri", MigrationFlag.Lacking.RDMA);
        }
    }

    private static void refuse(String subject, String lacking) {
        throw new UnsupportedCapabilityException(
                "%s: %s is not built into this version of Transhume".formatted(subject, lacking));
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof MigrationSpec that && flags.equals(that.flags) && values.equals(that.values);
    }

    @Override
    public int hashCode() {
        return 31 * flags.hashCode() + values.hashCode();
    }

    @Override
    public String toString() {
        return flags + " " + toTyped().parameters();
    }

    /** Collects, and looks at everything together in {@link #build}. One thread. */
    public static final class Builder {
        private final Set<MigrationFlag> flags = EnumSet.noneOf(MigrationFlag.class);
        private final Map<MigrationParameter, Object> values = new EnumMap<>(MigrationParameter.class);
        private final List<Violation> violations = new ArrayList<>();

        private Builder() {}

        public Builder live() {
            return with(MigrationFlag.LIVE);
        }

        public Builder with(MigrationFlag... more) {
            flags.addAll(List.of(more));
            return this;
        }

        /** Over as many connections. */
        public Builder parallel(int connections) {
            return with(MigrationFlag.PARALLEL).set(MigrationParameter.PARALLEL_CONNECTIONS, connections);
        }

        public Builder compressed(CompressionMethod method) {
            return with(MigrationFlag.COMPRESSED).set(MigrationParameter.COMPRESSION, method.word());
        }

        public Builder bandwidth(Bandwidth cap) {
            return set(MigrationParameter.BANDWIDTH, cap.mebibytes());
        }

        public Builder maxDowntime(Duration limit) {
            return set(MigrationParameter.X_MAX_DOWNTIME, limit.toMillis());
        }

        /** Arrives under another name. */
        public Builder rename(String name) {
            return set(MigrationParameter.DESTINATION_NAME, name);
        }

        /** @param value of the Java type that the parameter's kind names */
        public Builder set(MigrationParameter parameter, Object value) {
            return typed(parameter.key(), value);
        }

        private Builder typed(String key, Object value) {
            MigrationParameter parameter = MigrationParameter.of(key).orElse(null);
            if (parameter == null) {
                violations.add(new Violation("unknown-parameter", "parameter '%s' is unknown".formatted(key)));
            } else if (!parameter.kind().type().isInstance(value)) {
                violations.add(new Violation(
                        "wrong-type",
                        "%s: a %s came, expected %s"
                                .formatted(
                                        key,
                                        value.getClass().getSimpleName(),
                                        parameter.kind().type().getSimpleName())));
            } else {
                parameter.complaint(value).ifPresent(text -> violations.add(new Violation("out-of-range", text)));
                put(parameter, value);
            }
            return this;
        }

        private void put(MigrationParameter parameter, Object value) {
            if (parameter.kind() == MigrationParameter.Kind.TEXTS) {
                List<Object> several = new ArrayList<>();
                if (values.get(parameter) instanceof List<?> before) {
                    several.addAll(before);
                }
                several.add(value);
                values.put(parameter, several);
            } else if (values.putIfAbsent(parameter, value) != null) {
                violations.add(new Violation("repeated", "%s is given twice".formatted(parameter.key())));
            }
        }

        /** @throws IllegalMigrationException with everything that is wrong, in the order of the rules */
        public MigrationSpec build() {
            MigrationSpec spec = new MigrationSpec(flags, values);
            List<Violation> all = new ArrayList<>(violations);
            all.addAll(SpecRule.broken(spec));
            if (!all.isEmpty()) {
                throw new IllegalMigrationException(all);
            }
            return spec;
        }
    }
}
