package org.transhume.channels.qemu;

import java.io.IOException;
import java.util.List;
import java.util.Map;

/**
 * The commands of a main stream that lead over into postcopy (spec: stream.md §7.1, §8.3): ADVISE when it begins, then, once
 * the guest stands, DISCARD and one package.
 */
final class PostcopyCommands {
    /** Bytes of a command in front of its payload. */
    static final int FRAME = 5;

    private static final int ADVICE = 2 * Long.BYTES;
    /** Bytes of a range that is discarded. */
    static final int RANGE = 2 * Long.BYTES;

    private final StreamReader in;
    private final MainStreamVisitor visitor;
    private final Map<String, Integer> blockByName;
    private final List<BlockEntry> blocks;
    private boolean advised;
    private boolean runs;
    private boolean ramEnded;

    PostcopyCommands(
            StreamReader in, MainStreamVisitor visitor, Map<String, Integer> blockByName, List<BlockEntry> blocks) {
        this.in = in;
        this.visitor = visitor;
        this.blockByName = blockByName;
        this.blocks = blocks;
    }

    /** On the new connection of a recovery nothing of this may come any more. */
    PostcopyCommands resumed(StreamReader in, Map<String, Integer> blockByName, List<BlockEntry> blocks) {
        PostcopyCommands resumed = new PostcopyCommands(in, visitor, blockByName, blocks);
        resumed.advised = advised;
        resumed.runs = runs;
        return resumed;
    }

    /** Whether the guest was started already. */
    boolean runs() {
        return runs;
    }

    /** The last section of RAM came, and the guest does not run: it will not before everything came. */
    void endOfRam() {
        ramEnded = true;
    }

    void advise(long at, int length) throws IOException {
        if (length != 0 && length != ADVICE) {
            throw in.corrupt(at, "POSTCOPY_ADVISE with %d bytes, expected 0 or %d".formatted(length, ADVICE));
        }
        if (advised || !blocks.isEmpty()) {
            throw in.corrupt(at, "POSTCOPY_ADVISE, expected once and before RAM");
        }
        long hostPages = Wire.PAGE_BYTES;
        if (length > 0) {
            hostPages = in.be64();
            long page = in.be64();
            if (page != Wire.PAGE_BYTES || hostPages == 0 || (hostPages & Wire.FLAGS) != 0) {
                throw in.corrupt(
                        at,
                        "POSTCOPY_ADVISE of pages of %d bytes in host pages of sizes 0x%x, expected 4096 and multiples"
                                .formatted(page, hostPages));
            }
        }
        advised = true;
        visitor.command(new Command.PostcopyAdvise(hostPages));
    }

    void discard(long at, int length) throws IOException {
        expectBeforePackage(at, "POSTCOPY_RAM_DISCARD");
        int version = in.u8();
        String name = in.str8();
        int zero = in.u8();
        int ranges = length - (int) (in.offset() - at - FRAME);
        Integer block = blockByName.get(name);
        if (version != 0 || zero != 0 || block == null || ranges <= 0 || ranges % RANGE != 0) {
            throw in.corrupt(
                    at,
                    "POSTCOPY_RAM_DISCARD of %d bytes, version %d, block '%s', expected version 0, a block of the list and ranges of %d bytes"
                            .formatted(length, version, name, RANGE));
        }
        long size = blocks.get(block).length();
        for (int i = 0; i < ranges / RANGE; i++) {
            long from = in.be64();
            long count = in.be64();
            if (from < 0 || count <= 0 || from >= size || count > size - from || ((from | count) & Wire.FLAGS) != 0) {
                throw in.corrupt(
                        at,
                        "discard of %d bytes at 0x%x of block '%s', expected pages within its 0x%x bytes"
                                .formatted(count, from, name, size));
            }
            visitor.discard(block, from, count);
        }
    }

    void packaged(long at, int length) throws IOException {
        expectBeforePackage(at, "PACKAGED");
        if (length != Integer.BYTES) {
            throw in.corrupt(at, "PACKAGED with %d bytes, expected %d".formatted(length, Integer.BYTES));
        }
        int bytes = in.be32();
        if (bytes < 1 || bytes > PostcopyPackage.MAX_BYTES) {
            throw in.corrupt(
                    at,
                    "a package of %d bytes, expected 1..%d"
                            .formatted(Integer.toUnsignedLong(bytes), PostcopyPackage.MAX_BYTES));
        }
        PostcopyPackage whole = PostcopyPackage.read(in, bytes);
        runs = true;
        visitor.postcopy(whole);
    }

    private void expectBeforePackage(long at, String name) {
        if (!advised || runs || ramEnded || blocks.isEmpty()) {
            throw in.corrupt(
                    at,
                    "%s, expected behind POSTCOPY_ADVISE and the block list, before the guest runs and before RAM ends"
                            .formatted(name));
        }
    }
}
