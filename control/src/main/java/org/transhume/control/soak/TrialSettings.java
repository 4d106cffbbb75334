package org.transhume.control.soak;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.random.RandomGenerator;
import org.transhume.control.settings.Capability;
import org.transhume.control.settings.Circumstances;
import org.transhume.control.settings.Parameter;
import org.transhume.control.settings.ParameterText;
import org.transhume.control.settings.Profile;
import org.transhume.control.settings.SettingRefusedException;
import org.transhume.control.settings.Settings;
import org.transhume.control.settings.SettingsValues;

/**
 * Capabilities and parameters as they are drawn, the same on both sides; always a set that the settings allow.
 *
 * @param on capabilities that are switched on
 * @param parameters as text; the others are as the profile has them
 */
record TrialSettings(Profile profile, Set<Capability> on, Map<Parameter, String> parameters) {
    /** How often of a hundred each is wished for; what it needs comes with it. */
    private static final Map<Capability, Integer> WISHES = new EnumMap<>(Map.ofEntries(
            Map.entry(Capability.MULTIFD, 50),
            Map.entry(Capability.POSTCOPY_RAM, 50),
            Map.entry(Capability.RETURN_PATH, 60),
            Map.entry(Capability.XBZRLE, 20),
            Map.entry(Capability.COMPRESS, 30),
            Map.entry(Capability.AUTO_CONVERGE, 20),
            Map.entry(Capability.RELEASE_RAM, 15),
            Map.entry(Capability.PAUSE_BEFORE_SWITCHOVER, 15),
            Map.entry(Capability.LATE_BLOCK_ACTIVATE, 10),
            Map.entry(Capability.VALIDATE_UUID, 20),
            Map.entry(Capability.POSTCOPY_PREEMPT, 20),
            Map.entry(Capability.POSTCOPY_BLOCKTIME, 20),
            Map.entry(Capability.SWITCHOVER_ACK, 15),
            Map.entry(Capability.X_HOLE_RUNS, 40),
            Map.entry(Capability.X_LZ4, 12),
            Map.entry(Capability.X_MULTIFD_XBZRLE, 12),
            Map.entry(Capability.X_MULTIFD_POSTCOPY, 15),
            Map.entry(Capability.X_ADAPTIVE, 15),
            Map.entry(Capability.X_RAM_DIGEST, 25),
            Map.entry(Capability.X_HANDOVER, 35)));

    private static final int OLD_PROFILE_OF_TEN = 1;

    static TrialSettings draw(RandomGenerator random) {
        // Some sets are seldom allowed: what matters most is decided first, and the rest drawn until it fits.
        boolean postcopy = random.nextInt(5) < 2;
        boolean channels = random.nextBoolean();
        while (true) {
            Profile profile = random.nextInt(10) < OLD_PROFILE_OF_TEN ? Profile.V3_1 : Profile.V10_0;
            TrialSettings drawn =
                    new TrialSettings(profile, capabilities(profile, random), new EnumMap<>(Parameter.class));
            drawn.drawParameters(random);
            if (postcopy != drawn.has(Capability.POSTCOPY_RAM) || channels != drawn.channels() > 0) {
                continue;
            }
            try {
                SettingsValues _ = drawn.values();
                return drawn;
            } catch (SettingRefusedException e) {
                // What must not be on together was wished for together: another draw.
            }
        }
    }

    /** Nothing but an answer. */
    static TrialSettings plain(int channels) {
        Map<Parameter, String> values = new EnumMap<>(Parameter.class);
        values.put(Parameter.MAX_BANDWIDTH, "0");
        Set<Capability> on = EnumSet.of(Capability.RETURN_PATH);
        if (channels > 0) {
            on.add(Capability.MULTIFD);
            values.put(Parameter.MULTIFD_CHANNELS, Integer.toString(channels));
        }
        return new TrialSettings(Profile.V10_0, on, values);
    }

    private static Set<Capability> capabilities(Profile profile, RandomGenerator random) {
        Set<Capability> on = EnumSet.noneOf(Capability.class);
        Deque<Capability> wanted = new ArrayDeque<>();
        WISHES.forEach((capability, percent) -> {
            if (random.nextInt(100) < percent && capability.in(profile)) {
                wanted.add(capability);
            }
        });
        while (!wanted.isEmpty()) {
            Capability next = wanted.pop();
            Capability named = next.in(profile) ? next : Capability.X_MULTIFD;
            if (on.add(named)) {
                wanted.addAll(named.needs());
            }
        }
        if (on.contains(Capability.POSTCOPY_RAM) && !on.contains(Capability.X_HANDOVER)) {
            on.remove(Capability.RELEASE_RAM); // a postcopy that is cut could not be mended
        }
        return on;
    }

