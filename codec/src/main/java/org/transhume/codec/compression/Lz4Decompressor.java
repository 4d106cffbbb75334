package org.transhume.codec.compression;

import java.nio.ByteBuffer;
import net.jpountz.lz4.LZ4Exception;
import net.jpountz.lz4.LZ4Factory;
import net.jpountz.lz4.LZ4SafeDecompressor;
import org.transhume.codec.CorruptDataException;

/**
 * {@code x-lz4}: one LZ4 block a batch. The format has no check sum: bytes that were changed on the way can come out as other
 * pages.
 *
 * <p>Off-heap: nothing.
 */
public final class Lz4Decompressor implements Decompressor {
    /** The one that also checks where it reads and writes: the fast one trusts its input. */
    private final LZ4SafeDecompressor lz4 = LZ4Factory.nativeInstance().safeDecompressor();

    @Override
    public void decompress(BatchBuffers buffers, int packedBytes, int plainBytes) {
        ByteBuffer packed = buffers.packedBuffer(packedBytes);
        ByteBuffer plain = buffers.plainBuffer(plainBytes);
        int unpacked;
        try {
            unpacked = lz4.decompress(packed, 0, packedBytes, plain, 0, plainBytes);
        } catch (LZ4Exception e) {
            throw new CorruptDataException(
                    "lz4 block of %d bytes for %d: %s".formatted(packedBytes, plainBytes, e.getMessage()));
        }
        if (unpacked != plainBytes) {
            throw new CorruptDataException("lz4 block of %d bytes: %d bytes came out, expected %d"
                    .formatted(packedBytes, unpacked, plainBytes));
        }
    }

    /** Nothing to free: LZ4 keeps no state between blocks. */
    @Override
    public void close() {}
}
