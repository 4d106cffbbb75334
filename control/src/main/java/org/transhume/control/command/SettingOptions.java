package org.transhume.control.command;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.transhume.control.settings.Capability;
import org.transhume.control.settings.Circumstances;
import org.transhume.control.settings.Parameter;
import org.transhume.control.settings.ParameterText;
import org.transhume.control.settings.Profile;
import org.transhume.control.settings.SettingRefusedException;
import org.transhume.control.settings.Settings;
import org.transhume.control.settings.SettingsValues;
import picocli.CommandLine;

/** Capabilities and parameters on the command line, by the names and with the checks that QMP has for them. */
class SettingOptions {
    @CommandLine.Option(
            names = "--capability",
            paramLabel = "NAME",
            completionCandidates = Completions.Capabilities.class,
            description = "Switch a migration capability on, e.g. multifd or return-path; repeatable.")
    List<String> capabilities = List.of();

    @CommandLine.Option(
            names = "--parameter",
            paramLabel = "NAME=VALUE",
            completionCandidates = Completions.Parameters.class,
            description = "Set a migration parameter, e.g. multifd-channels=4 or max-bandwidth=1G; repeatable.")
    List<String> parameters = List.of();

    @CommandLine.Spec(CommandLine.Spec.Target.MIXEE)
    CommandLine.Model.CommandSpec spec;

    /**
     * The settings of {@code profile} with what the command itself wants, and on top of it what the options say.
     *
     * @param on capabilities
     * @param values of parameters, as text
     * @throws CommandLine.ParameterException if they are not allowed
     */
    Settings settings(Profile profile, List<Capability> on, Map<Parameter, String> values) {
        Settings settings = new Settings(profile);
        try {
            Map<Capability, Boolean> switches = new HashMap<>();
            on.forEach(capability -> switches.put(capability, true));
            for (String name : capabilities) {
                switches.put(capability(name, profile), true);
            }
            Map<Parameter, Object> changes = new HashMap<>();
            for (Map.Entry<Parameter, String> value : values.entrySet()) {
                changes.put(value.getKey(), ParameterText.parse(value.getKey(), profile, value.getValue()));
            }
            for (String setting : parameters) {
                int equals = setting.indexOf('=');
                Parameter parameter = parameter(setting, equals, profile);
                changes.put(parameter, ParameterText.parse(parameter, profile, setting.substring(equals + 1)));
            }
            settings.setCapabilities(switches, Circumstances.IDLE);
            settings.setParameters(changes);
        } catch (SettingRefusedException e) {
            throw wrong(e.getMessage());
        }
        return settings;
    }

    /** @throws CommandLine.ParameterException if a migration would wait for a command that nobody can give */
    void checkNobodyHasToContinue(SettingsValues settings) {
        if (settings.enabled(Capability.PAUSE_BEFORE_SWITCHOVER)) {
            throw wrong("capability 'pause-before-switchover' waits for migrate-continue, which takes a QMP socket:"
                    + " send and guest have one with --qmp");
        }
    }

    /** @throws CommandLine.ParameterException unless a migration could turn to postcopy, which {@code option} is for */
    void checkPostcopy(String option, SettingsValues settings) {
        if (!settings.enabled(Capability.POSTCOPY_RAM)) {
            throw wrong("%s is for migrations that may turn to postcopy: add --capability postcopy-ram, on both sides"
                    .formatted(option));
        }
    }

    private Capability capability(String name, Profile profile) {
        return Capability.named(name, profile)
                .orElseThrow(() -> wrong("capability '%s': expected one of %s"
                        .formatted(
                                name,
                                Capability.of(profile).stream()
                                        .map(Capability::wireName)
                                        .toList())));
    }

    private Parameter parameter(String setting, int equals, Profile profile) {
        return Parameter.named(equals < 0 ? setting : setting.substring(0, equals), profile)
                .filter(_ -> equals > 0)
                .orElseThrow(() -> wrong("parameter '%s': expected NAME=VALUE with a name of %s"
                        .formatted(
                                setting,
                                Parameter.of(profile).stream()
                                        .map(Parameter::wireName)
                                        .toList())));
    }

    private CommandLine.ParameterException wrong(String message) {
        return new CommandLine.ParameterException(spec.commandLine(), message);
    }
}
