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
import picocli.CommandLine;

/** Capabilities and parameters on the command line, by the names and with the checks that QMP has for them. */
final class MigrationOptions {
    @CommandLine.Option(
            names = "--capability",
            paramLabel = "NAME",
            description = "Switch a migration capability on, e.g. multifd or return-path; repeatable.")
    List<String> capabilities = List.of();

    @CommandLine.Option(
            names = "--parameter",
            paramLabel = "NAME=VALUE",
            description = "Set a migration parameter, e.g. multifd-channels=4 or max-bandwidth=1G; repeatable.")
    List<String> parameters = List.of();

    @CommandLine.Option(
            names = "--profile",
            paramLabel = "10.0|3.1",
            defaultValue = "10.0",
            converter = ProfileConverter.class,
            description = "Names and defaults of which QEMU: 10.0 (default) or 3.1.")
    Profile profile;

    @CommandLine.Option(names = "--qmp", paramLabel = "URI", description = "Answer QMP at unix:PATH or tcp:HOST:PORT.")
    String qmp;

    @CommandLine.Spec(CommandLine.Spec.Target.MIXEE)
    CommandLine.Model.CommandSpec spec;

    /** @param unlimited whether bandwidth is uncapped unless an option says otherwise, as commands have it */
    Settings settings(boolean unlimited) {
        Settings settings = new Settings(profile);
        try {
            if (unlimited) {
                settings.setParameters(
                        Map.of(Parameter.MAX_BANDWIDTH, ParameterText.parse(Parameter.MAX_BANDWIDTH, profile, "0")));
            }
            Map<Capability, Boolean> on = new HashMap<>();
            for (String name : capabilities) {
                on.put(
                        Capability.named(name, profile)
                                .orElseThrow(() -> wrong("capability '%s': expected one of %s"
                                        .formatted(
                                                name,
                                                Capability.of(profile).stream()
                                                        .map(Capability::wireName)
                                                        .toList()))),
                        true);
            }
            settings.setCapabilities(on, Circumstances.IDLE);
            Map<Parameter, Object> values = new HashMap<>();
            for (String setting : parameters) {
                int equals = setting.indexOf('=');
                String name = equals < 0 ? setting : setting.substring(0, equals);
                Parameter parameter = Parameter.named(name, profile)
                        .filter(p -> equals > 0)
                        .orElseThrow(() -> wrong("parameter '%s': expected NAME=VALUE with a name of %s"
                                .formatted(
                                        setting,
                                        Parameter.of(profile).stream()
                                                .map(Parameter::wireName)
                                                .toList())));
                values.put(parameter, ParameterText.parse(parameter, profile, setting.substring(equals + 1)));
            }
            settings.setParameters(values);
        } catch (SettingRefusedException e) {
            throw wrong(e.getMessage());
        }
        return settings;
    }

    private CommandLine.ParameterException wrong(String message) {
        return new CommandLine.ParameterException(spec.commandLine(), message);
    }
}
