package org.transhume.control.settings;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class CapabilityRulesTest {
    private final Settings settings = new Settings(Profile.V10_0);

    /** The file holds what a QEMU 10.0.2 answered when asked for each pair, on a host without a dirty ring. */
    @Test
    void answersEveryPairAsQemuDoesOrSaysThatItIsNotBuilt() throws IOException {
        List<Executable> pairs = new ArrayList<>();
        for (String line : recordedPairs()) {
            String[] fields = line.split("\t", -1);
            Capability one = Capability.named(fields[0], Profile.V10_0).orElseThrow();
            Capability two = Capability.named(fields[1], Profile.V10_0).orElseThrow();
            String expected = fields[2].isEmpty() ? notBuilt(one, two) : fields[2];
            pairs.add(() -> assertEquals(expected, refusal(on(one, two), Circumstances.IDLE), line));
        }

        assertEquals(253, pairs.size());
        assertAll(pairs);
    }

    @ParameterizedTest
    @EnumSource(
            value = Capability.class,
            names = {"XBZRLE", "AUTO_CONVERGE", "EVENTS", "RETURN_PATH", "MULTIFD", "X_HOLE_RUNS", "X_RAM_DIGEST"})
    void switchesOnWhatThisReleaseHas(Capability capability) throws Exception {
        settings.setCapabilities(on(capability), Circumstances.IDLE);

        assertTrue(settings.enabled(capability));
    }

    @Test
    void changesNothingWhenOnePartIsRefused() {
        String refusal = refusal(on(Capability.EVENTS, Capability.DIRTY_BITMAPS), Circumstances.IDLE);

        assertEquals("Capability 'dirty-bitmaps' is not built into this version of Transhume", refusal);
        assertFalse(settings.enabled(Capability.EVENTS));
    }

    @Test
    void refusesAnyChangeWhileAMigrationRuns() {
        Circumstances running = new Circumstances(true, false, false, HostSupport.USUAL);

        assertEquals("There's a migration process in progress", refusal(Map.of(), running));
    }

    @Test
    void wantsMultifdBeforeTheListenerButKeepsItAfterwards() throws Exception {
        Circumstances listening = new Circumstances(false, true, true, HostSupport.USUAL);
        String late = refusal(on(Capability.MULTIFD), listening);
        settings.setCapabilities(on(Capability.MULTIFD), Circumstances.IDLE);

        assertEquals("Multifd must be set before incoming starts", late);
        assertDoesNotThrow(() -> settings.setCapabilities(on(Capability.MULTIFD, Capability.EVENTS), listening));
        assertEquals("Postcopy preempt requires postcopy-ram", refusal(on(Capability.POSTCOPY_PREEMPT), listening));
    }

    @Test
    void namesWhatTheHostLacks() {
        HostSupport poor = new HostSupport(Optional.of("Userfaultfd not available"), false, false, false, false);
        Circumstances source = new Circumstances(false, false, false, poor);
        Circumstances destination = new Circumstances(false, false, true, poor);

        assertEquals(
                "Postcopy is not supported: Userfaultfd not available",
                refusal(on(Capability.POSTCOPY_RAM), destination));
        assertEquals("", refusal(on(Capability.POSTCOPY_RAM), source), "a source does without");
        assertEquals(
                "Background-snapshot is not supported by host kernel",
                refusal(on(Capability.BACKGROUND_SNAPSHOT), source));
        assertEquals(
                "QEMU compiled without replication module can't enable COLO", refusal(on(Capability.X_COLO), source));
    }

    @ParameterizedTest
    @CsvSource({
        "X_LZ4, MULTIFD",
        "X_ADAPTIVE, MULTIFD",
        "X_MULTIFD_XBZRLE, MULTIFD XBZRLE",
        "X_LZ4, MULTIFD XBZRLE X_MULTIFD_XBZRLE",
        "X_ADAPTIVE, MULTIFD XBZRLE X_MULTIFD_XBZRLE"
    })
    void switchesAnExtensionOnTogetherWithWhatItNeeds(Capability extension, String needed) throws Exception {
        Map<Capability, Boolean> changes = on(extension);
        for (String name : needed.split(" ", -1)) {
            changes.put(Capability.valueOf(name), true);
        }

        settings.setCapabilities(changes, Circumstances.IDLE);

        assertTrue(changes.keySet().stream().allMatch(settings::enabled));
    }

    @ParameterizedTest
    @CsvSource({
        "X_LZ4, x-lz4",
        "X_MULTIFD_XBZRLE, x-multifd-xbzrle",
        "X_ADAPTIVE, x-adaptive",
    })
    void wantsChannelsForAnExtensionThatPacksWhatTravelsOnThem(Capability extension, String name) {
        String alone = refusal(on(extension, Capability.XBZRLE), Circumstances.IDLE);
        String then = assertThrows(
                        SettingRefusedException.class,
                        () -> new Settings(Profile.V3_1).setCapabilities(on(extension), Circumstances.IDLE))
                .getMessage();

        assertEquals("Capability '" + name + "' requires capability 'multifd'", alone);
        assertEquals("Capability '" + name + "' requires capability 'x-multifd'", then);
    }

    @ParameterizedTest
    @CsvSource({"POSTCOPY_RAM, postcopy-ram", "MAPPED_RAM, mapped-ram", "BACKGROUND_SNAPSHOT, background-snapshot"})
    void keepsTheDigestFromWhatItKnowsNothingOf(Capability other, String name) {
        assertEquals(
                "Capability 'x-ram-digest' is not compatible with capability '" + name + "'",
                refusal(on(Capability.X_RAM_DIGEST, other), Circumstances.IDLE));
    }

    @ParameterizedTest
    @CsvSource({
        "X_LZ4, x-lz4",
        "X_ADAPTIVE, x-adaptive",
    })
    void keepsAChannelToOneWayOfPacking(Capability extension, String name) throws Exception {
        settings.setParameters(Map.of(Parameter.MULTIFD_COMPRESSION, "zstd"));

        String refusal = refusal(on(extension, Capability.MULTIFD), Circumstances.IDLE);

        assertEquals("Capability '" + name + "' requires parameter 'multifd-compression' to be none", refusal);
        assertEquals(
                "Capability 'x-lz4' is not compatible with capability 'x-adaptive'",
                refusal(on(Capability.MULTIFD, Capability.X_LZ4, Capability.X_ADAPTIVE), Circumstances.IDLE));
    }

    @Test
    void handsOverOnlyToADestinationThatCanAnswerAndWasToldInTime() throws Exception {
        Circumstances listening = new Circumstances(false, true, true, HostSupport.USUAL);

        String alone = refusal(on(Capability.X_HANDOVER), Circumstances.IDLE);
        String late = refusal(on(Capability.X_HANDOVER, Capability.RETURN_PATH), listening);
        settings.setCapabilities(on(Capability.X_HANDOVER, Capability.RETURN_PATH), Circumstances.IDLE);

        assertEquals("Capability 'x-handover' requires capability 'return-path'", alone);
        assertEquals("Capability 'x-handover' must be set before incoming starts", late);
        assertTrue(settings.enabled(Capability.X_HANDOVER));
    }

    @Test
    void letsXbzrleMeetMultifdOnlyWithTheExtension() throws Exception {
        String without = refusal(on(Capability.MULTIFD, Capability.XBZRLE), Circumstances.IDLE);
        settings.setCapabilities(
                on(Capability.MULTIFD, Capability.XBZRLE, Capability.X_MULTIFD_XBZRLE), Circumstances.IDLE);
        Map<Capability, Boolean> off = new EnumMap<>(Map.of(Capability.X_MULTIFD_XBZRLE, false));

        SettingRefusedException again =
                assertThrows(SettingRefusedException.class, () -> settings.setCapabilities(off, Circumstances.IDLE));

        assertEquals("Multifd is not compatible with xbzrle", without);
        assertEquals("Multifd is not compatible with xbzrle", again.getMessage());
        assertEquals(
                "Capability 'x-multifd-xbzrle' requires capability 'xbzrle'",
                assertThrows(
                                SettingRefusedException.class,
                                () -> settings.setCapabilities(Map.of(Capability.XBZRLE, false), Circumstances.IDLE))
                        .getMessage());
    }

    @Test
    void wantsForPostcopyWhatItGoesTogetherWith() throws Exception {
        Circumstances listening = new Circumstances(false, true, true, HostSupport.USUAL);
        Capability extension = Capability.X_MULTIFD_POSTCOPY;
        settings.setCapabilities(on(Capability.POSTCOPY_RAM), Circumstances.IDLE);

        assertEquals(
                "Postcopy preempt must be set before incoming starts",
                refusal(on(Capability.POSTCOPY_PREEMPT), listening));
        assertEquals(
                "Postcopy is not yet compatible with multifd", refusal(on(Capability.MULTIFD), Circumstances.IDLE));
        assertEquals(
                "Capability 'x-multifd-postcopy' requires capability 'multifd'",
                refusal(on(extension), Circumstances.IDLE));
        assertEquals("", refusal(on(Capability.MULTIFD, extension), Circumstances.IDLE));
        assertEquals("", refusal(on(Capability.XBZRLE), Circumstances.IDLE), "it is not used once the guest has moved");
        settings.setCapabilities(Map.of(Capability.POSTCOPY_RAM, false), Circumstances.IDLE);
        assertEquals(
                "Capability 'x-multifd-postcopy' requires capability 'postcopy-ram'",
                refusal(on(Capability.MULTIFD, extension), Circumstances.IDLE));
    }

    @Test
    void wantsAnExtensionOfTheChannelsBeforeTheListener() throws Exception {
        settings.setCapabilities(on(Capability.MULTIFD), Circumstances.IDLE);
        Circumstances listening = new Circumstances(false, true, true, HostSupport.USUAL);

        assertEquals("Capability 'x-lz4' must be set before incoming starts", refusal(on(Capability.X_LZ4), listening));
    }

    @Test
    void compressesInTheOldProfileBesideXbzrleButNotInPostcopy() throws Exception {
        Settings old = new Settings(Profile.V3_1);

        old.setCapabilities(on(Capability.COMPRESS, Capability.XBZRLE), Circumstances.IDLE);

        assertTrue(old.enabled(Capability.COMPRESS));
        assertEquals(
                "Postcopy is not currently compatible with compression",
                assertThrows(
                                SettingRefusedException.class,
                                () -> old.setCapabilities(on(Capability.POSTCOPY_RAM), Circumstances.IDLE))
                        .getMessage());
        assertEquals(
                "Parameter 'capability' does not accept value 'compress'",
                assertThrows(
                                SettingRefusedException.class,
                                () -> settings.setCapabilities(on(Capability.COMPRESS), Circumstances.IDLE))
                        .getMessage());
    }

    @Test
    void refusesANameOfTheOtherProfile() {
        Settings old = new Settings(Profile.V3_1);

        SettingRefusedException refused = assertThrows(
                SettingRefusedException.class,
                () -> old.setCapabilities(Map.of(Capability.MULTIFD, true), Circumstances.IDLE));

        assertEquals("Parameter 'capability' does not accept value 'multifd'", refused.getMessage());
    }

    private String refusal(Map<Capability, Boolean> changes, Circumstances circumstances) {
        try {
            settings.setCapabilities(changes, circumstances);
        } catch (SettingRefusedException refused) {
            return refused.getMessage();
        }
        Map<Capability, Boolean> off = new EnumMap<>(Capability.class);
        changes.keySet().forEach(capability -> off.put(capability, false));
        assertDoesNotThrow(() -> settings.setCapabilities(off, circumstances));
        return "";
    }

    private static String notBuilt(Capability... capabilities) {
        for (Capability capability : capabilities) {
            if (!capability.built()) {
                return "Capability '" + capability + "' is not built into this version of Transhume";
            }
        }
        return "";
    }

    private static Map<Capability, Boolean> on(Capability... capabilities) {
        Map<Capability, Boolean> changes = new EnumMap<>(Capability.class);
        for (Capability capability : capabilities) {
            changes.put(capability, true);
        }
        return changes;
    }

    private static List<String> recordedPairs() throws IOException {
        try (InputStream in = CapabilityRulesTest.class.getResourceAsStream("capability-pairs.tsv")) {
            return new String(in.readAllBytes(), UTF_8).lines().toList();
        }
    }
}
