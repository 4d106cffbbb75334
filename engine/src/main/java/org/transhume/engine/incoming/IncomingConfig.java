package org.transhume.engine.incoming;

import java.time.Duration;
import java.util.EnumSet;
import java.util.Set;
import java.util.function.Consumer;
import org.transhume.channels.qemu.MultifdMethod;
import org.transhume.engine.AnnounceSchedule;
import org.transhume.engine.Extensions;

/**
 * What an incoming migration accepts. Immutable.
 *
 * @param channels multifd channels to expect, 1..255; 0 is none
 * @param method what {@code multifd-compression} says here: NONE, ZLIB or ZSTD
 * @param decompressThreads threads for pages that come compressed on the main channel, 1..255
 * @param shared the capabilities that both sides must have alike, of those that are on here: {@code x-ignore-shared} and
 *     extensions
 * @param maxRam bytes of RAM that the peer may announce
 * @param channelLimit longest wait for the other channels once the first connection is there
 * @param stallLimit longest wait for the rest of what the source began to send on a channel, or for it to take an answer; zero
 *     is for ever
 * @param silenceLimit longest wait for something new on the main channel; zero is for ever. A source may well be silent: one
 *     that pauses before the switchover sends nothing until somebody tells it to go on
 * @param switchoverAck whether the source waits for the guest's approval before it hands over
 * @param lateDisks whether disks are activated only for a guest that starts running
 * @param postcopy how the guest may arrive before all of its pages; null: not at all
 * @param announcements when a guest that has arrived tells the network
 */
public record IncomingConfig(
        int channels,
        MultifdMethod method,
        int decompressThreads,
        Set<String> shared,
        long maxRam,
        Duration channelLimit,
        Duration stallLimit,
        Duration silenceLimit,
        boolean switchoverAck,
        boolean lateDisks,
        PostcopyArrival postcopy,
        AnnounceSchedule announcements) {
    /** The main channel alone, no extensions, up to 16 TiB of RAM. */
    public static final IncomingConfig DEFAULT = new IncomingConfig(
            0,
            MultifdMethod.NONE,
            2,
            Set.of(),
            16L << 40,
            Duration.ofSeconds(30),
            Duration.ofSeconds(60),
            Duration.ZERO,
            false,
            false,
            null,
            AnnounceSchedule.DEFAULT);

    public IncomingConfig {
        if (channels < 0 || channels > 255) {
            throw new IllegalArgumentException("channels=%d: expected 0..255".formatted(channels));
        }
        if (method != MultifdMethod.NONE && method != MultifdMethod.ZLIB && method != MultifdMethod.ZSTD) {
            throw new IllegalArgumentException("method=%s: expected none, zlib or zstd".formatted(method));
        }
        if (decompressThreads < 1 || decompressThreads > 255) {
            throw new IllegalArgumentException("decompressThreads=%d: expected 1..255".formatted(decompressThreads));
        }
        if (channelLimit.isNegative() || stallLimit.isNegative() || silenceLimit.isNegative()) {
            throw new IllegalArgumentException("channelLimit=%s stallLimit=%s silenceLimit=%s: expected 0 or more"
                    .formatted(channelLimit, stallLimit, silenceLimit));
        }
        shared = Set.copyOf(shared);
    }

    /** Whether the guest starts on the source's word only. */
    boolean handover() {
        return shared.contains(Extensions.HANDOVER);
    }

    /** Forms that the data of a multifd packet may have, by what is switched on here. */
    Set<MultifdMethod> acceptedMethods() {
        EnumSet<MultifdMethod> accepted = EnumSet.of(method);
        if (shared.contains(Extensions.LZ4)) {
            accepted.add(MultifdMethod.LZ4);
        }
        if (shared.contains(Extensions.MULTIFD_XBZRLE)) {
            accepted.add(MultifdMethod.DELTA);
        }
        if (shared.contains(Extensions.ADAPTIVE)) {
            accepted.addAll(EnumSet.of(MultifdMethod.ZSTD, MultifdMethod.LZ4, MultifdMethod.DELTA));
        }
        return accepted;
    }

    public IncomingConfig withChannels(int value) {
        return but(draft -> draft.channels = value);
    }

    public IncomingConfig withMethod(MultifdMethod value) {
        return but(draft -> draft.method = value);
    }

    public IncomingConfig withDecompressThreads(int value) {
        return but(draft -> draft.decompressThreads = value);
    }

    public IncomingConfig withShared(Set<String> value) {
        return but(draft -> draft.shared = value);
    }

    public IncomingConfig withChannelLimit(Duration value) {
        return but(draft -> draft.channelLimit = value);
    }

    public IncomingConfig withStallLimit(Duration value) {
        return but(draft -> draft.stallLimit = value);
    }

    public IncomingConfig withSilenceLimit(Duration value) {
        return but(draft -> draft.silenceLimit = value);
    }

    public IncomingConfig withSwitchoverAck(boolean value) {
        return but(draft -> draft.switchoverAck = value);
    }

    public IncomingConfig withLateDisks(boolean value) {
        return but(draft -> draft.lateDisks = value);
    }

    public IncomingConfig withPostcopy(PostcopyArrival value) {
        return but(draft -> draft.postcopy = value);
    }

    public IncomingConfig withAnnouncements(AnnounceSchedule value) {
        return but(draft -> draft.announcements = value);
    }

    private IncomingConfig but(Consumer<Draft> change) {
        Draft draft = new Draft(this);
        change.accept(draft);
        return draft.config();
    }

    /** A config whose components can be changed one by one. */
    private static final class Draft {
        private int channels;
        private MultifdMethod method;
        private int decompressThreads;
        private Set<String> shared;
        private long maxRam;
        private Duration channelLimit;
        private Duration stallLimit;
        private Duration silenceLimit;
        private boolean switchoverAck;
        private boolean lateDisks;
        private PostcopyArrival postcopy;
        private AnnounceSchedule announcements;

        Draft(IncomingConfig from) {
            channels = from.channels;
            method = from.method;
            decompressThreads = from.decompressThreads;
            shared = from.shared;
            maxRam = from.maxRam;
            channelLimit = from.channelLimit;
            stallLimit = from.stallLimit;
            silenceLimit = from.silenceLimit;
            switchoverAck = from.switchoverAck;
            lateDisks = from.lateDisks;
            postcopy = from.postcopy;
            announcements = from.announcements;
        }

        IncomingConfig config() {
            return new IncomingConfig(
                    channels,
                    method,
                    decompressThreads,
                    shared,
                    maxRam,
                    channelLimit,
                    stallLimit,
                    silenceLimit,
                    switchoverAck,
                    lateDisks,
                    postcopy,
                    announcements);
        }
    }
}
