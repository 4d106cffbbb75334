package org.transhume.control.domain.spec;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** How a stream may be compressed, and what tunes it. */
public enum CompressionMethod {
    XBZRLE(false, MigrationParameter.COMPRESSION_XBZRLE_CACHE),
    MT(
            false,
            MigrationParameter.COMPRESSION_MT_LEVEL,
            MigrationParameter.COMPRESSION_MT_THREADS,
            MigrationParameter.COMPRESSION_MT_DTHREADS),
    ZLIB(true, MigrationParameter.COMPRESSION_ZLIB_LEVEL),
    ZSTD(true, MigrationParameter.COMPRESSION_ZSTD_LEVEL);

    private final boolean onChannels;
    private final List<MigrationParameter> parameters;

    CompressionMethod(boolean onChannels, MigrationParameter... parameters) {
        this.onChannels = onChannels;
        this.parameters = List.of(parameters);
    }

    /** Whether it is for parallel connections, and for nothing else; else it is for everything else. */
    public boolean onChannels() {
        return onChannels;
    }

    List<MigrationParameter> parameters() {
        return parameters;
    }

    /** As callers write it. */
    public String word() {
        return name().toLowerCase(Locale.ROOT);
    }

    public static Optional<CompressionMethod> of(String word) {
        return Arrays.stream(values()).filter(m -> m.word().equals(word)).findFirst();
    }
}
