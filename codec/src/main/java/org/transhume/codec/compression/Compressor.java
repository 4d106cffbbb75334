package org.transhume.codec.compression;

/** Packs one batch after another. Belongs to a lane: one thread at a time, nothing allocated per batch. */
public interface Compressor extends AutoCloseable {
    /**
     * Packs the first {@code plainBytes} of {@link BatchBuffers#plain} into {@link BatchBuffers#packed}.
     *
     * @return packed bytes, 1 and up
     * @throws IllegalArgumentException if {@code packed} has no room for the {@linkplain BatchBuffers#worstCase worst case}
     *     of that many bytes
     */
    int compress(BatchBuffers buffers, int plainBytes);

    /** Frees native state. Idempotent. */
    @Override
    void close();
}
