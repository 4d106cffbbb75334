package org.transhume.control.domain.spec;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.transhume.control.domain.error.IllegalMigrationException;
import org.transhume.control.domain.error.UnsupportedCapabilityException;
import org.transhume.control.domain.error.Violation;

/** Which flags and parameters go together. */
class MigrationSpecTest {
    /** Every row of the conflict columns: flags and parameters, and the one rule that they break. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "TUNNELLED | tunnelled-needs-peer2peer",
                "PEER2PEER TUNNELLED PARALLEL | tunnelled-excludes-parallel",
                "PEER2PEER TUNNELLED LIVE POSTCOPY | tunnelled-excludes-postcopy",
                "PEER2PEER TUNNELLED OFFLINE PERSIST_DEST | tunnelled-excludes-offline",
                "PEER2PEER TUNNELLED NON_SHARED_DISK | tunnelled-excludes-non-shared-disk",
                "PEER2PEER TUNNELLED NON_SHARED_INC | tunnelled-excludes-non-shared-inc",
                "PEER2PEER TUNNELLED migrate_uri=tcp:h:1 | tunnelled-excludes-migrate-uri",
                "PEER2PEER TUNNELLED listen_address=h | tunnelled-excludes-listen-address",
                "PEER2PEER TUNNELLED disks_port=1 | tunnelled-excludes-disks-port disks-port-needs-non-shared",
                "NON_SHARED_DISK NON_SHARED_INC | non-shared-disk-excludes-non-shared-inc",
                "NON_SHARED_DISK OFFLINE PERSIST_DEST | non-shared-disk-excludes-offline",
                "NON_SHARED_INC OFFLINE PERSIST_DEST | non-shared-inc-excludes-offline",
                "OFFLINE | offline-needs-persist-dest",
                "RDMA_PIN_ALL | rdma-pin-all-needs-rdma-uri",
                "RDMA_PIN_ALL migrate_uri=tcp:h:1 | rdma-pin-all-needs-rdma-uri",
                "POSTCOPY | postcopy-needs-live",
                "LIVE POSTCOPY PAUSED | postcopy-excludes-paused",
                "LIVE POSTCOPY PARALLEL | postcopy-excludes-parallel",
                "NON_SHARED_SYNCHRONOUS_WRITES | non-shared-synchronous-writes-needs-non-shared-disk-or-non-shared-inc",
                "POSTCOPY_RESUME PEER2PEER | postcopy-resume-needs-postcopy",
                "LIVE POSTCOPY POSTCOPY_RESUME | postcopy-resume-needs-change-protection-or-peer2peer",
                "ZEROCOPY | zerocopy-needs-parallel",
                "ZEROCOPY PARALLEL COMPRESSED compression=zlib | zerocopy-excludes-compressed",
                "ZEROCOPY PARALLEL TLS | zerocopy-excludes-tls",
                "persistent_xml=x | persistent-xml-needs-persist-dest",
                "bandwidth.postcopy=1 | bandwidth-postcopy-needs-postcopy",
                "migrate_disks=vda | migrate-disks-needs-non-shared",
                "migrate_disks_detect_zeroes=vda | migrate-disks-detect-zeroes-needs-non-shared",
                "disks_port=1 | disks-port-needs-non-shared",
                "disks_uri=tcp://h:1 | disks-uri-needs-non-shared",
                "compression=xbzrle | compression-needs-compressed",
                "COMPRESSED compression=lzo | unknown-compression",
                "COMPRESSED compression=xbzrle compression=xbzrle | compression-twice",
                "COMPRESSED compression=zstd | compression-needs-parallel",
                "COMPRESSED compression=zlib | compression-needs-parallel",
                "COMPRESSED PARALLEL compression=xbzrle | compression-excludes-parallel",
                "COMPRESSED PARALLEL compression=mt | compression-excludes-parallel",
                "COMPRESSED PARALLEL | compression-needs-one-method",
                "COMPRESSED PARALLEL compression=zlib compression=zstd | compression-needs-one-method",
                "COMPRESSED compression.mt.level=1 | compression-mt-level-needs-mt",
                "COMPRESSED compression.mt.threads=1 | compression-mt-threads-needs-mt",
                "COMPRESSED compression.mt.dthreads=1 | compression-mt-dthreads-needs-mt",
                "compression.xbzrle.cache=4096 | compression-xbzrle-cache-needs-xbzrle",
                "COMPRESSED compression=mt compression.xbzrle.cache=4096 | compression-xbzrle-cache-needs-xbzrle",
                "compression.zlib.level=1 | compression-zlib-level-needs-zlib",
                "COMPRESSED PARALLEL compression=zlib compression.zstd.level=1 | compression-zstd-level-needs-zstd",
                "auto_converge.initial=1 | auto-converge-initial-needs-auto-converge",
                "auto_converge.increment=1 | auto-converge-increment-needs-auto-converge",
                "x-auto-converge.maximum=1 | x-auto-converge-maximum-needs-auto-converge",
                "parallel.connections=1 | parallel-connections-needs-parallel",
                "tls.destination=h | tls-destination-needs-tls",
                "graphics_uri=rdp://h | graphics-uri-scheme",
                "NON_SHARED_DISK disks_uri=rdma://h | disks-uri-scheme",
                "NON_SHARED_DISK TLS disks_uri=unix:///x | disks-uri-excludes-tls",
                "destination_name= | out-of-range",
                "listen_address= | out-of-range",
                "bandwidth=8796093022208 | out-of-range",
                "AUTO_CONVERGE auto_converge.initial=100 | out-of-range",
                "AUTO_CONVERGE auto_converge.increment=0 | out-of-range",
                "PARALLEL parallel.connections=256 | out-of-range",
                "COMPRESSED PARALLEL compression=zlib compression.zlib.level=10 | out-of-range",
                "COMPRESSED PARALLEL compression=zstd compression.zstd.level=21 | out-of-range",
                "COMPRESSED compression=mt compression.mt.level=10 | out-of-range",
                "NON_SHARED_DISK disks_port=65536 | out-of-range",
                "x-max-downtime=2000001 | out-of-range",
                "bandwidth=1 bandwidth=2 | repeated",
                "speed=1 | unknown-parameter"
            })
    void refusesWhatContradictsItself(String words, String codes) {
        IllegalMigrationException refusal = assertThrows(IllegalMigrationException.class, () -> spec(words));

        assertEquals(
                List.of(codes.split(" ", -1)),
                refusal.violations().stream().map(Violation::code).toList());
        refusal.violations().forEach(v -> assertTrue(refusal.getMessage().contains(v.message())));
    }

    @Test
    void everyRuleIsBrokenByOneOfTheRows() throws NoSuchMethodException {
        CsvSource rows = MigrationSpecTest.class
                .getDeclaredMethod("refusesWhatContradictsItself", String.class, String.class)
                .getAnnotation(CsvSource.class);
        Set<String> shown = Stream.of(rows.value())
                .flatMap(row ->
                        Stream.of(row.substring(row.indexOf('|') + 1).strip().split(" ", -1)))
                .collect(Collectors.toSet());

        SpecRule.ALL.forEach(rule -> assertTrue(shown.contains(rule.code()), rule::code));
        assertEquals(
                SpecRule.ALL.size(),
                SpecRule.ALL.stream().map(SpecRule::code).distinct().count());
    }

    @Test
    void listsEverythingThatIsWrong() {
        IllegalMigrationException refusal = assertThrows(
                IllegalMigrationException.class, () -> spec("POSTCOPY PAUSED OFFLINE bandwidth.postcopy=1 speed=1"));

        assertEquals(
                List.of(
                        "unknown-parameter",
                        "offline-needs-persist-dest",
                        "postcopy-needs-live",
                        "postcopy-excludes-paused"),
                refusal.violations().stream().map(Violation::code).toList());
    }

    @Test
    void refusesAValueOfAnotherType() {
        IllegalMigrationException refusal = assertThrows(
                IllegalMigrationException.class,
                () -> MigrationSpec.fromTyped(Set.of(), List.of(new TypedParameter("bandwidth", "fast"))));

        assertEquals("wrong-type", refusal.violations().getFirst().code());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "LIVE",
                "LIVE PARALLEL COMPRESSED compression=zstd compression.zstd.level=20",
                "COMPRESSED compression.xbzrle.cache=4096",
                "COMPRESSED compression=xbzrle compression=mt compression.mt.level=0",
                "OFFLINE PERSIST_DEST",
                "NON_SHARED_INC NON_SHARED_SYNCHRONOUS_WRITES migrate_disks=a migrate_disks=b",
                "LIVE POSTCOPY POSTCOPY_RESUME PEER2PEER bandwidth.postcopy=5",
                "ZEROCOPY PARALLEL",
                "RDMA_PIN_ALL migrate_uri=rdma:h:1",
                "PEER2PEER TUNNELLED"
            })
    void takesWhatGoesTogetherAndGivesTheSameBack(String words) {
        MigrationSpec spec = spec(words);

        assertEquals(spec, MigrationSpec.fromTyped(spec.toTyped()));
        assertEquals(spec.toTyped(), MigrationSpec.fromTyped(spec.toTyped()).toTyped());
    }

    @Test
    void convertsAnySoundCombinationThereAndBack() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        int sound = 0;
        for (int i = 0; i < 20_000; i++) {
            EnumSet<MigrationFlag> flags = EnumSet.noneOf(MigrationFlag.class);
            for (MigrationFlag flag : MigrationFlag.values()) {
                if (random.nextInt(6) == 0) {
                    flags.add(flag);
                }
            }
            List<TypedParameter> parameters = new ArrayList<>();
            for (MigrationParameter parameter : MigrationParameter.values()) {
                if (random.nextInt(12) == 0) {
                    parameters.add(new TypedParameter(parameter.key(), value(parameter, "1")));
                }
            }
            try {
                MigrationSpec spec = MigrationSpec.fromTyped(flags, parameters);
                assertEquals(new TypedMigration(flags, parameters), spec.toTyped(), "seed " + seed);
                assertEquals(flags, MigrationFlag.ofBits(MigrationFlag.bits(flags)), "seed " + seed);
                sound++;
            } catch (IllegalMigrationException e) {
                assertEquals(
                        new HashSet<>(e.violations()).size(), e.violations().size(), "seed " + seed);
            }
        }
        assertTrue(sound > 100, "only " + sound + " sound ones, seed " + seed);
    }

    @Test
    void numbersFlagsAsLibvirtDoes() {
        assertEquals((1L << 21) - 1, MigrationFlag.bits(EnumSet.allOf(MigrationFlag.class)));
        assertEquals(0x8001, MigrationFlag.bits(EnumSet.of(MigrationFlag.LIVE, MigrationFlag.POSTCOPY)));
        assertThrows(IllegalArgumentException.class, () -> MigrationFlag.ofBits(1L << 21));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "LIVE POSTCOPY POSTCOPY_RESUME PEER2PEER",
                "PEER2PEER TUNNELLED",
                "TLS",
                "NON_SHARED_DISK",
                "ZEROCOPY PARALLEL",
                "ABORT_ON_ERROR",
                "graphics_uri=vnc://h",
                "migrate_uri=rdma:h:1"
            })
    void saysWhatIsSoundButNotBuilt(String words) {
        MigrationSpec spec = spec(words);

        String refusal = assertThrows(UnsupportedCapabilityException.class, spec::requireBuilt)
                .getMessage();
        assertTrue(refusal.endsWith("is not built into this version of Transhume"), refusal);
    }

    @Test
    void tellsTheDestinationNothingThatIsTheSourcesBusiness() {
        MigrationSpec told = spec("LIVE AUTO_CONVERGE CHANGE_PROTECTION UNSAFE auto_converge.initial=30 bandwidth=7")
                .forDestination();

        assertEquals(Set.of(MigrationFlag.LIVE, MigrationFlag.UNSAFE), told.flags());
        assertEquals(told, MigrationSpec.fromTyped(told.toTyped()));
    }

    private static MigrationSpec spec(String words) {
        EnumSet<MigrationFlag> flags = EnumSet.noneOf(MigrationFlag.class);
        List<TypedParameter> parameters = new ArrayList<>();
        for (String word : words.strip().split(" ", -1)) {
            int equals = word.indexOf('=');
            if (equals > 0) {
                String key = word.substring(0, equals);
                String value = word.substring(equals + 1);
                parameters.add(new TypedParameter(
                        key,
                        MigrationParameter.of(key)
                                .<Object>map(p -> value(p, value))
                                .orElse(value)));
            } else if (!word.isEmpty()) {
                flags.add(MigrationFlag.valueOf(word));
            }
        }
        return MigrationSpec.fromTyped(flags, parameters);
    }

    private static Object value(MigrationParameter parameter, String text) {
        return switch (parameter.kind()) {
            case TEXT, TEXTS -> text;
            case UNSIGNED -> Long.parseLong(text);
            case INT -> Integer.parseInt(text);
        };
    }
}
