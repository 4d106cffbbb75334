package org.transhume.codec.compression;

import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.util.zip.Deflater;
import org.transhume.codec.deflate.DeflateEncoder;

/**
 * multifd's zlib: one stream (RFC 1950) for the whole life of a channel. Each batch ends with a sync flush, so its body ends
 * {@code 00 00 ff ff}; the stream is never finished nor begun anew, since a QEMU destination refuses both.
 *
 * <p>Level 1 is {@link DeflateEncoder}, which packs as well as zlib does in not much more than half its time; the others are
 * zlib. Heap: 0.6 MiB at level 1; off-heap: 264 KiB at the others.
 */
public final class ZlibStreamCompressor implements Compressor {
    private static final int FAST = 1;

    /** Deflate with a window of 32 KiB, made by the fastest algorithm (RFC 1950, section 2.2). */
    private static final byte[] FAST_HEADER = {0x78, 0x01};

    private final DeflateEncoder fast; // null: zlib
    private final Deflater deflater; // null: fast
    private boolean begun;

    /** @param level 0..9; 0 only stores */
    public ZlibStreamCompressor(int level) {
        Levels.check(level, Deflater.NO_COMPRESSION, Deflater.BEST_COMPRESSION);
        fast = level == FAST ? new DeflateEncoder() : null;
        deflater = level == FAST ? null : new Deflater(level);
    }

    @Override
    public int compress(BatchBuffers buffers, int plainBytes) {
        int room = buffers.packedRoom(BatchBuffers.worstCase(plainBytes));
        return fast == null ? slowly(buffers, plainBytes, room) : fast(buffers, plainBytes);
    }

    private int fast(BatchBuffers buffers, int plainBytes) {
        int header = 0;
        for (; !begun && header < FAST_HEADER.length; header++) {
            buffers.packed().set(ValueLayout.JAVA_BYTE, header, FAST_HEADER[header]);
        }
        begun = true;
        return header + fast.encode(buffers.plain(), plainBytes, buffers.packed(), header);
    }

    private int slowly(BatchBuffers buffers, int plainBytes, int room) {
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
        if (deflater != null) {
            deflater.end();
        }
    }
}
