package org.transhume.control.guest;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.transhume.channels.qemu.MultifdMethod;
import org.transhume.control.settings.Capability;
import org.transhume.control.settings.Circumstances;
import org.transhume.control.settings.Parameter;
import org.transhume.control.settings.ParameterText;
import org.transhume.control.settings.Profile;
import org.transhume.control.settings.SettingRefusedException;
import org.transhume.control.settings.Settings;
import org.transhume.control.settings.SettingsValues;
import org.transhume.engine.incoming.IncomingConfig;
import org.transhume.engine.incoming.PostcopyArrival;
import org.transhume.engine.outgoing.Compression;
import org.transhume.engine.outgoing.OutgoingConfig;
import org.transhume.engine.outgoing.PageCompression;
import org.transhume.engine.outgoing.PostcopyTerms;

class MigrationConfigsTest {
    private static final long CACHE = 64L << 20;

    @Test
    void packsNothingUnlessTold() throws Exception {
        SettingsValues settings = settings(Profile.V10_0, List.of(), Map.of());

        OutgoingConfig out = MigrationConfigs.outgoing(settings);

        assertEquals(new Compression.None(), out.compression());
        assertEquals(0, out.deltaCache());
        assertNull(out.pageCompression());
        assertEquals(MultifdMethod.NONE, MigrationConfigs.incoming(settings).method());
    }

    @Test
    void compressesOnChannelsWithTheMethodAndItsLevel() throws Exception {
        Map<Parameter, String> zlib = Map.of(Parameter.MULTIFD_COMPRESSION, "zlib", Parameter.MULTIFD_ZLIB_LEVEL, "9");
        Map<Parameter, String> zstd = Map.of(Parameter.MULTIFD_COMPRESSION, "zstd", Parameter.MULTIFD_ZSTD_LEVEL, "20");
        SettingsValues one = settings(Profile.V10_0, List.of(Capability.MULTIFD), zlib);
        SettingsValues other = settings(Profile.V10_0, List.of(Capability.MULTIFD), zstd);

        assertEquals(new Compression.Zlib(9), MigrationConfigs.outgoing(one).compression());
        assertEquals(MultifdMethod.ZLIB, MigrationConfigs.incoming(one).method());
        assertEquals(new Compression.Zstd(20), MigrationConfigs.outgoing(other).compression());
        assertEquals(MultifdMethod.ZSTD, MigrationConfigs.incoming(other).method());
    }

    @Test
    void leavesTheMethodAloneWithoutChannels() throws Exception {
        SettingsValues settings = settings(Profile.V10_0, List.of(), Map.of(Parameter.MULTIFD_COMPRESSION, "zstd"));

        assertEquals(new Compression.None(), MigrationConfigs.outgoing(settings).compression());
        assertEquals(MultifdMethod.NONE, MigrationConfigs.incoming(settings).method());
    }

    @Test
    void givesXbzrleItsCacheAndTellsTheOtherSideOnlyOfItsUseOnChannels() throws Exception {
        SettingsValues plain =
                settings(Profile.V10_0, List.of(Capability.XBZRLE), Map.of(Parameter.XBZRLE_CACHE_SIZE, "1M"));
        SettingsValues channels = settings(
                Profile.V10_0,
                List.of(Capability.MULTIFD, Capability.XBZRLE, Capability.X_MULTIFD_XBZRLE),
                Map.of(Parameter.MULTIFD_COMPRESSION, "zlib"));

        assertEquals(1 << 20, MigrationConfigs.outgoing(plain).deltaCache());
        assertEquals(Set.of(), MigrationConfigs.incoming(plain).shared());
        assertEquals(CACHE, MigrationConfigs.outgoing(channels).deltaCache());
        assertEquals(
                new Compression.Zlib(1), MigrationConfigs.outgoing(channels).compression());
        assertEquals(
                Set.of("x-multifd-xbzrle"), MigrationConfigs.incoming(channels).shared());
    }

    @Test
    void givesTheLargestCacheThatCanBeSetASizeThatItsConfigTakes() throws Exception {
        SettingsValues settings = settings(
                Profile.V10_0, List.of(Capability.XBZRLE), Map.of(Parameter.XBZRLE_CACHE_SIZE, "9223372036854775808"));

        assertEquals(1L << 62, MigrationConfigs.outgoing(settings).deltaCache());
    }

    @Test
    void tellsBothSidesOfLz4() throws Exception {
        SettingsValues settings = settings(
                Profile.V10_0, List.of(Capability.MULTIFD, Capability.X_LZ4, Capability.X_HOLE_RUNS), Map.of());

        IncomingConfig in = MigrationConfigs.incoming(settings);

        assertEquals(new Compression.Lz4(), MigrationConfigs.outgoing(settings).compression());
        assertEquals(0, MigrationConfigs.outgoing(settings).deltaCache());
        assertEquals(Set.of("x-lz4", "x-hole-runs"), in.shared());
        assertEquals(MultifdMethod.NONE, in.method());
    }

