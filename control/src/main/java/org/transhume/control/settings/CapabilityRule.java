package org.transhume.control.settings;

import static org.transhume.control.settings.Capability.*;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Stream;

/**
 * One thing that must hold for the capabilities of a process, and what to say if it does not.
 *
 * @param subject the capability the rule is about; the rule says nothing while it is off
 * @param other what it must not meet, or null if the rule is of another kind
 * @param needed what it must not be without, or null if the rule is of another kind
 * @param beforeListening whether it says that a destination has to set the capability before it listens
 * @param refusal with {@code subject} on: the text for the client, or empty if all is well
 */
record CapabilityRule(
        Capability subject,
        Capability other,
        Capability needed,
        boolean beforeListening,
        Function<Proposal, Optional<String>> refusal) {
    private CapabilityRule(Capability subject, Capability other, Function<Proposal, Optional<String>> refusal) {
        this(subject, other, null, false, refusal);
    }

    /** A complete new set, not yet in force. */
    record Proposal(SettingsValues before, SettingsValues after, Circumstances circumstances) {
        boolean has(Capability capability) {
            return after.enabled(capability);
        }

        boolean newly(Capability capability) {
            return has(capability) && !before.enabled(capability);
        }

        HostSupport host() {
            return circumstances.host();
        }
    }

    private static final String ZERO_COPY = "Zero copy only available for non-compressed non-TLS multifd migration";

    /** In the order in which they are checked: the first one broken is reported. */
    private static final List<CapabilityRule> RULES = rules();

    private static List<CapabilityRule> rules() {
        List<CapabilityRule> rules = new ArrayList<>();
        rules.add(unless(BLOCK, _ -> BLOCK.built(), Settings.NO_STORAGE_MIGRATION));
        rules.add(unless(
                X_COLO, p -> p.host().replication(), "QEMU compiled without replication module can't enable COLO"));
        // Only a destination needs the host's help, and only when asked for now.
        rules.add(new CapabilityRule(
                POSTCOPY_RAM,
                null,
                p -> p.host()
                        .postcopyProblem()
                        .filter(_ -> p.newly(POSTCOPY_RAM) && p.circumstances().inMigrate())
                        .map(reason -> "Postcopy is not supported: " + reason)));
        rules.add(conflict(POSTCOPY_RAM, X_IGNORE_SHARED, "Postcopy is not compatible with ignore-shared"));
        rules.add(conflict(POSTCOPY_RAM, MULTIFD, X_MULTIFD_POSTCOPY, "Postcopy is not yet compatible with multifd"));
        rules.add(conflict(POSTCOPY_RAM, COMPRESS, "Postcopy is not currently compatible with compression"));
        rules.add(unless(
                BACKGROUND_SNAPSHOT,
                p -> p.host().writeProtection(),
                "Background-snapshot is not supported by host kernel"));
        rules.add(unless(
                BACKGROUND_SNAPSHOT,
                p -> p.host().snapshotMemory(),
                "Background-snapshot is not compatible with guest memory configuration"));
        Stream.of(
                        POSTCOPY_RAM,
                        DIRTY_BITMAPS,
                        POSTCOPY_BLOCKTIME,
                        LATE_BLOCK_ACTIVATE,
                        RETURN_PATH,
                        MULTIFD,
                        PAUSE_BEFORE_SWITCHOVER,
                        AUTO_CONVERGE,
                        RELEASE_RAM,
                        RDMA_PIN_ALL,
                        XBZRLE,
                        X_COLO,
                        VALIDATE_UUID,
                        ZERO_COPY_SEND)
                .map(other ->
                        conflict(BACKGROUND_SNAPSHOT, other, "Background-snapshot is not compatible with " + other))
                .forEach(rules::add);
        rules.add(need(ZERO_COPY_SEND, MULTIFD, ZERO_COPY));
        rules.add(conflict(ZERO_COPY_SEND, XBZRLE, ZERO_COPY));
        rules.add(unless(ZERO_COPY_SEND, p -> p.after().plainPages(), ZERO_COPY));
        rules.add(need(POSTCOPY_PREEMPT, POSTCOPY_RAM, "Postcopy preempt requires postcopy-ram"));
        rules.add(beforeListening(POSTCOPY_PREEMPT, "Postcopy preempt must be set before incoming starts"));
        rules.add(beforeListening(MULTIFD, "Multifd must be set before incoming starts"));
        rules.add(need(SWITCHOVER_ACK, RETURN_PATH, needs(SWITCHOVER_ACK, RETURN_PATH)));
        rules.add(conflict(
                DIRTY_LIMIT,
                AUTO_CONVERGE,
                "dirty-limit conflicts with auto-converge either of then available currently"));
        rules.add(unless(
                DIRTY_LIMIT,
                p -> p.host().dirtyRing(),
                "dirty-limit requires KVM with accelerator property 'dirty-ring-size' set"));
        // 3.1 checks nothing of its x-multifd, but its page channels are today's, and so are their limits.
        rules.add(conflict(X_MULTIFD, POSTCOPY_RAM, X_MULTIFD_POSTCOPY, "Postcopy is not yet compatible with multifd"));
        rules.add(beforeListening(X_MULTIFD, "Multifd must be set before incoming starts"));
        rules.add(conflict(X_MULTIFD, COMPRESS, "Multifd is not compatible with compress"));
        for (Capability channels : List.of(MULTIFD, X_MULTIFD)) {
            rules.add(conflict(channels, XBZRLE, X_MULTIFD_XBZRLE, "Multifd is not compatible with xbzrle"));
        }
        rules.add(conflict(MAPPED_RAM, XBZRLE, "Mapped-ram migration is incompatible with xbzrle"));
        rules.add(conflict(MAPPED_RAM, POSTCOPY_RAM, "Mapped-ram migration is incompatible with postcopy"));
        for (Capability ours : List.of(X_LZ4, X_MULTIFD_XBZRLE, X_MULTIFD_POSTCOPY, X_ADAPTIVE)) {
            rules.add(new CapabilityRule(ours, null, MULTIFD, false, p -> {
                Capability channels = MULTIFD.in(p.after().profile()) ? MULTIFD : X_MULTIFD;
                return p.has(channels) ? Optional.empty() : Optional.of(needs(ours, channels));
            }));
            rules.add(beforeListening(ours, "Capability '" + ours + "' must be set before incoming starts"));
        }
        rules.add(beforeListening(X_RAM_DIGEST, "Capability 'x-ram-digest' must be set before incoming starts"));
        // It tells what RAM holds when the guest is handed over: pages must not come later, nor lie in a file out of
        // turn.
        for (Capability other : List.of(POSTCOPY_RAM, X_COLO, BACKGROUND_SNAPSHOT, MAPPED_RAM)) {
            rules.add(conflict(
                    X_RAM_DIGEST,
                    other,
                    "Capability 'x-ram-digest' is not compatible with capability '" + other + "'"));
        }
        rules.add(need(X_MULTIFD_XBZRLE, XBZRLE, needs(X_MULTIFD_XBZRLE, XBZRLE)));
        rules.add(need(X_MULTIFD_POSTCOPY, POSTCOPY_RAM, needs(X_MULTIFD_POSTCOPY, POSTCOPY_RAM)));
        rules.add(conflict(X_LZ4, X_ADAPTIVE, "Capability 'x-lz4' is not compatible with capability 'x-adaptive'"));
        for (Capability method : List.of(X_LZ4, X_ADAPTIVE)) {
            rules.add(unless(method, p -> p.after().noMultifdCompression(), instead(method)));
        }
        rules.add(need(X_HANDOVER, RETURN_PATH, needs(X_HANDOVER, RETURN_PATH)));
        rules.add(beforeListening(X_HANDOVER, "Capability '" + X_HANDOVER + "' must be set before incoming starts"));
        for (Capability detail : List.of(MC_NET_DISABLE, MC_RDMA_COPY)) {
            rules.add(unless(detail, p -> p.has(MC), needs(detail, MC)));
        }
        // Last, so that a set QEMU would refuse is refused in QEMU's words.
        Arrays.stream(Capability.values())
                .map(capability -> unless(
                        capability,
                        p -> capability.built() || !p.newly(capability),
                        "Capability '" + capability + "' is not built into this version of Transhume"))
                .forEach(rules::add);
        return List.copyOf(rules);
    }

    private static String needs(Capability subject, Capability other) {
        return "Capability '" + subject + "' requires capability '" + other + "'";
    }

    /** What to say if {@code method} meets a {@code multifd-compression}: a channel packs pages in one way. */
    static String instead(Capability method) {
        return "Capability '" + method + "' requires parameter 'multifd-compression' to be none";
    }

    private static CapabilityRule conflict(Capability subject, Capability other, String refusal) {
        return new CapabilityRule(subject, other, p -> p.has(other) ? Optional.of(refusal) : Optional.empty());
    }

    /** A conflict of QEMU's that our extension {@code lifted} is there to lift. */
    private static CapabilityRule conflict(Capability subject, Capability other, Capability lifted, String refusal) {
        return new CapabilityRule(
                subject, other, p -> p.has(other) && !p.has(lifted) ? Optional.of(refusal) : Optional.empty());
    }

    private static CapabilityRule unless(Capability subject, Predicate<Proposal> fulfilled, String refusal) {
        return new CapabilityRule(subject, null, p -> fulfilled.test(p) ? Optional.empty() : Optional.of(refusal));
    }

    private static CapabilityRule need(Capability subject, Capability needed, String refusal) {
        return new CapabilityRule(
                subject, null, needed, false, p -> p.has(needed) ? Optional.empty() : Optional.of(refusal));
    }

    private static CapabilityRule beforeListening(Capability subject, String refusal) {
        return new CapabilityRule(
                subject,
                null,
                null,
                true,
                p -> p.newly(subject) && p.circumstances().listening() ? Optional.of(refusal) : Optional.empty());
    }

    /** What to tell the client about the first rule that {@code proposal} breaks. */
    static Optional<String> firstBroken(Proposal proposal) {
        return RULES.stream()
                .filter(rule -> proposal.has(rule.subject))
                .flatMap(rule -> rule.refusal.apply(proposal).stream())
                .findFirst();
    }

    static boolean isBeforeListening(Capability capability) {
        return RULES.stream().anyMatch(rule -> rule.beforeListening && rule.subject == capability);
    }

    static List<Capability> needsOf(Capability capability) {
        return RULES.stream()
                .filter(rule -> rule.needed != null && rule.subject == capability)
                .map(CapabilityRule::needed)
                .distinct()
                .toList();
    }

    static List<Capability> conflictsOf(Capability capability) {
        return RULES.stream()
                .filter(rule -> rule.other != null && (rule.subject == capability || rule.other == capability))
                .map(rule -> rule.subject == capability ? rule.other : rule.subject)
                .distinct()
                .toList();
    }
}
