package org.transhume.engine;

import java.time.Duration;
import java.util.Set;
import java.util.TreeSet;
import org.transhume.channels.qemu.MultifdMethod;
import org.transhume.engine.incoming.IncomingConfig;
import org.transhume.engine.outgoing.Compression;
import org.transhume.engine.outgoing.OutgoingConfig;
import org.transhume.engine.outgoing.PageCompression;

/** Forms in which pages can travel, and what both sides switch on for them. */
@SuppressWarnings("ImmutableEnumChecker") // records of numbers
public enum Packing {
    ZLIB_1(true, new Compression.Zlib(1), 0, null),
    ZLIB_9(true, new Compression.Zlib(9), 0, null),
    ZSTD_1(true, new Compression.Zstd(1), 0, null),
    ZSTD_9(true, new Compression.Zstd(9), 0, null),
    LZ4(true, new Compression.Lz4(), 0, null),
    XBZRLE(false, new Compression.None(), Packing.CACHE, null),
    MULTIFD_XBZRLE(true, new Compression.None(), Packing.CACHE, null),
    ZSTD_XBZRLE(true, new Compression.Zstd(1), Packing.CACHE, null),
    LZ4_XBZRLE(true, new Compression.Lz4(), Packing.CACHE, null),
    ADAPTIVE(true, new Compression.Adaptive(), Packing.CACHE, null),
    COMPRESS_1(false, new Compression.None(), 0, new PageCompression(1, 1, false)),
    COMPRESS_1_WAITING(false, new Compression.None(), 0, new PageCompression(9, 1, true)),
    COMPRESS_8(false, new Compression.None(), 0, new PageCompression(1, 8, false)),
    COMPRESS_8_WAITING(false, new Compression.None(), 0, new PageCompression(1, 8, true)),
    COMPRESS_XBZRLE(false, new Compression.None(), Packing.CACHE, new PageCompression(1, 2, true));

    private static final long CACHE = 4 * Guests.MIB;

    final boolean multifd;
    final Compression compression;
    final long deltaCache;
    final PageCompression pageCompression;

    Packing(boolean multifd, Compression compression, long deltaCache, PageCompression pageCompression) {
        this.multifd = multifd;
        this.compression = compression;
        this.deltaCache = deltaCache;
        this.pageCompression = pageCompression;
    }

    boolean deltas() {
        return deltaCache > 0;
    }

    /** @param channels of those forms that need some */
    int channels(int channels) {
        return multifd ? channels : 0;
    }

    OutgoingConfig.Builder outgoing(int channels) {
        return OutgoingConfig.builder()
                .channels(channels(channels))
                .compression(compression)
                .deltaCache(deltaCache)
                .pageCompression(pageCompression);
    }

    /** What the destination of {@link #outgoing} needs. */
    public IncomingConfig incoming(int channels) {
        return IncomingConfig.DEFAULT
                .withChannels(channels(channels))
                .withMethod(method())
                .withDecompressThreads(pageCompression == null ? 2 : pageCompression.threads())
                .withShared(extensions())
                .withChannelLimit(Duration.ofSeconds(5));
    }

    private MultifdMethod method() {
        return switch (compression) {
            case Compression.Zlib _ -> MultifdMethod.ZLIB;
            case Compression.Zstd _ -> MultifdMethod.ZSTD;
            case Compression.None(), Compression.Lz4(), Compression.Adaptive() -> MultifdMethod.NONE;
        };
    }

    private Set<String> extensions() {
        if (compression instanceof Compression.Adaptive) {
            return Set.of(Extensions.ADAPTIVE); // has all of them in it
        }
        Set<String> extensions = new TreeSet<>();
        if (compression instanceof Compression.Lz4) {
            extensions.add(Extensions.LZ4);
        }
        if (multifd && deltas()) {
            extensions.add(Extensions.MULTIFD_XBZRLE);
        }
        return extensions;
    }
}