    @Test
    void tellsBothSidesOfTheDigest() throws Exception {
        SettingsValues settings = settings(Profile.V3_1, List.of(Capability.X_RAM_DIGEST), Map.of());
        SettingsValues without = settings(Profile.V3_1, List.of(), Map.of());

        assertTrue(MigrationConfigs.outgoing(settings).ramDigest());
        assertEquals(Set.of("x-ram-digest"), MigrationConfigs.incoming(settings).shared());
        assertFalse(MigrationConfigs.outgoing(without).ramDigest());
    }

    @Test
    void tellsBothSidesOfTheHandOver() throws Exception {
        SettingsValues settings =
                settings(Profile.V10_0, List.of(Capability.RETURN_PATH, Capability.X_HANDOVER), Map.of());

        assertTrue(MigrationConfigs.outgoing(settings).handover());
        assertEquals(Set.of("x-handover"), MigrationConfigs.incoming(settings).shared());
    }

    @Test
    void givesAdaptiveACacheAndAWordThatCoversItsDeltas() throws Exception {
        SettingsValues alone = settings(Profile.V10_0, List.of(Capability.MULTIFD, Capability.X_ADAPTIVE), Map.of());
        SettingsValues withDeltas = settings(
                Profile.V10_0,
                List.of(Capability.MULTIFD, Capability.X_ADAPTIVE, Capability.XBZRLE, Capability.X_MULTIFD_XBZRLE),
                Map.of());

        for (SettingsValues settings : List.of(alone, withDeltas)) {
            OutgoingConfig out = MigrationConfigs.outgoing(settings);
            assertEquals(new Compression.Adaptive(), out.compression());
            assertEquals(CACHE, out.deltaCache());
            assertEquals(
                    Set.of("x-adaptive"), MigrationConfigs.incoming(settings).shared());
        }
    }

    @Test
    void compressesSinglePagesInTheOldProfile() throws Exception {
        SettingsValues settings = settings(
                Profile.V3_1,
                List.of(Capability.COMPRESS, Capability.XBZRLE),
                Map.of(
                        Parameter.COMPRESS_LEVEL, "9",
                        Parameter.COMPRESS_THREADS, "3",
                        Parameter.COMPRESS_WAIT_THREAD, "off",
                        Parameter.DECOMPRESS_THREADS, "5"));

        OutgoingConfig out = MigrationConfigs.outgoing(settings);

        assertEquals(new PageCompression(9, 3, false), out.pageCompression());
        assertEquals(CACHE, out.deltaCache());
        assertEquals(0, out.channels());
        assertEquals(5, MigrationConfigs.incoming(settings).decompressThreads());
    }

    @Test
    void letsAGuestMoveBeforeItsPagesOnlyWithTheCapabilityAndAsItWasTold() throws Exception {
        SettingsValues without = settings(Profile.V10_0, List.of(Capability.RETURN_PATH), Map.of());
        SettingsValues plain = settings(
                Profile.V3_1, List.of(Capability.POSTCOPY_RAM), Map.of(Parameter.MAX_POSTCOPY_BANDWIDTH, "1M"));
        SettingsValues all = settings(
                Profile.V10_0,
                List.of(Capability.POSTCOPY_RAM, Capability.POSTCOPY_PREEMPT, Capability.POSTCOPY_BLOCKTIME),
                Map.of());

        OutgoingConfig out = MigrationConfigs.outgoing(plain);
        PostcopyTerms terms = MigrationConfigs.outgoing(all).postcopy();
        PostcopyArrival arrival = MigrationConfigs.incoming(all).postcopy();

        assertNull(MigrationConfigs.outgoing(without).postcopy());
        assertNull(MigrationConfigs.incoming(without).postcopy());
        assertTrue(out.returnPath(), "its source has to be asked for pages");
        assertEquals(1 << 20, out.postcopy().maxBandwidth());
        assertFalse(out.postcopy().preempt() || out.postcopy().release());
        assertFalse(MigrationConfigs.incoming(plain).postcopy().preempt());
        assertTrue(terms.preempt() && terms.maxBandwidth() == 0);
        assertTrue(arrival.preempt() && arrival.blocktime() && !arrival.listenOn());
    }

    private static SettingsValues settings(Profile profile, List<Capability> on, Map<Parameter, String> texts)
            throws SettingRefusedException {
        Settings settings = new Settings(profile);
        Map<Capability, Boolean> switches = new HashMap<>();
        on.forEach(capability -> switches.put(capability, true));
        settings.setCapabilities(switches, Circumstances.IDLE);
        Map<Parameter, Object> values = new HashMap<>();
        for (Map.Entry<Parameter, String> text : texts.entrySet()) {
            values.put(text.getKey(), ParameterText.parse(text.getKey(), profile, text.getValue()));
        }
        settings.setParameters(values);
        return settings.values();
    }
}
