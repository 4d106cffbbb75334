package org.transhume.benchmarks.pipeline;

import java.util.Set;
import org.transhume.channels.qemu.MultifdMethod;
import org.transhume.engine.Extensions;
import org.transhume.engine.incoming.IncomingConfig;
import org.transhume.engine.outgoing.Compression;

/** Forms in which pages travel. All but {@link #NONE} and {@link #XBZRLE} need page channels. */
public enum PageForm {
    NONE,
    XBZRLE,
    LZ4,
    ZSTD,
    ZLIB,
    ADAPTIVE;

    private static final long CACHE = 256 << 20;

    Compression compression() {
        return switch (this) {
            case NONE, XBZRLE -> new Compression.None();
            case LZ4 -> new Compression.Lz4();
            case ZSTD -> new Compression.Zstd(1);
            case ZLIB -> new Compression.Zlib(1);
            case ADAPTIVE -> new Compression.Adaptive();
        };
    }

    long deltaCache() {
        return this == XBZRLE || this == ADAPTIVE ? CACHE : 0;
    }

    IncomingConfig incoming(int channels) {
        return IncomingConfig.DEFAULT
                .withChannels(channels)
                .withMethod(
                        switch (this) {
                            case ZSTD -> MultifdMethod.ZSTD;
                            case ZLIB -> MultifdMethod.ZLIB;
                            case NONE, XBZRLE, LZ4, ADAPTIVE -> MultifdMethod.NONE;
                        })
                .withShared(
                        switch (this) {
                            case XBZRLE -> channels == 0 ? Set.of() : Set.of(Extensions.MULTIFD_XBZRLE);
                            case LZ4 -> Set.of(Extensions.LZ4);
                            case ADAPTIVE -> Set.of(Extensions.ADAPTIVE);
                            case NONE, ZSTD, ZLIB -> Set.of();
                        });
    }
}
