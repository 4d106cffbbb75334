package org.transhume.engine.incoming;

import java.time.Duration;
import java.util.EnumSet;
import java.util.Set;
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
 * @param switchoverAck whether the source waits for the guest's approval before it hands over
 * @param lateDisks whether disks are activated only for a guest that starts running
 * @param announcements when a guest that has arrived tells the network
 */
public record IncomingConfig(
        int channels,
        MultifdMethod method,
        int decompressThreads,
        Set<String> shared,
        long maxRam,
        Duration channelLimit,
        boolean switchoverAck,
        boolean lateDisks,
        AnnounceSchedule announcements) {
    /** The main channel alone, no extensions, up to 16 TiB of RAM. */
    public static final IncomingConfig DEFAULT = new IncomingConfig(
            0,
            MultifdMethod.NONE,
            2,
            Set.of(),
            16L << 40,
            Duration.ofSeconds(30),
            false,
            false,
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
        shared = Set.copyOf(shared);
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
        return new IncomingConfig(
                value,
                method,
                decompressThreads,
                shared,
                maxRam,
                channelLimit,
                switchoverAck,
                lateDisks,
                announcements);
    }

    public IncomingConfig withMethod(MultifdMethod value) {
        return new IncomingConfig(
                channels,
                value,
                decompressThreads,
                shared,
                maxRam,
                channelLimit,
                switchoverAck,
                lateDisks,
                announcements);
    }

    public IncomingConfig withDecompressThreads(int value) {
        return new IncomingConfig(
                channels, method, value, shared, maxRam, channelLimit, switchoverAck, lateDisks, announcements);
    }

    public IncomingConfig withShared(Set<String> value) {
        return new IncomingConfig(
                channels,
                method,
                decompressThreads,
                value,
                maxRam,
                channelLimit,
                switchoverAck,
                lateDisks,
                announcements);
    }

    public IncomingConfig withChannelLimit(Duration value) {
        return new IncomingConfig(
                channels, method, decompressThreads, shared, maxRam, value, switchoverAck, lateDisks, announcements);
    }

    public IncomingConfig withSwitchoverAck(boolean value) {
        return new IncomingConfig(
                channels, method, decompressThreads, shared, maxRam, channelLimit, value, lateDisks, announcements);
    }

    public IncomingConfig withLateDisks(boolean value) {
        return new IncomingConfig(
                channels, method, decompressThreads, shared, maxRam, channelLimit, switchoverAck, value, announcements);
    }

    public IncomingConfig withAnnouncements(AnnounceSchedule value) {
        return new IncomingConfig(
                channels, method, decompressThreads, shared, maxRam, channelLimit, switchoverAck, lateDisks, value);
    }
}
