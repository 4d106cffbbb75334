package org.transhume.codec.compression;

import java.nio.ByteBuffer;
import java.util.zip.Deflater;

/**
 * A page as {@code COMPRESS_PAGE} records carry it (QEMU up to 8.2): one whole zlib stream (RFC 1950) each, with its check
 * sum, of no other page.
 *
 * <p>Off-heap: 264 KiB.
 */
public final class ZlibPageCompressor implements Compressor {
    /** Longest packed page of 4096 bytes that zlib makes, and so the longest that a reader has to take. */
    public static final int MAX_PACKED = 4110;

    private final Deflater deflater;

    /** @param level 0..9; 0 only stores */
    public ZlibPageCompressor(int level) {
        deflater = new Deflater(Levels.check(level, Deflater.NO_COMPRESSION, Deflater.BEST_COMPRESSION));
    }

    /**
     * {@inheritDoc}
     *
     * @param plainBytes size of the page
     */
    @Override
    public int compress(BatchBuffers buffers, int plainBytes) {
        // zlib's own bound: MAX_PACKED for 4096 bytes.
        int room = buffers.packedRoom(plainBytes + (plainBytes >>> 12) + (plainBytes >>> 14) + 13);
        ByteBuffer packed = buffers.packedBuffer(room);
        deflater.reset();
        deflater.setInput(buffers.plainBuffer(plainBytes));
        deflater.finish();
        int packedBytes = deflater.deflate(packed);
        if (!deflater.finished()) {
            throw new IllegalStateException("zlib made more than %d bytes of %d".formatted(packedBytes, plainBytes));
        }
        return packedBytes;
    }

    @Override
    public void close() {
        deflater.end();
    }
}
