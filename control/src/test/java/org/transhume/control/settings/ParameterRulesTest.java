package org.transhume.control.settings;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

class ParameterRulesTest {
    private final Settings settings = new Settings(Profile.V10_0);
    private final Settings old = new Settings(Profile.V3_1);

    /** Written out here a second time on purpose: the table under test must not be its own witness. */
    private static final List<String> LIMITS = List.of(
            "10.0|announce-initial|0|100000|Parameter 'announce_initial' expects a value between 0 and 100000",
            "10.0|announce-max|0|100000|Parameter 'announce_max' expects a value between 0 and 100000",
            "10.0|announce-rounds|0|1000|Parameter 'announce_rounds' expects a value between 0 and 1000",
            "10.0|announce-step|1|10000|Parameter 'announce_step' expects a value between 0 and 10000",
            "10.0|throttle-trigger-threshold|1|100|Parameter 'throttle_trigger_threshold' expects an integer in the"
                    + " range of 1 to 100",
            "10.0|cpu-throttle-initial|1|99|Parameter 'cpu_throttle_initial' expects an integer in the range of 1 to 99",
            "10.0|cpu-throttle-increment|1|99|Parameter 'cpu_throttle_increment' expects an integer in the range of 1"
                    + " to 99",
            "10.0|max-cpu-throttle|20|99|Parameter 'max_cpu_throttle' expects an integer in the range of"
                    + " cpu_throttle_initial to 99",
            "10.0|downtime-limit|0|2000000|Parameter 'downtime_limit' expects an integer in the range of 0 to (2000 *"
                    + " 1000) ms",
            "10.0|multifd-channels|1|255|Parameter 'multifd_channels' expects a value between 1 and 255",
            "10.0|multifd-zlib-level|0|9|Parameter 'multifd_zlib_level' expects a value between 0 and 9",
            "10.0|multifd-qatzip-level|1|9|Parameter 'multifd_qatzip_level' expects a value between 1 and 9",
            "10.0|multifd-zstd-level|0|20|Parameter 'multifd_zstd_level' expects a value between 0 and 20",
            "10.0|x-vcpu-dirty-limit-period|1|1000|Parameter 'x-vcpu-dirty-limit-period' expects a value between 1 and"
                    + " 1000",
            "10.0|vcpu-dirty-limit|1|18446744073709551615|Parameter 'vcpu_dirty_limit' must be greater than 1 MB/s",
            "10.0|max-bandwidth|0|18446744073709551615|",
            "10.0|avail-switchover-bandwidth|0|18446744073709551615|",
            "10.0|max-postcopy-bandwidth|0|18446744073709551615|",
            "10.0|x-checkpoint-delay|0|4294967295|",
            "3.1|compress-level|0|9|Parameter 'compress_level' expects a value between 0 and 9",
            "3.1|compress-threads|1|255|Parameter 'compress_threads' expects a value between 1 and 255",
            "3.1|decompress-threads|1|255|Parameter 'decompress_threads' expects a value between 1 and 255",
            "3.1|cpu-throttle-initial|1|99|Parameter 'cpu_throttle_initial' expects an integer in the range of 1 to 99",
            "3.1|max-cpu-throttle|20|99|Parameter 'max_cpu_throttle' expects an integer in the range of"
                    + " cpu_throttle_initial to 99",
            "3.1|downtime-limit|0|2000000|Parameter 'downtime_limit' expects an integer in the range of 0 to (2000 *"
                    + " 1000) ms",
            "3.1|max-bandwidth|0|9223372036854775807|Parameter 'max_bandwidth' expects an integer in the range of 0 to"
                    + " 18446744073709551615 bytes/second",
            "3.1|x-multifd-channels|1|255|Parameter 'x_multifd_channels' expects a value between 1 and 255",
            "3.1|x-multifd-page-count|1|10000|Parameter 'x_multifd_page_count' expects a value between 1 and 10000");

    static Stream<Arguments> limits() {
        return LIMITS.stream().map(line -> {
            String[] f = line.split("\\|", -1);
            return Arguments.of(f[0], f[1], new BigInteger(f[2]), new BigInteger(f[3]), f[4]);
        });
    }

    @ParameterizedTest
    @MethodSource("limits")
    void acceptsAParameterFromItsLeastToItsGreatestValueAndNoFurther(
            String profile, String name, BigInteger min, BigInteger max, String refusal) {
        List<String> answers = new ArrayList<>();
        for (BigInteger value : List.of(min.subtract(BigInteger.ONE), min, max, max.add(BigInteger.ONE))) {
            answers.add(answer(profile, name, value));
        }

        assertEquals(List.of("", ""), answers.subList(1, 3));
        for (BigInteger outside : List.of(min.subtract(BigInteger.ONE), max.add(BigInteger.ONE))) {
            assertEquals(expected(profile, name, outside, refusal), answer(profile, name, outside));
        }
    }

