package org.transhume.codec.compression;

import java.nio.ByteBuffer;
import net.jpountz.lz4.LZ4Compressor;
import net.jpountz.lz4.LZ4Factory;

/**
 * {@code x-lz4}: one LZ4 block a batch, with no history of those before it.
 *
 * <p>Off-heap: 16 KiB on the stack, during the call.
 */
public final class Lz4Compressor implements Compressor {
    private final LZ4Compressor lz4 = LZ4Factory.nativeInstance().fastCompressor();

    @Override
    public int compress(BatchBuffers buffers, int plainBytes) {
        int room = buffers.packedRoom(BatchBuffers.worstCase(plainBytes));
        ByteBuffer packed = buffers.packedBuffer(room);
        return lz4.compress(buffers.plainBuffer(plainBytes), 0, plainBytes, packed, 0, room);
    }

    /** Nothing to free: LZ4 keeps no state between blocks. */
    @Override
    public void close() {}
}
