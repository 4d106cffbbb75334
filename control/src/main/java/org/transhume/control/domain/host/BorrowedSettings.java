package org.transhume.control.domain.host;

import java.util.EnumMap;
import java.util.Map;
import org.transhume.control.domain.error.UnsupportedCapabilityException;
import org.transhume.control.guest.MigrationControl;
import org.transhume.control.settings.Capability;
import org.transhume.control.settings.Parameter;
import org.transhume.control.settings.SettingRefusedException;
import org.transhume.control.settings.SettingsValues;

/** Capabilities and parameters of a guest while a job has them. */
final class BorrowedSettings {
    private final MigrationControl control;
    private final Map<Capability, Boolean> capabilities = new EnumMap<>(Capability.class);
    private final Map<Parameter, Object> parameters = new EnumMap<>(Parameter.class);

    private BorrowedSettings(MigrationControl control) {
        this.control = control;
    }

    /**
     * Sets them, until they are given back.
     *
     * @throws UnsupportedCapabilityException if they are refused; all is then as it was
     */
    static BorrowedSettings take(MigrationControl control, SpecSettings wanted) {
        BorrowedSettings borrowed = new BorrowedSettings(control);
        SettingsValues before = control.settings().values();
        wanted.capabilities().keySet().forEach(c -> borrowed.capabilities.put(c, before.enabled(c)));
        wanted.parameters().keySet().forEach(p -> borrowed.parameters.put(p, before.value(p)));
        // Speed and pause may be changed on the way, and are put back as well.
        borrowed.parameters.put(Parameter.MAX_BANDWIDTH, before.value(Parameter.MAX_BANDWIDTH));
        borrowed.parameters.put(Parameter.DOWNTIME_LIMIT, before.value(Parameter.DOWNTIME_LIMIT));
        borrowed.parameters.put(Parameter.MAX_POSTCOPY_BANDWIDTH, before.value(Parameter.MAX_POSTCOPY_BANDWIDTH));
        borrowed.parameters.put(Parameter.XBZRLE_CACHE_SIZE, before.value(Parameter.XBZRLE_CACHE_SIZE));
        try {
            control.setCapabilities(wanted.capabilities());
            control.setParameters(wanted.parameters());
        } catch (SettingRefusedException e) {
            borrowed.giveBack();
            throw new UnsupportedCapabilityException(e.getMessage());
        }
        return borrowed;
    }

    /** Puts everything back; no migration may run. */
    void giveBack() {
        try {
            control.setParameters(parameters);
            control.setCapabilities(capabilities);
        } catch (SettingRefusedException e) {
            // They were allowed together before, so somebody has changed others meanwhile, and that counts.
        }
    }
}
