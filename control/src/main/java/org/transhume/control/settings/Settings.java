package org.transhume.control.settings;

import java.time.Duration;
import java.util.Map;

/**
 * The capabilities and parameters of one guest process. A change is checked as a whole and then made as a whole, or not
 * at all. Safe for any number of threads; readers never wait.
 */
public final class Settings {
    /** What a QEMU says that was built without migration of disks inside the stream. */
    public static final String NO_STORAGE_MIGRATION =
            "QEMU compiled without old-style (blk/-b, inc/-i) block migration";

    private static final Duration RFC_CHECKPOINT_DELAY = Duration.ofMillis(100);

    private final Object changing = new Object();
    // Volatile: a reader that sees the new set sees all of its values.
    private volatile SettingsValues values;
    private volatile Duration checkpointDelay = RFC_CHECKPOINT_DELAY;

    /** All capabilities off, all parameters at the defaults of {@code profile}. */
    public Settings(Profile profile) {
        this.values = SettingsValues.defaults(profile);
    }

    public Profile profile() {
        return values.profile();
    }

    /** Longest time between two micro-checkpoints: no parameter of migrations, and not part of {@link #values}. */
    public Duration checkpointDelay() {
        return checkpointDelay;
    }

    /** Counts from the next micro-checkpoint on. */
    public void checkpointDelay(Duration delay) {
        checkpointDelay = delay;
    }

    /** The settings of this instant, all from between the same two changes. */
    public SettingsValues values() {
        return values;
    }

    /**
     * Switches capabilities on and off; those not named stay.
     *
     * @throws SettingRefusedException if a migration is running, or the set that would result is not allowed
     */
    public void setCapabilities(Map<Capability, Boolean> changes, Circumstances circumstances)
            throws SettingRefusedException {
        synchronized (changing) {
            if (circumstances.outgoingRunning()) {
                throw new SettingRefusedException("There's a migration process in progress");
            }
            for (Capability capability : changes.keySet()) {
                if (!capability.in(profile())) {
                    throw new SettingRefusedException(
                            "Parameter 'capability' does not accept value '" + capability + "'");
                }
            }
            SettingsValues next = values.withCapabilities(changes);
            refuse(CapabilityRule.firstBroken(new CapabilityRule.Proposal(values, next, circumstances))
                    .orElse(null));
            values = next;
        }
    }

    /** Has a new set of parameters do to whatever runs what they do at once. */
    @FunctionalInterface
    public interface Effect {
        /**
         * Called before {@code next} is in force.
         *
         * @throws SettingRefusedException if it cannot be had; everything is then as it was
         */
        void take(SettingsValues next) throws SettingRefusedException;
    }

    /** As {@link #setParameters(Map, Effect)}, where nothing runs. */
    public void setParameters(Map<Parameter, ?> changes) throws SettingRefusedException {
        setParameters(changes, _ -> {});
    }

    /**
     * Gives parameters new values, each of the Java type its {@link ParameterType} names; those not named stay. Allowed
     * at any time.
     *
     * @throws SettingRefusedException if the values that would result are not allowed, or {@code effect} refuses them
     */
    public void setParameters(Map<Parameter, ?> changes, Effect effect) throws SettingRefusedException {
        synchronized (changing) {
            for (Parameter parameter : changes.keySet()) {
                if (!parameter.in(profile())) {
                    throw new SettingRefusedException("Parameter '" + parameter + "' is unexpected");
                }
            }
            SettingsValues next = values.withParameters(changes);
            refuse(ParameterRule.firstBroken(next).orElse(null));
            effect.take(next);
            values = next;
        }
    }

    private static void refuse(String refusal) throws SettingRefusedException {
        if (refusal != null) {
            throw new SettingRefusedException(refusal);
        }
    }

    /** As {@link SettingsValues#enabled}, at this instant. */
    public boolean enabled(Capability capability) {
        return values.enabled(capability);
    }

    /** As {@link SettingsValues#size}, at this instant. */
    public long size(Parameter parameter) {
        return values.size(parameter);
    }

    /** As {@link SettingsValues#count}, at this instant. */
    public int count(Parameter parameter) {
        return values.count(parameter);
    }

    /** As {@link SettingsValues#flag}, at this instant. */
    public boolean flag(Parameter parameter) {
        return values.flag(parameter);
    }

    /** As {@link SettingsValues#text}, at this instant. */
    public String text(Parameter parameter) {
        return values.text(parameter);
    }
}
