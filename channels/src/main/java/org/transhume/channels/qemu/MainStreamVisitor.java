package org.transhume.channels.qemu;

import java.io.IOException;
import java.util.List;

/**
 * What {@link MainStreamParser} finds, in the order of the stream. All offsets and lengths it hands out are checked: they are
 * page aligned and inside their block.
 */
public interface MainStreamVisitor extends PageVisitor {
    void header(StreamHeader header) throws IOException;

    void command(Command command) throws IOException;

    /** A RAM section begins. */
    void section(SectionKind kind) throws IOException;

    /** The block list; from here on blocks are named by their place in it. */
    void blocks(List<BlockEntry> blocks) throws IOException;

    /**
     * An XBZRLE delta against what the page holds now, whose bytes are next: the visitor must take all of them.
     *
     * @param length 0..4096
     */
    void deltaPage(int block, long offset, int length, StreamReader in) throws IOException;

    /**
     * A page as a zlib stream of its own, whose bytes are next: the visitor must take all of them.
     *
     * @param length 1..{@link MainStreamParser#MAX_COMPRESSED_PAGE}
     */
    void compressedPage(int block, long offset, int length, StreamReader in) throws IOException;

    /** A range that was never written, with {@code x-hole-runs}. */
    void holeRun(int block, long offset, long length) throws IOException;

    /**
     * Two sums for each of some groups of pages, one behind the other in {@code sums}, with {@code x-ram-digest}.
     *
     * @param group number of the first of them in the block
     * @param sums only for the length of the call
     */
    void digest(int block, long group, long[] sums, int groups) throws IOException;

    /** The digest is complete. */
    void endOfDigest() throws IOException;

    /** The mark of a sync point between rounds. */
    void multifdFlush() throws IOException;

    /** The EOS record of a RAM section; its footer is still to come. */
    void endOfSection(SectionKind kind) throws IOException;

    /** Before postcopy: what came of these pages is old, or nothing came. */
    void discard(int block, long offset, long length) throws IOException;

    /** The guest is to run; from here on only pages come that were discarded, and no devices at the end. */
    void postcopy(PostcopyPackage whole) throws IOException;

    /** In postcopy with {@code x-handover}: GRANT, and later perhaps HEARD, each once. */
    void handover(HandoverRecord record) throws IOException;

    /** The rest of the stream, up to its end. */
    void devices(DeviceTail tail, List<DeviceSection> sections) throws IOException;
}
