package org.transhume.control.domain.spec;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** How a stream may be compressed, and what tunes it. */
public enum CompressionMethod {
    XBZRLE(false),
    MT(false),
    ZLIB(true),
    ZSTD(true);

    private final boolean onChannels;

    CompressionMethod(boolean onChannels) {
        this.onChannels = onChannels;
    }

    /** Whether it is for parallel connections, and for nothing else; else it is for everything else. */
    public boolean onChannels() {
        return onChannels;
    }

    /** What tunes it, and nothing else. */
    List<MigrationParameter> parameters() {
        return switch (this) {
            case XBZRLE -> List.of(MigrationParameter.COMPRESSION_XBZRLE_CACHE);
            case MT ->
                List.of(
                        MigrationParameter.COMPRESSION_MT_LEVEL,
                        MigrationParameter.COMPRESSION_MT_THREADS,
                        MigrationParameter.COMPRESSION_MT_DTHREADS);
            case ZLIB -> List.of(MigrationParameter.COMPRESSION_ZLIB_LEVEL);
            case ZSTD -> List.of(MigrationParameter.COMPRESSION_ZSTD_LEVEL);
        };
    }

    /** As callers write it. */
    public String word() {
        return name().toLowerCase(Locale.ROOT);
    }

    public static Optional<CompressionMethod> of(String word) {
        return Arrays.stream(values()).filter(m -> m.word().equals(word)).findFirst();
    }
}
