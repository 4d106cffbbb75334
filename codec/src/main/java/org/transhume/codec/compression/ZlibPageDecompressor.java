package org.transhume.codec.compression;

import java.nio.ByteBuffer;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;
import org.transhume.codec.CorruptDataException;

/**
 * A page from a {@code COMPRESS_PAGE} record: exactly one whole zlib stream with the right check sum, and nothing behind it.
 * Unlike the stream decompressors, this one is as new for each page, also after a corrupt one.
 *
 * <p>Off-heap: 40 KiB, whatever the peer sends.
 */
public final class ZlibPageDecompressor implements Decompressor {
    private final Inflater inflater = new Inflater();

    /** Where a byte goes that should not be there. */
    private final ByteBuffer surplus = ByteBuffer.allocateDirect(1);

    @Override
    public void decompress(BatchBuffers buffers, int packedBytes, int plainBytes) {
        ByteBuffer packed = buffers.packedBuffer(packedBytes);
        ByteBuffer plain = buffers.plainBuffer(plainBytes);
        inflater.reset();
        inflater.setInput(packed);
        try {
            while (plain.hasRemaining() && inflater.inflate(plain) > 0) {}
            // The check sum is still to be read when the last byte of the page has come out.
            if (!plain.hasRemaining() && !inflater.finished() && inflater.inflate(surplus.clear()) > 0) {
                throw corrupt(packed, "more comes out than the %d bytes expected".formatted(plainBytes));
            }
        } catch (DataFormatException e) {
            throw corrupt(packed, e.getMessage());
        }
        if (inflater.needsDictionary()) {
            throw corrupt(packed, "it needs a dictionary, expected none");
        }
        if (plain.hasRemaining()) {
            throw corrupt(packed, "%d bytes came out, expected %d".formatted(plain.position(), plainBytes));
        }
        if (!inflater.finished()) {
            throw corrupt(packed, "the stream does not end");
        }
        if (packed.hasRemaining()) {
            throw corrupt(packed, "%d bytes follow the end of the stream".formatted(packed.remaining()));
        }
    }

    private static CorruptDataException corrupt(ByteBuffer packed, String reason) {
        return new CorruptDataException(
                "zlib page, byte %d of %d: %s".formatted(packed.position(), packed.limit(), reason));
    }

    @Override
    public void close() {
        inflater.end();
    }
}
