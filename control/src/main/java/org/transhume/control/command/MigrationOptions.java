package org.transhume.control.command;

import java.util.List;
import java.util.Map;
import org.transhume.control.settings.Parameter;
import org.transhume.control.settings.Profile;
import org.transhume.control.settings.Settings;
import picocli.CommandLine;

/** The settings of one end of a migration, and the socket to change them at. */
final class MigrationOptions extends SettingOptions {
    @CommandLine.Option(
            names = "--profile",
            paramLabel = "PROFILE",
            completionCandidates = Completions.Profiles.class,
            defaultValue = "10.0",
            converter = ProfileConverter.class,
            description = "Names and defaults of which QEMU: 10.0 (default) or 3.1.")
    private Profile profile;

    @CommandLine.Option(names = "--qmp", paramLabel = "URI", description = "Answer QMP at unix:PATH or tcp:HOST:PORT.")
    String qmp;

    /** What the options say; bandwidth is uncapped unless they cap it, as commands have it. */
    Settings settings() {
        return settings(profile, List.of(), Map.of(Parameter.MAX_BANDWIDTH, "0"));
    }
}
