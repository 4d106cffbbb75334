package org.transhume.control.image;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.transhume.memory.DirtyBitmap;

/**
 * The file {@code blocks/NN.present}: which pages of a block are in a half.
 *
 * <pre>
 *   0       4         8        16
 *   | magic | version | pages  | bitmap: bit i mod 8 of byte i / 8 is page i, 1 = present |
 *   magic "TRPP", version 1, numbers big-endian; the bitmap is filled up with zero bits to a multiple of 8 bytes
 * </pre>
 */
final class PresentPages {
    static final int HEADER = 16;
    static final int MAGIC = 0x5452_5050;
    static final int VERSION = 1;

    private static final int CHUNK = 1 << 16;

    private PresentPages() {}

    /** @return the SHA-256 of the file, in hexadecimal */
    static String write(DirtyBitmap present, Path file) throws IOException {
        RamFile.Digest digest = new RamFile.Digest();
        try (FileChannel out = FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            ByteBuffer header = ByteBuffer.allocate(HEADER);
            header.putInt(MAGIC).putInt(VERSION).putLong(present.pages()).flip();
            put(header, digest, out);
            ByteBuffer chunk = ByteBuffer.allocate(CHUNK).order(ByteOrder.LITTLE_ENDIAN);
            for (long page = 0; page < present.pages(); page += Long.SIZE) {
                chunk.putLong(word(present, page));
                if (!chunk.hasRemaining()) {
                    put(chunk.flip(), digest, out);
                    chunk.clear();
                }
            }
            put(chunk.flip(), digest, out);
        }
        return digest.hex();
    }

    private static long word(DirtyBitmap present, long first) {
        long end = Math.min(first + Long.SIZE, present.pages());
        long word = 0;
        for (long page = first; page < end; page++) {
            if (present.isMarked(page)) {
                word |= 1L << (page - first);
            }
        }
        return word;
    }

    private static void put(ByteBuffer bytes, RamFile.Digest digest, FileChannel out) throws IOException {
        digest.bytes(bytes.duplicate());
        while (bytes.hasRemaining()) {
            out.write(bytes);
        }
    }

    /**
     * Reads it; the caller closes what is returned.
     *
     * @param pages of the block
     * @param sha256 that the file must have, in hexadecimal
     * @throws IOException if it is another file than was written
     */
    static DirtyBitmap read(Path file, long pages, String sha256) throws IOException {
        DirtyBitmap present = new DirtyBitmap(pages);
        try (FileChannel in = FileChannel.open(file, StandardOpenOption.READ)) {
            long expected = HEADER + Math.ceilDiv(pages, Long.SIZE) * Long.BYTES;
            if (in.size() != expected) {
                throw new IOException("%s: %d bytes, expected %d for %d pages: it was cut or belongs to another block"
                        .formatted(file, in.size(), expected, pages));
            }
            RamFile.Digest digest = new RamFile.Digest();
            ByteBuffer header = get(ByteBuffer.allocate(HEADER), in, digest, file);
            checkHeader(header, pages, file);
            ByteBuffer chunk = ByteBuffer.allocate(CHUNK).order(ByteOrder.LITTLE_ENDIAN);
            for (long page = 0; page < pages; ) {
                long words = Math.min(CHUNK / Long.BYTES, Math.ceilDiv(pages - page, Long.SIZE));
                get(chunk.clear().limit((int) words * Long.BYTES), in, digest, file);
                for (; chunk.hasRemaining(); page += Long.SIZE) {
                    mark(present, page, chunk.getLong(), file);
                }
            }
            if (!digest.hex().equals(sha256)) {
                throw new IOException("%s: it does not hold what the manifest says (sha256); it was changed or damaged"
                        .formatted(file));
            }
            return present;
        } catch (IOException | RuntimeException e) {
            present.close();
            throw e;
        }
    }

    private static void checkHeader(ByteBuffer header, long pages, Path file) throws IOException {
        int magic = header.getInt();
        int version = header.getInt();
        long count = header.getLong();
        if (magic != MAGIC) {
            throw new IOException(
                    "%s: magic 0x%08x, expected 0x%08x: it is no list of pages".formatted(file, magic, MAGIC));
        }
        if (version != VERSION) {
            throw new IOException(
                    "%s: version %d, expected %d: a newer transhume reads it".formatted(file, version, VERSION));
        }
        if (count != pages) {
            throw new IOException("%s: of %d pages, the manifest says %d".formatted(file, count, pages));
        }
    }

    private static void mark(DirtyBitmap present, long first, long word, Path file) throws IOException {
        long count = Math.min(Long.SIZE, present.pages() - first);
        if (count < Long.SIZE && word >>> count != 0) {
            throw new IOException("%s: bits 0x%x beyond the last page".formatted(file, word >>> count));
        }
        for (long left = word; left != 0; ) {
            int from = Long.numberOfTrailingZeros(left);
            int ones = Long.numberOfTrailingZeros(~(left >>> from));
            present.markRange(first + from, ones);
            left = from + ones == Long.SIZE ? 0 : left & (-1L << (from + ones));
        }
    }

    private static ByteBuffer get(ByteBuffer into, FileChannel in, RamFile.Digest digest, Path file)
            throws IOException {
        while (into.hasRemaining()) {
            if (in.read(into) < 0) {
                throw new IOException("%s: it was cut while it was read".formatted(file));
            }
        }
        into.flip();
        digest.bytes(into.duplicate());
        return into;
    }
}
