package org.transhume.control.settings;

import static org.transhume.control.settings.Profile.V10_0;
import static org.transhume.control.settings.Profile.V3_1;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * Every capability of the profiles, in the order in which {@code query-migrate-capabilities} lists them; Transhume's own
 * extensions and those of the micro-checkpointing RFC come last. All but one are off at first. What must not be on together is in {@link CapabilityRule}.
 */
public enum Capability {
    XBZRLE(V3_1, V10_0, true, "send a page written again as its difference from the copy sent before"),
    RDMA_PIN_ALL(V3_1, V10_0, false, "over RDMA, register and lock all guest memory at the start"),
    AUTO_CONVERGE(V3_1, V10_0, true, "slow the guest down in steps when it writes faster than pages are sent"),
    ZERO_BLOCKS(V3_1, V10_0, false, "in storage migration, encode blocks of zeros compactly"),
    COMPRESS(V3_1, V3_1, true, "compress pages in a pool of threads"),
    EVENTS(V3_1, V10_0, true, "emit MIGRATION and MIGRATION_PASS, each side for its own state"),
    POSTCOPY_RAM(V3_1, V10_0, true, "let the guest move before all its memory has; pages missing there are fetched"),
    X_COLO(V3_1, V10_0, false, "never finish: keep a second machine in step by checkpoints"),
    RELEASE_RAM(
            V3_1,
            V10_0,
            true,
            "in postcopy, free the source's pages once they have arrived; rules out recovery, but with x-handover"),
    BLOCK(V3_1, V3_1, false, "send the contents of block devices inside the stream"),
    RETURN_PATH(V3_1, V10_0, true, "in precopy too, have the destination answer, so that the source learns the result"),
    PAUSE_BEFORE_SWITCHOVER(V3_1, V10_0, true, "wait for migrate-continue between pausing the guest and handing over"),
    X_MULTIFD(V3_1, V3_1, true, "early form of multifd"),
    MULTIFD(V10_0, V10_0, true, "send pages over several channels at a time"),
    DIRTY_BITMAPS(V3_1, V10_0, false, "send named dirty bitmaps of block devices"),
    POSTCOPY_BLOCKTIME(V3_1, V10_0, true, "measure how long vCPUs wait for pages in postcopy"),
    LATE_BLOCK_ACTIVATE(V3_1, V10_0, true, "take the destination's disks only when the guest runs"),
    X_IGNORE_SHARED(V10_0, V10_0, true, "leave out RAM that the destination can map itself"),
    VALIDATE_UUID(V10_0, V10_0, true, "have the destination refuse a machine with another UUID"),
    BACKGROUND_SNAPSHOT(V10_0, V10_0, false, "save the machine as it was at the start while the guest runs on"),
    ZERO_COPY_SEND(V10_0, V10_0, false, "send pages without a copy in the kernel"),
    POSTCOPY_PREEMPT(V10_0, V10_0, true, "give requested pages a channel of their own"),
    SWITCHOVER_ACK(V10_0, V10_0, true, "hand over only once the destination has agreed"),
    DIRTY_LIMIT(V10_0, V10_0, true, "slow down only those vCPUs that write too fast"),
    MAPPED_RAM(V10_0, V10_0, false, "write each page at its own place in a file"),

    X_HOLE_RUNS(V3_1, V10_0, true, "Transhume only: ranges never written travel as runs, not as single zero pages"),
    X_LZ4(V3_1, V10_0, true, "Transhume only: channels compress pages with LZ4"),
    X_MULTIFD_XBZRLE(V3_1, V10_0, true, "Transhume only: xbzrle works on channels, too"),
    X_MULTIFD_POSTCOPY(
            V3_1, V10_0, true, "Transhume only: pages that follow the guest in postcopy travel on channels, too"),
    X_ADAPTIVE(
            V3_1,
            V10_0,
            true,
            "Transhume only: channels send pages raw, compressed or as deltas, as pays at the moment"),
    X_RAM_DIGEST(
            V3_1, V10_0, true, "Transhume only: the destination compares RAM with what was sent before the guest runs"),
    X_HANDOVER(
            V3_1,
            V10_0,
            true,
            "Transhume only: the guest starts on the source's word, and a lost answer is asked for again"),
    X_REPORT(V3_1, V10_0, true, "Transhume only: query-migrate has a member x-transhume with what is foretold"),

    MC(V3_1, V10_0, false, "never finish: send a checkpoint of the whole machine at fixed intervals"),
    MC_NET_DISABLE(V3_1, V10_0, false, "do not hold back what the guest sends between checkpoints; only to measure"),
    MC_RDMA_COPY(V3_1, V10_0, false, "copy checkpoints on their side by RDMA rather than by the CPU"),
    RDMA_KEEPALIVE(V3_1, V10_0, false, "over RDMA, ask for signs of life, so that a dead peer ends the migration") {
        @Override
        boolean onAtFirst() {
            return true;
        }
    };

    private final Profile since;
    private final Profile until;
    private final boolean built;
    private final String description;

    Capability(Profile since, Profile until, boolean built, String description) {
        this.since = since;
        this.until = until;
        this.built = built;
        this.description = description;
    }

    /** All capabilities of {@code profile}, in wire order. */
    public static List<Capability> of(Profile profile) {
        return Arrays.stream(values()).filter(c -> c.in(profile)).toList();
    }

    /** The capability called {@code wireName} in {@code profile}. */
    public static Optional<Capability> named(String wireName, Profile profile) {
        return of(profile).stream().filter(c -> c.wireName().equals(wireName)).findFirst();
    }

    /** The name on the wire, for instance {@code postcopy-ram}. */
    public String wireName() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /** Whether {@code profile} knows it. */
    public boolean in(Profile profile) {
        return since.compareTo(profile) <= 0 && profile.compareTo(until) <= 0;
    }

    /** Whether this release can do it; if not it is listed, but switching it on is refused. */
    public boolean built() {
        return built;
    }

    /** Whether {@code profile} has it only for old scripts. */
    public boolean deprecatedIn(Profile profile) {
        return this == ZERO_BLOCKS && profile == V10_0;
    }

    /** Whether it is on until somebody switches it off. */
    boolean onAtFirst() {
        return false;
    }

    public String description() {
        return description;
    }

    /** The capabilities it must not be on together with. */
    public List<Capability> conflicts() {
        return CapabilityRule.conflictsOf(this);
    }

    /** The capabilities it must not be on without; where a profile has x-multifd, that stands in for multifd. */
    public List<Capability> needs() {
        return CapabilityRule.needsOf(this);
    }

    /** Whether a destination has to switch it on before it listens. */
    public boolean beforeListening() {
        return CapabilityRule.isBeforeListening(this);
    }

    @Override
    public String toString() {
        return wireName();
    }
}
