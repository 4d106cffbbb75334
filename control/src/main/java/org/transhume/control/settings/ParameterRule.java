package org.transhume.control.settings;

import static org.transhume.control.settings.Capability.MAPPED_RAM;
import static org.transhume.control.settings.Capability.X_ADAPTIVE;
import static org.transhume.control.settings.Capability.X_LZ4;
import static org.transhume.control.settings.Capability.ZERO_COPY_SEND;
import static org.transhume.control.settings.Parameter.CPU_THROTTLE_INITIAL;
import static org.transhume.control.settings.Parameter.MAX_CPU_THROTTLE;

import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;

/**
 * One thing that must hold between parameters, or parameters and capabilities, and what to say if it does not.
 *
 * @param broken decides on a complete new set
 * @param refusal text for the client
 */
record ParameterRule(Predicate<SettingsValues> broken, String refusal) {
    /** In the order in which they are checked, after the range of every parameter. */
    private static final List<ParameterRule> RULES = List.of(
            new ParameterRule(
                    v -> v.count(MAX_CPU_THROTTLE) < v.count(CPU_THROTTLE_INITIAL), MAX_CPU_THROTTLE.refusal()),
            new ParameterRule(
                    v -> v.enabled(ZERO_COPY_SEND) && !v.plainPages(),
                    "Zero copy only available for non-compressed non-TLS multifd migration"),
            new ParameterRule(
                    v -> v.enabled(MAPPED_RAM) && !v.plainPages(),
                    "Mapped-ram only available for non-compressed non-TLS multifd migration"),
            instead(X_LZ4),
            instead(X_ADAPTIVE));

    private static ParameterRule instead(Capability method) {
        return new ParameterRule(v -> v.enabled(method) && !v.noMultifdCompression(), CapabilityRule.instead(method));
    }

    /** What to tell the client about the first thing wrong with {@code values}. */
    static Optional<String> firstBroken(SettingsValues values) {
        for (Parameter parameter : Parameter.of(values.profile())) {
            Object value = values.value(parameter);
            if (value instanceof BitmapMapping mapping && mapping.flaw().isPresent()) {
                return mapping.flaw();
            }
            if (parameter.built() && !parameter.accepts(value, values.profile())) {
                return Optional.of(refusal(parameter, value, values.profile()));
            }
        }
        return RULES.stream()
                .filter(rule -> rule.broken.test(values))
                .map(ParameterRule::refusal)
                .findFirst()
                .or(() -> firstNotBuilt(values));
    }

    /** What a client is told who breaks one of them. */
    static List<String> refusals() {
        return RULES.stream().map(ParameterRule::refusal).distinct().toList();
    }

    /** Last, so that a set QEMU would refuse is refused in QEMU's words. */
    private static Optional<String> firstNotBuilt(SettingsValues values) {
        return Parameter.of(values.profile()).stream()
                .filter(p -> !p.accepts(values.value(p), values.profile()))
                .map(Parameter::refusal)
                .findFirst();
    }

    private static String refusal(Parameter parameter, Object value, Profile profile) {
        if (parameter.type(profile) instanceof ParameterType.Choice choice
                && choice.lacking().containsKey(value)) {
            return choice.lacking().get(value);
        }
        return parameter.refusal().isEmpty()
                ? "Parameter '" + parameter + "' does not accept value '" + value + "'"
                : parameter.refusal();
    }
}
