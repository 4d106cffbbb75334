package org.transhume.codec.compression;

import com.github.luben.zstd.EndDirective;
import com.github.luben.zstd.ZstdCompressCtx;
import java.nio.ByteBuffer;

/** multifd's zstd: one frame for the whole life of a channel, flushed behind each batch and never ended. */
public final class ZstdStreamCompressor implements Compressor {
    private final ZstdCompressCtx context = new ZstdCompressCtx();

    /** @param level 0..20; 0 is the library's default, 3 */
    public ZstdStreamCompressor(int level) {
        context.setLevel(Levels.check(level, 0, 20));
    }

    @Override
    public int compress(BatchBuffers buffers, int plainBytes) {
        ByteBuffer packed = buffers.packedRoom(BatchBuffers.worstCase(plainBytes));
        ByteBuffer plain = buffers.plainBuffer(plainBytes);
        boolean flushed = context.compressDirectByteBufferStream(packed, plain, EndDirective.FLUSH);
        while (!flushed && packed.hasRemaining()) {
            flushed = context.compressDirectByteBufferStream(packed, plain, EndDirective.FLUSH);
        }
        if (!flushed || plain.hasRemaining()) {
            throw new IllegalStateException(
                    "zstd made more than %d bytes of %d".formatted(packed.position(), plainBytes));
        }
        return packed.position();
    }

    @Override
    public void close() {
        context.close();
    }
}
