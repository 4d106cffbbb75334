package org.transhume.codec.compression;

import org.transhume.codec.CorruptDataException;

/** Unpacks one batch after another, from a hostile peer. Belongs to a channel: one thread at a time, nothing allocated per batch. */
public interface Decompressor extends AutoCloseable {
    /**
     * Unpacks the first {@code packedBytes} of {@link BatchBuffers#packed} into {@link BatchBuffers#plain}.
     *
     * @param plainBytes what must come out, to the byte
     * @throws CorruptDataException if they are not exactly such a batch; {@code plain} is then undefined, and the
     *     decompressor of no use any more
     */
    void decompress(BatchBuffers buffers, int packedBytes, int plainBytes);

    /** Frees native state. Idempotent. */
    @Override
    void close();
}
