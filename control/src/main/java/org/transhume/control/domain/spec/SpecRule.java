package org.transhume.control.domain.spec;

import static org.transhume.control.domain.spec.MigrationFlag.*;
import static org.transhume.control.domain.spec.MigrationParameter.*;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.transhume.control.domain.error.Violation;

/**
 * What must hold among the flags and parameters of one migration; §2 and §3 of the domain API, every row once. Ranges and types
 * of single parameters are in {@link MigrationParameter}.
 *
 * @param code stable
 * @param broken whether a specification breaks it
 */
record SpecRule(String code, String message, Predicate<MigrationSpec> broken) {
    private static final List<MigrationFlag> NON_SHARED = List.of(NON_SHARED_DISK, NON_SHARED_INC);

    static final List<SpecRule> ALL = all();

    private static List<SpecRule> all() {
        List<SpecRule> rules = new ArrayList<>();
        rules.add(needs(TUNNELLED, PEER2PEER));
        Stream.of(PARALLEL, POSTCOPY, OFFLINE, NON_SHARED_DISK, NON_SHARED_INC)
                .map(other -> excludes(TUNNELLED, other))
                .forEach(rules::add);
        Stream.of(MIGRATE_URI, LISTEN_ADDRESS, DISKS_PORT)
                .map(other -> excludes(TUNNELLED, other))
                .forEach(rules::add);
        rules.add(excludes(NON_SHARED_DISK, NON_SHARED_INC));
        NON_SHARED.forEach(flag -> rules.add(excludes(flag, OFFLINE)));
        rules.add(needs(OFFLINE, PERSIST_DEST));
        rules.add(new SpecRule(
                "rdma-pin-all-needs-rdma-uri",
                "flag RDMA_PIN_ALL needs a migrate_uri that begins with rdma:",
                s -> s.has(RDMA_PIN_ALL) && !s.text(MIGRATE_URI).orElse("").startsWith("rdma:")));
        rules.add(needs(POSTCOPY, LIVE));
        rules.add(excludes(POSTCOPY, PAUSED));
        rules.add(excludes(POSTCOPY, PARALLEL));
        rules.add(needsOne(NON_SHARED_SYNCHRONOUS_WRITES, NON_SHARED));
        rules.add(needs(POSTCOPY_RESUME, POSTCOPY));
        rules.add(needsOne(POSTCOPY_RESUME, List.of(CHANGE_PROTECTION, PEER2PEER)));
        rules.add(needs(ZEROCOPY, PARALLEL));
        rules.add(excludes(ZEROCOPY, COMPRESSED));
        rules.add(excludes(ZEROCOPY, TLS));

        rules.add(tunes(PERSISTENT_XML, PERSIST_DEST));
        rules.add(tunes(BANDWIDTH_POSTCOPY, POSTCOPY));
        Stream.of(MIGRATE_DISKS, MIGRATE_DISKS_DETECT_ZEROES, DISKS_PORT, DISKS_URI)
                .map(parameter -> new SpecRule(
                        name(parameter) + "-needs-non-shared",
                        "%s needs flag NON_SHARED_DISK or NON_SHARED_INC".formatted(parameter.key()),
                        s -> s.present(parameter) && NON_SHARED.stream().noneMatch(s::has)))
                .forEach(rules::add);
        rules.add(tunes(COMPRESSION, COMPRESSED));
        for (CompressionMethod method : CompressionMethod.values()) {
            method.parameters().forEach(parameter -> rules.add(tunes(parameter, method)));
        }
        rules.add(new SpecRule(
                "unknown-compression",
                "compression: expected xbzrle, mt, zlib or zstd",
                s -> !s.texts(COMPRESSION).stream()
                        .allMatch(word -> CompressionMethod.of(word).isPresent())));
        rules.add(new SpecRule(
                "compression-twice",
                "compression: a method is named twice",
                s -> new HashSet<>(s.texts(COMPRESSION)).size()
                        < s.texts(COMPRESSION).size()));
        rules.add(new SpecRule(
                "compression-needs-parallel",
                "compression zlib and zstd need flag PARALLEL",
                s -> !s.has(PARALLEL) && s.methods().stream().anyMatch(CompressionMethod::onChannels)));
        rules.add(new SpecRule(
                "compression-excludes-parallel",
                "compression xbzrle and mt exclude flag PARALLEL",
                s -> s.has(PARALLEL) && s.methods().stream().anyMatch(method -> !method.onChannels())));
        rules.add(new SpecRule(
                "compression-needs-one-method",
                "flags COMPRESSED and PARALLEL together need exactly one compression: zlib or zstd",
                s -> s.has(PARALLEL)
                        && s.has(COMPRESSED)
                        && s.texts(COMPRESSION).size() != 1));
        Stream.of(AUTO_CONVERGE_INITIAL, AUTO_CONVERGE_INCREMENT, X_AUTO_CONVERGE_MAXIMUM)
                .map(parameter -> tunes(parameter, AUTO_CONVERGE))
                .forEach(rules::add);
        rules.add(tunes(PARALLEL_CONNECTIONS, PARALLEL));
        rules.add(tunes(TLS_DESTINATION, MigrationFlag.TLS));
        rules.add(new SpecRule(
                "graphics-uri-scheme",
                "graphics_uri: expected spice://... or vnc://...",
                s -> s.text(GRAPHICS_URI)
                        .filter(uri -> !uri.startsWith("spice://") && !uri.startsWith("vnc://"))
                        .isPresent()));
        rules.add(new SpecRule(
                "disks-uri-scheme",
                "disks_uri: expected tcp://... or unix://...",
                s -> s.text(DISKS_URI)
                        .filter(uri -> !uri.startsWith("tcp:") && !uri.startsWith("unix:"))
                        .isPresent()));
        rules.add(new SpecRule(
                "disks-uri-excludes-tls",
                "disks_uri of a UNIX socket excludes flag TLS",
                s -> s.has(MigrationFlag.TLS) && s.text(DISKS_URI).orElse("").startsWith("unix:")));
        return List.copyOf(rules);
    }