    private void drawParameters(RandomGenerator random) {
        put(Parameter.MAX_BANDWIDTH, of(random, "0", "0", "33554432", "134217728", "536870912"));
        put(Parameter.DOWNTIME_LIMIT, of(random, "0", "5", "30", "100", "300", "2000"));
        put(Parameter.AVAIL_SWITCHOVER_BANDWIDTH, of(random, "0", "0", "0", "100000000"));
        put(Parameter.MULTIFD_CHANNELS, Integer.toString(random.nextInt(1, 5)));
        put(Parameter.X_MULTIFD_CHANNELS, Integer.toString(random.nextInt(1, 5)));
        put(Parameter.X_MULTIFD_PAGE_COUNT, of(random, "1", "16", "64", "128"));
        put(Parameter.MAX_POSTCOPY_BANDWIDTH, of(random, "0", "0", "20971520", "104857600"));
        put(Parameter.ZERO_PAGE_DETECTION, of(random, "none", "legacy", "multifd", "multifd"));
        put(Parameter.XBZRLE_CACHE_SIZE, of(random, "4096", "1048576", "16777216", "67108864"));
        put(Parameter.CPU_THROTTLE_INITIAL, of(random, "1", "20", "70", "99"));
        put(Parameter.CPU_THROTTLE_INCREMENT, of(random, "1", "10", "50"));
        put(Parameter.CPU_THROTTLE_TAILSLOW, of(random, "on", "off"));
        put(Parameter.ANNOUNCE_ROUNDS, of(random, "0", "1", "5"));
        put(Parameter.ANNOUNCE_INITIAL, of(random, "0", "10", "50"));
        put(Parameter.COMPRESS_LEVEL, of(random, "0", "1", "6"));
        put(Parameter.COMPRESS_THREADS, of(random, "1", "2", "4"));
        put(Parameter.COMPRESS_WAIT_THREAD, of(random, "on", "off"));
        put(Parameter.DECOMPRESS_THREADS, of(random, "1", "2", "4"));
        if (on.contains(Capability.MULTIFD) && random.nextInt(2) == 0) {
            put(Parameter.MULTIFD_COMPRESSION, of(random, "zlib", "zstd"));
            put(Parameter.MULTIFD_ZLIB_LEVEL, of(random, "0", "1", "6"));
            put(Parameter.MULTIFD_ZSTD_LEVEL, of(random, "0", "1", "6"));
        }
    }

    private void put(Parameter parameter, String value) {
        if (parameter.in(profile)) {
            parameters.put(parameter, value);
        }
    }

    private static String of(RandomGenerator random, String... values) {
        return values[random.nextInt(values.length)];
    }

    /** @throws SettingRefusedException if they are not allowed */
    SettingsValues values() throws SettingRefusedException {
        Settings settings = new Settings(profile);
        Map<Capability, Boolean> switches = new HashMap<>();
        on.forEach(capability -> switches.put(capability, true));
        Map<Parameter, Object> changes = new HashMap<>();
        for (Map.Entry<Parameter, String> parameter : parameters.entrySet()) {
            changes.put(parameter.getKey(), ParameterText.parse(parameter.getKey(), profile, parameter.getValue()));
        }
        settings.setCapabilities(switches, Circumstances.IDLE);
        settings.setParameters(changes);
        return settings.values();
    }

    boolean has(Capability capability) {
        return on.contains(capability);
    }

    /** Whether the source hears what became of the guest. */
    boolean answered() {
        return has(Capability.RETURN_PATH) || has(Capability.POSTCOPY_RAM);
    }

    /** Page channels; 0: the main channel alone. */
    int channels() {
        if (has(Capability.MULTIFD)) {
            return Integer.parseInt(parameters.get(Parameter.MULTIFD_CHANNELS));
        }
        return has(Capability.X_MULTIFD) ? Integer.parseInt(parameters.get(Parameter.X_MULTIFD_CHANNELS)) : 0;
    }

    /** Connections beside the main one that may be made. */
    int others() {
        return channels() + (has(Capability.POSTCOPY_PREEMPT) || has(Capability.X_MULTIFD_POSTCOPY) ? 1 : 0);
    }

    List<String> names() {
        return on.stream().map(Capability::wireName).toList();
    }
}
