package org.transhume.engine.incoming;

import java.time.Duration;
import java.util.Set;

/**
 * What an incoming migration accepts. Immutable.
 *
 * @param channels multifd channels to expect, 1..255; 0 is none
 * @param shared the capabilities that both sides must have alike, of those that are on here: {@code x-ignore-shared} and
 *     extensions
 * @param maxRam bytes of RAM that the peer may announce
 * @param channelLimit longest wait for the other channels once the first connection is there
 */
public record IncomingConfig(int channels, Set<String> shared, long maxRam, Duration channelLimit) {
    /** The main channel alone, no extensions, up to 16 TiB of RAM. */
    public static final IncomingConfig DEFAULT = new IncomingConfig(0, Set.of(), 16L << 40, Duration.ofSeconds(30));

    public IncomingConfig {
        if (channels < 0 || channels > 255) {
            throw new IllegalArgumentException("channels=%d: expected 0..255".formatted(channels));
        }
        shared = Set.copyOf(shared);
    }

    public IncomingConfig withChannels(int value) {
        return new IncomingConfig(value, shared, maxRam, channelLimit);
    }

    public IncomingConfig withShared(Set<String> value) {
        return new IncomingConfig(channels, value, maxRam, channelLimit);
    }

    public IncomingConfig withChannelLimit(Duration value) {
        return new IncomingConfig(channels, shared, maxRam, value);
    }
}
