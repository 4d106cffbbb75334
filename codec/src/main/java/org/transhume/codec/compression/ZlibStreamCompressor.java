package org.transhume.codec.compression;

import java.nio.ByteBuffer;
import java.util.zip.Deflater;

/**
 * multifd's zlib: one stream (RFC 1950) for the whole life of a channel. Each batch ends with a sync flush, so its body ends
 * {@code 00 00 ff ff}; the stream is never finished nor begun anew, since a QEMU destination refuses both.
 *
 * <p>Off-heap: 264 KiB.
 */
public final class ZlibStreamCompressor implements Compressor {
    private final Deflater deflater;

    /** @param level 0..9; 0 only stores */
    public ZlibStreamCompressor(int level) {
        deflater = new Deflater(Levels.check(level, Deflater.NO_COMPRESSION, Deflater.BEST_COMPRESSION));
    }

    @Override
    public int compress(BatchBuffers buffers, int plainBytes) {
        int room = buffers.packedRoom(BatchBuffers.worstCase(plainBytes));
        ByteBuffer packed = buffers.packedBuffer(room);
        deflater.setInput(buffers.plainBuffer(plainBytes));
        int packedBytes = deflater.deflate(packed, Deflater.SYNC_FLUSH);
        if (!deflater.needsInput() || !packed.hasRemaining()) {
            // A full buffer leaves it open whether the flush is complete.
            throw new IllegalStateException("zlib made more than %d bytes of %d".formatted(packedBytes, plainBytes));
        }
        return packedBytes;
    }

    @Override
    public void close() {
        deflater.end();
    }
}
