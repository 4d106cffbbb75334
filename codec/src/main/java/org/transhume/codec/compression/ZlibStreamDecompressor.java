package org.transhume.codec.compression;

import java.nio.ByteBuffer;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;
import org.transhume.codec.CorruptDataException;

/**
 * multifd's zlib, of any level and window, from one endless stream. Where blocks and flushes lie does not matter, only that
 * the bytes of each packet give its pages to the byte; a stream that ends is refused, as QEMU refuses it.
 *
 * <p>Off-heap: 40 KiB, whatever the peer sends. The format has no check sum before its end: bytes that were changed on the
 * way can come out as other pages.
 */
public final class ZlibStreamDecompressor implements Decompressor {
    private final Inflater inflater = new Inflater();

    /** Where a byte goes that should not be there. */
    private final ByteBuffer surplus = ByteBuffer.allocateDirect(1);

    @Override
    public void decompress(BatchBuffers buffers, int packedBytes, int plainBytes) {
        ByteBuffer packed = buffers.packedBuffer(packedBytes);
        ByteBuffer plain = buffers.plainBuffer(plainBytes);
        inflater.setInput(packed);
        try {
            while (plain.hasRemaining() && inflater.inflate(plain) > 0) {}
            // The flush behind the last page is still to be read; and only an attempt shows that nothing comes after
            // it.
            if (!plain.hasRemaining() && inflater.inflate(surplus.clear()) > 0) {
                throw corrupt(packed, "more comes out than the %d bytes expected".formatted(plainBytes));
            }
        } catch (DataFormatException e) {
            throw corrupt(packed, e.getMessage());
        }
        if (inflater.finished()) {
            throw corrupt(packed, "the stream ends, expected one for the life of the channel");
        }
        if (inflater.needsDictionary()) {
            throw corrupt(packed, "it needs a dictionary, expected none");
        }
        if (plain.hasRemaining()) {
            throw corrupt(packed, "%d bytes came out, expected %d".formatted(plain.position(), plainBytes));
        }
    }

    private static CorruptDataException corrupt(ByteBuffer packed, String reason) {
        return new CorruptDataException(
                "zlib stream, byte %d of %d: %s".formatted(packed.position(), packed.limit(), reason));
    }

    @Override
    public void close() {
        inflater.end();
    }
}
