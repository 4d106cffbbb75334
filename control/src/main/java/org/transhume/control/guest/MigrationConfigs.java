package org.transhume.control.guest;

import java.time.Duration;
import java.util.HashSet;
import java.util.Locale;
import java.util.Set;
import org.transhume.control.settings.Capability;
import org.transhume.control.settings.Parameter;
import org.transhume.control.settings.Settings;
import org.transhume.engine.incoming.IncomingConfig;
import org.transhume.engine.outgoing.OutgoingConfig;
import org.transhume.engine.outgoing.ZeroPageDetection;

/** What capabilities and parameters mean to the engine; latched when a migration begins. */
public final class MigrationConfigs {
    private MigrationConfigs() {}

    public static OutgoingConfig outgoing(Settings settings) {
        return OutgoingConfig.builder()
                .channels(channels(settings))
                .maxBandwidth(settings.size(Parameter.MAX_BANDWIDTH))
                .downtimeLimit(downtimeLimit(settings))
                .switchoverBandwidth(
                        known(settings, Parameter.AVAIL_SWITCHOVER_BANDWIDTH)
                                ? settings.size(Parameter.AVAIL_SWITCHOVER_BANDWIDTH)
                                : 0)
                .returnPath(settings.enabled(Capability.RETURN_PATH))
                .holeRuns(settings.enabled(Capability.X_HOLE_RUNS))
                .zeroPages(
                        known(settings, Parameter.ZERO_PAGE_DETECTION)
                                ? ZeroPageDetection.valueOf(settings.text(Parameter.ZERO_PAGE_DETECTION)
                                        .toUpperCase(Locale.ROOT))
                                : ZeroPageDetection.MULTIFD)
                .build();
    }

    public static IncomingConfig incoming(Settings settings) {
        Set<String> shared = new HashSet<>();
        for (Capability capability : Set.of(Capability.X_IGNORE_SHARED, Capability.X_HOLE_RUNS)) {
            if (capability.in(settings.profile()) && settings.enabled(capability)) {
                shared.add(capability.wireName());
            }
        }
        return IncomingConfig.DEFAULT.withChannels(channels(settings)).withShared(shared);
    }

    static Duration downtimeLimit(Settings settings) {
        return Duration.ofMillis(settings.size(Parameter.DOWNTIME_LIMIT));
    }

    private static int channels(Settings settings) {
        boolean multifd = Capability.MULTIFD.in(settings.profile()) && settings.enabled(Capability.MULTIFD);
        return multifd ? settings.count(Parameter.MULTIFD_CHANNELS) : 0;
    }

    static boolean known(Settings settings, Parameter parameter) {
        return parameter.in(settings.profile());
    }
}
