package org.transhume.codec.compression;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;

/**
 * Room for one batch, plain and packed, off-heap. Owned by the lane or channel that works with it; one thread at a time.
 */
public final class BatchBuffers implements AutoCloseable {
    /** What a QEMU destination can receive as the body of one packet. */
    public static final int MAX_PACKED = 1 << 20;

    private final Arena arena = Arena.ofShared();
    private final MemorySegment plain;
    private final MemorySegment packed;
    private final ByteBuffer plainBuffer;
    private final ByteBuffer packedBuffer;

    /**
     * @param plainBytes largest batch, 1 and up
     * @param packedBytes largest packed batch, 1..{@value #MAX_PACKED}
     */
    public BatchBuffers(int plainBytes, int packedBytes) {
        plain = arena.allocate(plainBytes, 64);
        packed = arena.allocate(packedBytes, 64);
        plainBuffer = plain.asByteBuffer();
        packedBuffer = packed.asByteBuffer();
    }

    /**
     * Packed bytes that are enough for {@code plainBytes}, whatever they hold and whichever compressor packs them. All three
     * formats fall back to copies of what does not pack: zlib in blocks of 16 KiB and up with 5 bytes before each, zstd
     * of 1 KiB and up with 3, LZ4 with 1 byte more for each 255.
     */
    public static int worstCase(int plainBytes) {
        return plainBytes + (plainBytes >>> 8) + 128;
    }

    /** The pages of the batch, one behind the other. */
    public MemorySegment plain() {
        return plain;
    }

    /** What travels. */
    public MemorySegment packed() {
        return packed;
    }

    /** The same bytes as {@link #plain}, from 0 to {@code length}. The one view there is: its position is the codec's. */
    ByteBuffer plainBuffer(int length) {
        return plainBuffer.clear().limit(length);
    }

    /** The same bytes as {@link #packed}, from 0 to {@code length}. */
    ByteBuffer packedBuffer(int length) {
        return packedBuffer.clear().limit(length);
    }

    /** Size of {@link #packed}, which must have room for {@code worstCase}. */
    int packedRoom(int worstCase) {
        if (packedBuffer.capacity() < worstCase) {
            throw new IllegalArgumentException("packed=%d bytes: expected room for the worst case, %d"
                    .formatted(packedBuffer.capacity(), worstCase));
        }
        return packedBuffer.capacity();
    }

    /** Idempotent. */
    @Override
    public void close() {
        if (arena.scope().isAlive()) {
            arena.close();
        }
    }
}
