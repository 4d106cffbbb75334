package org.transhume.control.image;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** The file of a RAM block, written from front to back; what is left out stays a hole. Digests it meanwhile. */
final class RamFile implements Closeable {
    private final FileChannel out;
    private final long size;
    private final Digest digest = new Digest();
    private long end;

    /** @param size of the block, bytes */
    RamFile(Path file, long size) throws IOException {
        this.out = FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
        this.size = size;
    }

    /** @param offset not before the end of what was written */
    void write(ByteBuffer bytes, long offset) throws IOException {
        digest.zeroes(offset - end);
        digest.bytes(bytes.duplicate());
        end = offset + bytes.remaining();
        while (bytes.hasRemaining()) {
            out.write(bytes, end - bytes.remaining());
        }
    }

    /** Gives the file its size. @return the SHA-256 of all of it, in hexadecimal */
    String finish() throws IOException {
        digest.zeroes(size - end);
        if (end < size) {
            out.write(ByteBuffer.allocate(1), size - 1); // the hole at the end has a length, too
        }
        return digest.hex();
    }

    @Override
    public void close() throws IOException {
        out.close();
    }

    /** SHA-256 of bytes with gaps. */
    static final class Digest {
        private static final byte[] ZEROES = new byte[1 << 16];

        private final MessageDigest sha256;

        Digest() {
            try {
                sha256 = MessageDigest.getInstance("SHA-256");
            } catch (NoSuchAlgorithmException e) {
                throw new IllegalStateException(e); // every JDK has it
            }
        }

        void bytes(ByteBuffer bytes) {
            sha256.update(bytes);
        }

        void zeroes(long count) {
            for (long left = count; left > 0; left -= ZEROES.length) {
                sha256.update(ZEROES, 0, (int) Math.min(left, ZEROES.length));
            }
        }

        String hex() {
            return HexFormat.of().formatHex(sha256.digest());
        }
    }
}
