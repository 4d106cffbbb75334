package org.transhume.control.settings;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ProfilesTest {
    private static final String CAPABILITIES_10_0 = "xbzrle rdma-pin-all auto-converge zero-blocks events postcopy-ram"
            + " x-colo release-ram return-path pause-before-switchover multifd dirty-bitmaps postcopy-blocktime"
            + " late-block-activate x-ignore-shared validate-uuid background-snapshot zero-copy-send postcopy-preempt"
            + " switchover-ack dirty-limit mapped-ram x-hole-runs x-lz4 x-multifd-xbzrle x-multifd-postcopy x-adaptive"
            + " x-ram-digest x-handover x-report mc mc-net-disable mc-rdma-copy rdma-keepalive";
    private static final String CAPABILITIES_3_1 = "xbzrle rdma-pin-all auto-converge zero-blocks compress events"
            + " postcopy-ram x-colo release-ram block return-path pause-before-switchover x-multifd dirty-bitmaps"
            + " postcopy-blocktime late-block-activate x-hole-runs x-lz4 x-multifd-xbzrle x-multifd-postcopy x-adaptive"
            + " x-ram-digest x-handover x-report mc mc-net-disable mc-rdma-copy rdma-keepalive";
    private static final String PARAMETERS_10_0 = "announce-initial=50 announce-max=550 announce-rounds=5"
            + " announce-step=100 throttle-trigger-threshold=50 cpu-throttle-initial=20 cpu-throttle-increment=10"
            + " cpu-throttle-tailslow=false tls-creds= tls-hostname= tls-authz= max-bandwidth=134217728"
            + " avail-switchover-bandwidth=0 downtime-limit=300 x-checkpoint-delay=20000 multifd-channels=2"
            + " xbzrle-cache-size=67108864 max-postcopy-bandwidth=0 max-cpu-throttle=99 multifd-compression=none"
            + " multifd-zlib-level=1 multifd-qatzip-level=1 multifd-zstd-level=1 x-vcpu-dirty-limit-period=1000"
            + " vcpu-dirty-limit=1 mode=normal zero-page-detection=multifd direct-io=false";
    private static final String PARAMETERS_3_1 = "compress-level=1 compress-threads=8 compress-wait-thread=true"
            + " decompress-threads=2 cpu-throttle-initial=20 cpu-throttle-increment=10 tls-creds= tls-hostname="
            + " max-bandwidth=33554432 downtime-limit=300 x-checkpoint-delay=20000 block-incremental=false"
            + " x-multifd-channels=2 x-multifd-page-count=16 xbzrle-cache-size=67108864 max-postcopy-bandwidth=0"
            + " max-cpu-throttle=99";

    @Test
    void listsTheCapabilitiesOfEachReleaseInItsOrderAndOursLast() {
        assertEquals(CAPABILITIES_10_0, capabilities(Profile.V10_0));
        assertEquals(CAPABILITIES_3_1, capabilities(Profile.V3_1));
    }

    @Test
    void startsWithTheDefaultsOfEachRelease() {
        assertEquals(PARAMETERS_10_0, defaults(Profile.V10_0));
        assertEquals(PARAMETERS_3_1, defaults(Profile.V3_1));
    }

    @ParameterizedTest
    @EnumSource(Profile.class)
    void startsWithEveryCapabilityOffButOne(Profile profile) {
        Settings settings = new Settings(profile);

        assertEquals(
                List.of(Capability.RDMA_KEEPALIVE),
                Capability.of(profile).stream().filter(settings::enabled).toList());
    }

    @Test
    void knowsNoMappingUntilOneIsSet() throws Exception {
        Settings settings = new Settings(Profile.V10_0);
        boolean before = settings.values().present(Parameter.BLOCK_BITMAP_MAPPING);

        settings.setParameters(Map.of(Parameter.BLOCK_BITMAP_MAPPING, new BitmapMapping(List.of())));

        assertFalse(before);
        assertTrue(settings.values().present(Parameter.BLOCK_BITMAP_MAPPING));
        assertEquals(
                Optional.of(new BitmapMapping(List.of())), settings.values().bitmapMapping());
    }

    @Test
    void findsANameOnlyInTheProfileThatHasIt() {
        assertEquals(Optional.of(Capability.MULTIFD), Capability.named("multifd", Profile.V10_0));
        assertEquals(Optional.empty(), Capability.named("multifd", Profile.V3_1));
        assertEquals(Optional.of(Parameter.COMPRESS_LEVEL), Parameter.named("compress-level", Profile.V3_1));
        assertEquals(Optional.empty(), Parameter.named("compress-level", Profile.V10_0));
        assertEquals(Optional.of(Profile.V3_1), Profile.named("3.1"));
        assertEquals(Optional.empty(), Profile.named("4.2"));
    }

    @Test
    void saysWhatACapabilityDoesNotGoTogetherWith() {
        assertTrue(Capability.MULTIFD
                .conflicts()
                .containsAll(List.of(Capability.XBZRLE, Capability.POSTCOPY_RAM, Capability.BACKGROUND_SNAPSHOT)));
        assertEquals(List.of(), Capability.EVENTS.conflicts());
    }

    private static String capabilities(Profile profile) {
        return Capability.of(profile).stream().map(Capability::wireName).collect(Collectors.joining(" "));
    }

    private static String defaults(Profile profile) {
        SettingsValues values = new Settings(profile).values();
        return Parameter.of(profile).stream()
                .filter(values::present)
                .map(p -> p + "=" + values.value(p))
                .collect(Collectors.joining(" "));
    }
}
