package org.transhume.control.settings;

import java.util.EnumMap;
import java.util.EnumSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** All capabilities and parameters of a process at one instant. Immutable, so a migration can hold on to its own. */
public final class SettingsValues {
    private final Profile profile;
    private final Set<Capability> enabled;
    private final Map<Parameter, Object> values;

    private SettingsValues(Profile profile, Set<Capability> enabled, Map<Parameter, Object> values) {
        this.profile = profile;
        this.enabled = enabled;
        this.values = values;
    }

    static SettingsValues defaults(Profile profile) {
        Map<Parameter, Object> values = new EnumMap<>(Parameter.class);
        Parameter.of(profile).forEach(p -> values.put(p, p.defaultIn(profile)));
        Set<Capability> enabled = EnumSet.noneOf(Capability.class);
        Capability.of(profile).stream().filter(Capability::onAtFirst).forEach(enabled::add);
        return new SettingsValues(profile, enabled, values);
    }

    SettingsValues withCapabilities(Map<Capability, Boolean> changes) {
        Set<Capability> next = EnumSet.copyOf(enabled);
        changes.forEach((capability, on) -> {
            if (on) {
                next.add(capability);
            } else {
                next.remove(capability);
            }
        });
        return new SettingsValues(profile, next, values);
    }

    SettingsValues withParameters(Map<Parameter, ?> changes) {
        Map<Parameter, Object> next = new EnumMap<>(values);
        next.putAll(changes);
        return new SettingsValues(profile, enabled, next);
    }

    public Profile profile() {
        return profile;
    }

    /** Whether {@code capability} is on; one that the profile does not know is off. */
    public boolean enabled(Capability capability) {
        return enabled.contains(capability);
    }

    /** An integer parameter; {@link Long#MAX_VALUE} if it is that or more, being unsigned. */
    public long size(Parameter parameter) {
        long value = (Long) value(parameter);
        return value < 0 ? Long.MAX_VALUE : value;
    }

    /** An integer parameter; {@link Integer#MAX_VALUE} if it is that or more. */
    public int count(Parameter parameter) {
        return (int) Math.min(size(parameter), Integer.MAX_VALUE);
    }

    /** A parameter that is true or false. */
    public boolean flag(Parameter parameter) {
        return (Boolean) value(parameter);
    }

    /** A parameter that is a text or one of several words. */
    public String text(Parameter parameter) {
        return (String) value(parameter);
    }

    /** The value of {@code block-bitmap-mapping}, empty until it has been set. */
    public Optional<BitmapMapping> bitmapMapping() {
        return values.get(Parameter.BLOCK_BITMAP_MAPPING) instanceof BitmapMapping mapping
                ? Optional.of(mapping)
                : Optional.empty();
    }

    /**
     * The value as its {@link ParameterType} keeps it.
     *
     * @throws IllegalArgumentException if the profile has no such parameter
     */
    public Object value(Parameter parameter) {
        Object value = values.get(parameter);
        if (value == null) {
            throw new IllegalArgumentException(parameter + " is no parameter of profile " + profile);
        }
        return value;
    }

    /** Whether there is a value: all parameters of the profile have one, but a mapping only once set. */
    public boolean present(Parameter parameter) {
        return values.get(parameter) != null && values.get(parameter) != Parameter.Unset.INSTANCE;
    }

    /** Whether pages travel as they are, neither compressed by their channel nor encrypted. */
    boolean plainPages() {
        return noMultifdCompression()
                && !enabled(Capability.X_LZ4)
                && !enabled(Capability.X_ADAPTIVE)
                && text(Parameter.TLS_CREDS).isEmpty();
    }

    /** Whether {@code multifd-compression} is none, or unknown to the profile. */
    boolean noMultifdCompression() {
        return values.getOrDefault(Parameter.MULTIFD_COMPRESSION, "none").equals("none");
    }
}
