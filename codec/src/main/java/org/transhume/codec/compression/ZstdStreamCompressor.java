package org.transhume.codec.compression;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * multifd's zstd, flushed behind each batch. From level 2 on one frame for the whole life of a channel. At level 1, where
 * speed is what counts, a frame is {@link #STRETCH} bytes of pages at most, which lie behind each other: the search in a
 * window that is one piece is a tenth faster than in the ring that an endless frame needs, and that much starting anew costs
 * less than a thousandth in size.
 *
 * <p>Off-heap: 9 MiB at level 1, 3.5 at 3, 15 at 9, 90 at 19, 194 at 20. A destination needs the window of the level: 0.5
 * MiB at 1, 2 at 3, 8 at 19, 32 at 20.
 */
public final class ZstdStreamCompressor implements Compressor {
    private static final int FASTEST = 1;
    private static final int STRETCH = 8 << 20;

    private final ZstdContext zstd;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment stretch; // null: zstd keeps its window itself
    private int filled; // of the stretch

    /** @param level 0..20; 0 is the library's default, 3 */
    public ZstdStreamCompressor(int level) {
        Levels.check(level, 0, 20);
        boolean inPlace = level == FASTEST;
        zstd = inPlace ? ZstdContext.compressingInPlace(level) : ZstdContext.compressing(level);
        stretch = inPlace ? arena.allocate(STRETCH, 64) : null;
    }

    @Override
    public int compress(BatchBuffers buffers, int plainBytes) {
        int room = buffers.packedRoom(BatchBuffers.worstCase(plainBytes));
        if (stretch == null) {
            return pack(buffers.packed(), room, buffers.plain(), 0, plainBytes, false);
        }
        int begin = filled;
        MemorySegment.copy(buffers.plain(), 0, stretch, begin, plainBytes);
        boolean last = begin + plainBytes + buffers.plain().byteSize() > STRETCH;
        filled = last ? 0 : begin + plainBytes;
        return pack(buffers.packed(), room, stretch, begin, plainBytes, last);
    }

    /** @param last whether the frame ends */
    private int pack(MemorySegment packed, int room, MemorySegment plain, int begin, int plainBytes, boolean last) {
        int end = begin + plainBytes;
        zstd.moveTo(begin, 0);
        boolean flushed;
        do {
            flushed = zstd.compressAndFlush(packed, room, plain, end, last);
        } while (!flushed && zstd.written() < room);
        if (!flushed || zstd.read() < end) {
            throw new IllegalStateException("zstd made more than %d bytes of %d".formatted(zstd.written(), plainBytes));
        }
        return zstd.written();
    }

    @Override
    public void close() {
        zstd.close();
        if (arena.scope().isAlive()) {
            arena.close();
        }
    }
}