    /** Outside its width a value is refused for its type; a negative one of 64 bits wraps and may be in range again. */
    private static String expected(String profile, String name, BigInteger value, String refusal) {
        Parameter parameter =
                Parameter.named(name, Profile.named(profile).orElseThrow()).orElseThrow();
        IntegerType type =
                ((ParameterType.Whole) parameter.type(Profile.named(profile).orElseThrow())).type();
        if (type.fit(value).isEmpty()) {
            return switch (type) {
                case INT64 -> "Invalid parameter type for '" + name + "', expected: integer";
                case UINT64 -> "Parameter '" + name + "' expects uint64";
                case UINT32 -> "Parameter '" + name + "' expects uint32_t";
                case UINT16 -> "Parameter '" + name + "' expects uint16_t";
                case UINT8 -> "Parameter '" + name + "' expects uint8_t";
            };
        }
        return refusal;
    }

    private String answer(String profileName, String name, BigInteger value) {
        return answer(profileName, name, value.toString());
    }

    private String answer(String profileName, String name, String value) {
        Profile profile = Profile.named(profileName).orElseThrow();
        Parameter parameter = Parameter.named(name, profile).orElseThrow();
        try {
            Object parsed = ParameterText.parse(parameter, profile, value);
            (profile == Profile.V3_1 ? old : settings).setParameters(Map.of(parameter, parsed));
            return "";
        } catch (SettingRefusedException refused) {
            return refused.getMessage();
        }
    }

    @ParameterizedTest
    @CsvSource({
        "4096, ''",
        "9223372036854775808, ''",
        "2048, refused",
        "4097, refused",
        "0, refused",
        "1, refused",
        "12288, refused"
    })
    void wantsTheCacheSizeToBeAPowerOfTwoOfAtLeastAPage(String size, String answer) {
        String refusal = "Parameter 'xbzrle_cache_size' expects a power of two no less than the target page size";

        assertEquals(answer.isEmpty() ? "" : refusal, answer("10.0", "xbzrle-cache-size", new BigInteger(size)));
    }

    @Test
    void letsInitialAndGreatestThrottlePassEachOtherOnlyTogether() {
        String alone = refusal(Map.of(Parameter.MAX_CPU_THROTTLE, 10L));
        String together = refusal(Map.of(Parameter.MAX_CPU_THROTTLE, 10L, Parameter.CPU_THROTTLE_INITIAL, 5L));
        String other = refusal(Map.of(Parameter.CPU_THROTTLE_INITIAL, 11L));

        String text = "Parameter 'max_cpu_throttle' expects an integer in the range of cpu_throttle_initial to 99";
        assertEquals(List.of(text, "", text), List.of(alone, together, other));
        assertEquals(10, settings.count(Parameter.MAX_CPU_THROTTLE));
    }

    @Test
    void changesNothingWhenOneValueIsRefused() {
        refusal(Map.of(Parameter.DOWNTIME_LIMIT, 10L, Parameter.ANNOUNCE_STEP, 0L));

        assertEquals(300, settings.size(Parameter.DOWNTIME_LIMIT));
    }

    @Test
    void refusesWhatIsNotBuiltAndTakesItsDefault() {
        assertEquals("No build-time support for direct-io", refusal(Map.of(Parameter.DIRECT_IO, true)));
        assertEquals("", refusal(Map.of(Parameter.DIRECT_IO, false)));
        assertEquals(
                "Parameter 'tls-creds' is not built into this version of Transhume",
                refusal(Map.of(Parameter.TLS_CREDS, "tls0")));
        assertEquals(
                "Parameter 'mode' does not accept value 'cpr-reboot'", refusal(Map.of(Parameter.MODE, "cpr-reboot")));
        assertEquals("", refusal(Map.of(Parameter.ZERO_PAGE_DETECTION, "legacy")));
    }

    @Test
    void saysWhatAMethodOfCompressionLacks() {
        Map<String, String> expected = Map.of(
                "none", "",
                "zlib", "",
                "zstd", "",
                "lz4", "Parameter 'multifd-compression' does not accept value 'lz4'",
                "qatzip", lacking("qatzip needs Intel's QATzip library and a QuickAssist device"),
                "qpl", lacking("qpl needs Intel's QPL library and an In-Memory Analytics Accelerator"),
                "uadk", lacking("uadk needs the UADK library and a HiSilicon Kunpeng accelerator"));

        Map<String, String> answers = new HashMap<>();
        expected.keySet().forEach(method -> answers.put(method, answer("10.0", "multifd-compression", method)));

        assertEquals(expected, answers);
    }

    private static String lacking(String need) {
        return "Parameter 'multifd-compression': " + need
                + ", which this build has no support for; use none, zlib or zstd";
    }

