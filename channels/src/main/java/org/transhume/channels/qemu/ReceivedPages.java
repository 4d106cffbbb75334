package org.transhume.channels.qemu;

import java.io.IOException;

/**
 * Which pages of a block came, as a recovery's destination tells it behind {@link ReturnPathMessage.ReceivedBitmap} (spec:
 * stream.md §8.6). Travels word by word: nothing here grows with the block.
 * <pre>
 *   0       8                        8 + size
 *   | size  | one bit a page, words  | end mark |   size and end mark big-endian, words little-endian
 * </pre>
 */
public final class ReceivedPages {
    /** Takes 64 pages at a time, in order. */
    public interface Sink {
        /** @param bits of these, bit i is page {@code firstPage + i}; none is set behind the block's last page */
        void word(long firstPage, long bits);
    }

    /** Gives 64 pages at a time, in order. */
    public interface Source {
        /** @param firstPage that of bit 0; bits behind the block's last page are left out */
        long word(long firstPage);
    }

    private static final long END_MARK = 0x0123_4567_89AB_CDEFL;

    private ReceivedPages() {}

    /**
     * Reads the bitmap of a block; blocks until it is there.
     *
     * @param pages of the block, positive
     * @throws CorruptStreamException if it is not one of that block; what {@code sink} heard before is not to be believed
     */
    public static void read(StreamReader in, long pages, Sink sink) throws IOException {
        long at = in.offset();
        long size = in.be64();
        if (size != size(pages)) {
            throw in.corrupt(
                    at,
                    "bitmap size mismatch (0x%x != 0x%x) for a block of %d pages".formatted(size, size(pages), pages));
        }
        for (long first = 0; first < pages; first += Long.SIZE) {
            long wordAt = in.offset();
            long bits = Long.reverseBytes(in.be64());
            if ((bits & ~within(pages - first)) != 0) {
                throw in.corrupt(
                        wordAt,
                        "bitmap word 0x%x for the last %d pages of the block, expected no other bits"
                                .formatted(bits, pages - first));
            }
            sink.word(first, bits);
        }
        long endAt = in.offset();
        long end = in.be64();
        if (end != END_MARK) {
            throw in.corrupt(
                    endAt, "end mark incorrect: 0x%x behind the bitmap, expected 0x%x".formatted(end, END_MARK));
        }
    }

    /**
     * Writes the bitmap of a block; flushing is the caller's.
     *
     * @param pages of the block, positive
     */
    public static void write(StreamWriter out, long pages, Source source) throws IOException {
        out.be64(size(pages));
        for (long first = 0; first < pages; first += Long.SIZE) {
            out.be64(Long.reverseBytes(source.word(first) & within(pages - first)));
        }
        out.be64(END_MARK);
    }

    private static long size(long pages) {
        return Math.ceilDiv(pages, Long.SIZE) * Long.BYTES;
    }

    /** The bits of a word that stand for pages, if so many are left. */
    private static long within(long pages) {
        return pages >= Long.SIZE ? -1L : (1L << pages) - 1;
    }
}
