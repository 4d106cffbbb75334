package org.transhume.codec.compression;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import org.transhume.codec.CorruptDataException;

/**
 * multifd's zstd. QEMU writes one endless frame a channel and reads any number of them, ended or not: so does this. What must
 * be right is that the bytes of each packet give its pages to the byte.
 *
 * <p>Only frames of the current format (RFC 8878) and none to be skipped: the decoders of older formats allocate whatever a
 * peer says, and no sender of pages writes either.
 *
 * <p>Off-heap: 0.5 MiB and the window that the frame asks for, up to 32 MiB; larger ones are refused. Without a check sum, which
 * QEMU does not write, bytes that were changed on the way can come out as other pages.
 */
public final class ZstdStreamDecompressor implements Decompressor {
    /** Of the largest window, as a power of two: 32 MiB is that of level 20, the highest that QEMU can be set to. */
    private static final int MAX_WINDOW_LOG = 25;

    private static final ValueLayout.OfInt MAGIC = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final int FRAME = 0xfd2fb528;

    private final ZstdContext zstd = ZstdContext.decompressing(MAX_WINDOW_LOG);

    /** Where a byte goes that should not be there. */
    private final MemorySegment surplus = Arena.ofAuto().allocate(1);

    private boolean betweenFrames = true;

    @Override
    public void decompress(BatchBuffers buffers, int packedBytes, int plainBytes) {
        MemorySegment packed = buffers.packed();
        zstd.moveTo(0, 0);
        // A step that neither reads nor writes does not come again and again: zstd itself calls that an error.
        while (zstd.written() < plainBytes && zstd.read() < packedBytes) {
            checkFrame(packed, zstd.read(), packedBytes);
            betweenFrames = zstd.decompress(buffers.plain(), plainBytes, packed, packedBytes);
        }
        if (zstd.written() < plainBytes) {
            throw corrupt(
                    zstd.read(), packedBytes, "%d bytes came out, expected %d".formatted(zstd.written(), plainBytes));
        }
        drain(packed, zstd.read(), packedBytes, plainBytes);
    }

    /** Reads check sums, ends and empty frames behind the last page, and lets zstd show that it holds back no byte. */
    private void drain(MemorySegment packed, int from, int packedBytes, int plainBytes) {
        for (int read = from; !betweenFrames || read < packedBytes; read = zstd.read()) {
            checkFrame(packed, read, packedBytes);
            zstd.moveTo(read, 0);
            betweenFrames = zstd.decompress(surplus, 1, packed, packedBytes);
            if (zstd.written() > 0) {
                throw corrupt(
                        zstd.read(), packedBytes, "more comes out than the %d bytes expected".formatted(plainBytes));
            }
            if (zstd.read() == packedBytes && read == packedBytes) {
                return;
            }
        }
    }

    private void checkFrame(MemorySegment packed, int at, int packedBytes) {
        if (!betweenFrames) {
            return;
        }
        if (packedBytes - at < Integer.BYTES) {
            throw corrupt(at, packedBytes, "%d bytes, expected a frame".formatted(packedBytes - at));
        }
        int magic = packed.get(MAGIC, at);
        if (magic != FRAME) {
            throw corrupt(at, packedBytes, "magic 0x%08x, expected 0x%08x".formatted(magic, FRAME));
        }
    }

    private static CorruptDataException corrupt(int at, int packedBytes, String reason) {
        return new CorruptDataException("zstd stream, byte %d of %d: %s".formatted(at, packedBytes, reason));
    }

    @Override
    public void close() {
        zstd.close();
    }
}