    @Test
    void keepsAChannelToOneWayOfPacking() throws Exception {
        settings.setCapabilities(Map.of(Capability.MULTIFD, true, Capability.X_LZ4, true), Circumstances.IDLE);
        String lz4 = refusal(Map.of(Parameter.MULTIFD_COMPRESSION, "zlib"));
        settings.setCapabilities(Map.of(Capability.X_LZ4, false, Capability.X_ADAPTIVE, true), Circumstances.IDLE);
        String adaptive = refusal(Map.of(Parameter.MULTIFD_COMPRESSION, "zlib"));

        assertEquals("Capability 'x-lz4' requires parameter 'multifd-compression' to be none", lz4);
        assertEquals("Capability 'x-adaptive' requires parameter 'multifd-compression' to be none", adaptive);
        assertEquals("", refusal(Map.of(Parameter.MULTIFD_COMPRESSION, "none", Parameter.MULTIFD_ZLIB_LEVEL, 9L)));
    }

    @Test
    void changesNothingWhenWhoeverRunsCannotHaveIt() {
        SettingRefusedException refused = assertThrows(
                SettingRefusedException.class,
                () -> settings.setParameters(
                        Map.of(Parameter.XBZRLE_CACHE_SIZE, 1L << 40, Parameter.DOWNTIME_LIMIT, 10L), next -> {
                            assertEquals(1L << 40, next.size(Parameter.XBZRLE_CACHE_SIZE));
                            throw new SettingRefusedException("Failed to allocate cache");
                        }));

        assertEquals("Failed to allocate cache", refused.getMessage());
        assertEquals(67_108_864, settings.size(Parameter.XBZRLE_CACHE_SIZE));
        assertEquals(300, settings.size(Parameter.DOWNTIME_LIMIT));
    }

    @Test
    void givesTheGreatestLongForAnUnsignedValueBeyondIt() {
        refusal(Map.of(Parameter.MAX_BANDWIDTH, -1L));

        assertEquals(Long.MAX_VALUE, settings.size(Parameter.MAX_BANDWIDTH));
        assertEquals(Integer.MAX_VALUE, settings.count(Parameter.MAX_BANDWIDTH));
    }

    @ParameterizedTest
    @CsvSource({
        "max-bandwidth, 64M, 67108864",
        "max-bandwidth, 4G, 4294967296",
        "max-bandwidth, 3k, 3072",
        "cpu-throttle-tailslow, on, true",
        "zero-page-detection, none, none",
        "tls-hostname, example.org, example.org"
    })
    void readsValuesFromTextOnACommandLine(String name, String text, String value) throws Exception {
        Parameter parameter = Parameter.named(name, Profile.V10_0).orElseThrow();

        Object parsed = ParameterText.parse(parameter, Profile.V10_0, text);

        assertEquals(value, parsed.toString());
    }

    @Test
    void saysWhichNameOfAMappingIsTakenTwice() {
        String prefix = "Invalid mapping given for block-bitmap-mapping: ";
        BitmapMapping.Bitmap x = bitmap("x", "y");

        assertEquals(prefix + "The node name 'n' is mapped twice", refusal(mapping(node("n", "a"), node("n", "b"))));
        assertEquals(prefix + "The node alias 'a' is used twice", refusal(mapping(node("n", "a"), node("m", "a"))));
        assertEquals(
                prefix + "The bitmap 'n'/'x' is mapped twice", refusal(mapping(node("n", "a", x, bitmap("x", "z")))));
        assertEquals(
                prefix + "The bitmap alias 'a'/'y' is used twice",
                refusal(mapping(node("n", "a", x, bitmap("z", "y")))));
    }

    @Test
    void wantsNamesOfAMappingToFitTheStream() {
        String prefix = "Invalid mapping given for block-bitmap-mapping: ";
        String longAlias = "a".repeat(256);
        String longName = "n".repeat(1024);

        assertEquals(
                prefix + "The node alias '" + longAlias + "' is longer than 255 bytes",
                refusal(mapping(node("n", longAlias))));
        assertEquals(
                prefix + "The bitmap alias '" + longAlias + "' is longer than 255 bytes",
                refusal(mapping(node("n", "a", bitmap("x", longAlias)))));
        assertEquals(
                prefix + "The bitmap name '" + longName + "' is longer than 1023 bytes",
                refusal(mapping(node("n", "a", bitmap(longName, "y")))));
        assertEquals(prefix + "The node alias '9a' is not well-formed", refusal(mapping(node("n", "9a"))));
        assertEquals("", refusal(mapping(node("", "a".repeat(255), bitmap("n".repeat(1023), "")))));
    }

    private String refusal(Map<Parameter, ?> changes) {
        try {
            settings.setParameters(new EnumMap<>(changes));
            return "";
        } catch (SettingRefusedException refused) {
            return refused.getMessage();
        }
    }

    private static Map<Parameter, ?> mapping(BitmapMapping.Node... nodes) {
        return Map.of(Parameter.BLOCK_BITMAP_MAPPING, new BitmapMapping(List.of(nodes)));
    }

    private static BitmapMapping.Node node(String name, String alias, BitmapMapping.Bitmap... bitmaps) {
        return new BitmapMapping.Node(name, alias, List.of(bitmaps));
    }

    private static BitmapMapping.Bitmap bitmap(String name, String alias) {
        return new BitmapMapping.Bitmap(name, alias, Optional.empty());
    }
}
