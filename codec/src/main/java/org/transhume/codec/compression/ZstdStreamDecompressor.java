package org.transhume.codec.compression;

import com.github.luben.zstd.ZstdDecompressCtx;
import com.github.luben.zstd.ZstdException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.transhume.codec.CorruptDataException;

/**
 * multifd's zstd. QEMU writes one endless frame a channel and reads any number of them, ended or not: so does this. What must
 * be right is that the bytes of each packet give its pages to the byte.
 *
 * <p>Only frames of the current format (RFC 8878) and no skippable ones: the decoders of older formats allocate what the peer
 * says, and no sender of pages writes either.
 */
public final class ZstdStreamDecompressor implements Decompressor {
    /** Of the largest window, as a power of two: 32 MiB is what level 20 makes, the highest that QEMU can be set to. */
    private static final int MAX_WINDOW_LOG = 25;

    private static final int FRAME_MAGIC = 0xfd2fb528;

    private final ZstdDecompressCtx context = new ZstdDecompressCtx();

    /** Where a byte goes that should not be there. */
    private final ByteBuffer surplus = ByteBuffer.allocateDirect(1);

    private boolean betweenFrames = true;

    public ZstdStreamDecompressor() {
        context.setLongMax(MAX_WINDOW_LOG);
    }

    @Override
    public void decompress(BatchBuffers buffers, int packedBytes, int plainBytes) {
        ByteBuffer packed = buffers.packedBuffer(packedBytes).order(ByteOrder.LITTLE_ENDIAN);
        ByteBuffer plain = buffers.plainBuffer(plainBytes);
        // Each step takes or gives at least a byte, and the last, where nothing is left, shows that no byte was held
        // back.
        while (!betweenFrames || packed.hasRemaining()) {
            if (betweenFrames) {
                checkFrameMagic(packed);
            }
            ByteBuffer to = plain.hasRemaining() ? plain : surplus.clear();
            int left = packed.remaining() + to.remaining();
            betweenFrames = step(to, packed);
            if (!surplus.hasRemaining()) {
                throw corrupt(packed, "more comes out than the %d bytes expected".formatted(plainBytes));
            }
            if (packed.remaining() + to.remaining() == left) {
                break;
            }
        }
        if (plain.hasRemaining() || packed.hasRemaining()) {
            throw corrupt(packed, "%d bytes came out, expected %d".formatted(plain.position(), plainBytes));
        }
    }

    /** Whether the frame ends here. */
    private boolean step(ByteBuffer to, ByteBuffer packed) {
        try {
            return context.decompressDirectByteBufferStream(to, packed);
        } catch (ZstdException e) {
            throw corrupt(packed, e.getMessage());
        }
    }

    private static void checkFrameMagic(ByteBuffer packed) {
        if (packed.remaining() < Integer.BYTES) {
            throw corrupt(packed, "%d bytes, expected a frame".formatted(packed.remaining()));
        }
        int magic = packed.getInt(packed.position());
        if (magic != FRAME_MAGIC) {
            throw corrupt(packed, "magic 0x%08x, expected 0x%08x".formatted(magic, FRAME_MAGIC));
        }
    }

    private static CorruptDataException corrupt(ByteBuffer packed, String reason) {
        return new CorruptDataException(
                "zstd stream, byte %d of %d: %s".formatted(packed.position(), packed.limit(), reason));
    }

    @Override
    public void close() {
        context.close();
    }
}