    /** All that {@code spec} breaks. */
    static List<Violation> broken(MigrationSpec spec) {
        return ALL.stream()
                .filter(rule -> rule.broken.test(spec))
                .map(rule -> new Violation(rule.code, rule.message))
                .toList();
    }

    private static SpecRule needs(MigrationFlag flag, MigrationFlag other) {
        return needsOne(flag, List.of(other));
    }

    private static SpecRule needsOne(MigrationFlag flag, List<MigrationFlag> others) {
        List<String> names = others.stream().map(SpecRule::name).toList();
        return new SpecRule(
                name(flag) + "-needs-" + String.join("-or-", names),
                "flag %s needs %s"
                        .formatted(
                                flag,
                                String.join(
                                        " or ", others.stream().map(Enum::name).toList())),
                s -> s.has(flag) && others.stream().noneMatch(s::has));
    }

    private static SpecRule excludes(MigrationFlag flag, MigrationFlag other) {
        return new SpecRule(
                name(flag) + "-excludes-" + name(other),
                "flag %s excludes %s".formatted(flag, other),
                s -> s.has(flag) && s.has(other));
    }

    private static SpecRule excludes(MigrationFlag flag, MigrationParameter other) {
        return new SpecRule(
                name(flag) + "-excludes-" + name(other),
                "flag %s excludes %s".formatted(flag, other.key()),
                s -> s.has(flag) && s.present(other));
    }

    /** A parameter without what it tunes is an error, and not a no-op. */
    private static SpecRule tunes(MigrationParameter parameter, MigrationFlag flag) {
        return new SpecRule(
                name(parameter) + "-needs-" + name(flag),
                "%s needs flag %s".formatted(parameter.key(), flag),
                s -> s.present(parameter) && !s.has(flag));
    }

    private static SpecRule tunes(MigrationParameter parameter, CompressionMethod method) {
        return new SpecRule(
                name(parameter) + "-needs-" + method.word(),
                "%s needs compression %s".formatted(parameter.key(), method.word()),
                s -> s.present(parameter) && !s.methods().contains(method));
    }

    private static String name(Enum<?> constant) {
        return constant.name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}
