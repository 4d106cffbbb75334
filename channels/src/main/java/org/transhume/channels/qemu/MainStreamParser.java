package org.transhume.channels.qemu;

import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Reads a main stream from its first byte to its last and tells a visitor what is in it (spec: stream.md §1, §2). Everything
 * that the peer says is checked here before the visitor hears of it.
 */
public final class MainStreamParser {
    /** Blocks that one list may hold. */
    public static final int MAX_BLOCKS = 4096;

    /** What zlib can make of a page at the most. */
    public static final int MAX_COMPRESSED_PAGE = 4110;

    /** Groups of pages that one record of a digest may hold. */
    public static final int MAX_DIGEST_GROUPS = 1024;

    private static final String RAM = "ram";
    /** How long an open stream may be silent behind the EOF byte before its description counts as missing. */
    private static final int DESCRIPTION_MILLIS = 1000;

    private final StreamReader in;
    private final MainStreamVisitor visitor;
    private final long maxRam;
    private final Map<String, Integer> blockByName = new HashMap<>();
    private final List<BlockEntry> blocks = new ArrayList<>();
    private final PostcopyCommands postcopy;
    private final PageRecords records;
    private final boolean resumed;
    private boolean gpas;
    private boolean holeRuns;
    private boolean digests;
    private long[] sums;
    private boolean digestEnded;
    private boolean handover;
    private boolean multifdPostcopy;
    /** What may be said next about who runs the guest; null if all was. */
    private HandoverRecord.Code word = HandoverRecord.Code.GRANT;

    private boolean keepsOpen;
    private boolean started;
    private int ramId;
    private long end;
    private int surplus;

    /** @param maxRam bytes of RAM that a block list may announce */
    public MainStreamParser(StreamReader in, MainStreamVisitor visitor, long maxRam) {
        this.in = in;
        this.visitor = visitor;
        this.maxRam = maxRam;
        this.postcopy = new PostcopyCommands(in, visitor, blockByName, blocks);
        this.records = new PageRecords(in, blocks, blockByName);
        this.resumed = false;
    }

    private MainStreamParser(MainStreamParser before, StreamReader in) {
        this.in = in;
        this.visitor = before.visitor;
        this.maxRam = before.maxRam;
        this.blocks.addAll(before.blocks);
        this.blockByName.putAll(before.blockByName);
        this.postcopy = before.postcopy.resumed(in, blockByName, blocks);
        this.records = new PageRecords(in, blocks, blockByName);
        this.resumed = true;
        this.handover = before.handover;
        this.multifdPostcopy = before.multifdPostcopy;
        // A guest that was not granted before the cut is not to run here any more.
        this.word = before.word == null ? null : HandoverRecord.Code.HEARD;
        this.keepsOpen = before.keepsOpen;
        this.started = true;
        this.ramId = before.ramId;
    }

    /**
     * A parser of the stream that goes on at the new connection of a recovery (spec: stream.md §8.5), for the same visitor.
     * Nobody may be inside this parser any more.
     *
     * @throws IllegalStateException if the guest was not to run yet: then there is nothing to go on with
     */
    public MainStreamParser resumed(StreamReader in) {
        if (!postcopy.runs()) {
            throw new IllegalStateException("a stream without the package of a postcopy cannot be resumed");
        }
        return new MainStreamParser(this, in);
    }

    /** Reads the whole stream. Blocks until it is complete, broken, or its connection is closed. */
    public void parse() throws IOException {
        if (resumed) {
            new RecoveryHandshake(in, visitor, blockByName).read();
        } else {
            header();
        }
        sections();
    }

    private void header() throws IOException {
        StreamHeader header = StreamHeader.read(in);
        gpas = header.capabilities().contains("x-ignore-shared");
        holeRuns = header.extensions().containsKey("x-hole-runs");
        digests = header.extensions().containsKey("x-ram-digest");
        handover = header.extensions().containsKey("x-handover");
        multifdPostcopy = header.extensions().containsKey("x-multifd-postcopy");
        visitor.header(header);
    }

    private void sections() throws IOException {
        while (true) {
            long at = in.offset();
            int type = in.peek();
            switch (type) {
                case Wire.SECTION_START -> start(at);
                case Wire.SECTION_PART -> ram(at, SectionKind.PART);
                case Wire.SECTION_END -> {
                    ram(at, SectionKind.END);
                    if (postcopy.runs()) {
                        endOfPostcopy();
                    } else {
                        postcopy.endOfRam();
                        commands();
                        devices();
                    }
                    return;
                }
                case Wire.COMMAND -> command(at);
                case Wire.HANDOVER -> handover(at);
                case Wire.SECTION_FULL, Wire.EOF -> {
                    // A background snapshot has no RAM SECTION_END: its devices follow the last part.
                    if (!started || postcopy.runs()) {
                        throw in.corrupt(
                                at,
                                "record type 0x%x %s, expected the RAM section"
                                        .formatted(type, started ? "in postcopy" : "before any RAM"));
                    }
                    devices();
                    return;
                }
                default ->
                    throw in.corrupt(
                            at, "record type 0x%x, expected a section (1 to 4) or a command (8)".formatted(type));
            }
        }
    }

    private void start(long at) throws IOException {
        in.u8();
        int id = in.be32();
        String name = in.str8();
        int instance = in.be32();
        int version = in.be32();
        if (!name.equals(RAM) || instance != 0) {
            throw in.corrupt(
                    at,
                    "section '%s' instance %d wants to move while the guest runs; only 'ram' can"
                            .formatted(name, instance));
        }
        if (version != Wire.RAM_VERSION) {
            throw in.corrupt(at, "version %d of 'ram', expected %d".formatted(version, Wire.RAM_VERSION));
        }
        if (handover && !keepsOpen) {
            throw in.corrupt(at, "RAM begins, but x-handover needs OPEN_RETURN_PATH first");
        }
        if (started) {
            throw in.corrupt(at, "a second start of 'ram'");
        }
        ramId = id;
        started = true;
        visitor.section(SectionKind.START);
        records(SectionKind.START);
    }

    private void ram(long at, SectionKind kind) throws IOException {
        in.u8();
        int id = in.be32();
        if (!started || id != ramId) {
            throw in.corrupt(
                    at,
                    "section id %d, expected %s"
                            .formatted(
                                    id, started ? "%d, that of 'ram'".formatted(ramId) : "the start of 'ram' first"));
        }
        visitor.section(kind);
        records(kind);
    }

    private void records(SectionKind kind) throws IOException {
        while (true) {
            long at = in.offset();
            long word = in.be64();
            int flags = (int) word & Wire.FLAGS;
            long offset = word & ~(long) Wire.FLAGS;
            if (postcopy.runs() && (flags & ~Wire.CONTINUE & ~postcopyFlags()) != 0) {
                throw in.corrupt(at, "RAM flags 0x%x in postcopy, expected pages in full or zero".formatted(flags));
            }
            switch (flags & ~Wire.CONTINUE) {
                case Wire.ZERO -> records.zeroPage(at, flags, offset, visitor);
                case Wire.PAGE -> records.page(at, flags, offset, visitor);
                case Wire.HOLE_RUN -> holeRun(at, flags, offset);
                case Wire.DIGEST -> digest(at, flags, offset);
                case Wire.MEM_SIZE -> {
                    records.expectAlone(at, flags);
                    blockList(at, offset);
                }
                case Wire.MULTIFD_FLUSH -> {
                    records.expectAlone(at, flags);
                    visitor.multifdFlush();
                }
                case Wire.EOS -> {
                    records.expectAlone(at, flags);
                    // Before the footer: 7.2 flushes up to here, and goes on only when its channels are read again.
                    visitor.endOfSection(kind);
                    footer();
                    return;
                }
                case Wire.XBZRLE -> {
                    int block = records.block(at, flags, offset);
                    int form = in.u8();
                    if (form != Wire.XBZRLE_FORM) {
                        throw in.corrupt(at, "xbzrle page in form %d, expected %d".formatted(form, Wire.XBZRLE_FORM));
                    }
                    int length = in.be16();
                    if (length > Wire.PAGE_BYTES) {
                        throw in.corrupt(at, "xbzrle page of %d bytes, expected 0..4096".formatted(length));
                    }
                    visitor.deltaPage(block, offset, length, in);
                }
                case Wire.COMPRESS_PAGE -> {
                    int block = records.block(at, flags, offset);
                    int length = in.be32();
                    if (length < 1 || length > MAX_COMPRESSED_PAGE) {
                        throw in.corrupt(
                                at,
                                "compressed page of %d bytes, expected 1..%d".formatted(length, MAX_COMPRESSED_PAGE));
                    }
                    visitor.compressedPage(block, offset, length, in);
                }
                default -> throw in.corrupt(at, "unknown combination of RAM flags 0x%x".formatted(flags));
            }
        }
    }

    private void holeRun(long at, int flags, long offset) throws IOException {
        if (!holeRuns) {
            throw in.corrupt(at, "a hole run, but the header does not announce x-hole-runs");
        }
        int block = records.block(at, flags, offset);
        long length = in.be64();
        long rest = blocks.get(block).length() - offset;
        if (length <= 0 || length > rest || (length & Wire.FLAGS) != 0) {
            throw in.corrupt(
                    at,
                    "hole of %d bytes at 0x%x of block '%s', expected pages within the %d bytes that follow"
                            .formatted(length, offset, blocks.get(block).name(), rest));
        }
        visitor.holeRun(block, offset, length);
    }

    private void digest(long at, int flags, long offset) throws IOException {
        if (!digests) {
            throw in.corrupt(at, "a digest, but the header does not announce x-ram-digest");
        }
        if (digestEnded) {
            throw in.corrupt(at, "more of the digest behind its end");
        }
        int block = records.block(at, flags, offset);
        int groups = in.be16();
        if (groups == 0) {
            digestEnded = true;
            visitor.endOfDigest();
            return;
        }
        long group = offset / Wire.DIGEST_GROUP;
        long rest = Math.ceilDiv(blocks.get(block).length(), Wire.DIGEST_GROUP) - group;
        if (offset % Wire.DIGEST_GROUP != 0 || groups > Math.min(rest, MAX_DIGEST_GROUPS)) {
            throw in.corrupt(
                    at,
                    "digest of %d groups from 0x%x of block '%s' on, expected 1..%d from a multiple of 0x%x, within the %d that follow"
                            .formatted(
                                    groups,
                                    offset,
                                    blocks.get(block).name(),
                                    MAX_DIGEST_GROUPS,
                                    Wire.DIGEST_GROUP,
                                    rest));
        }
        if (sums == null) {
            sums = new long[2 * MAX_DIGEST_GROUPS];
        }
        for (int i = 0; i < 2 * groups; i++) {
            sums[i] = in.be64();
        }
        visitor.digest(block, group, sums, groups);
    }

    /** Pages in full or zero; marks only where page channels go on. */
    private int postcopyFlags() {
        return Wire.ZERO | Wire.PAGE | Wire.EOS | (multifdPostcopy ? Wire.MULTIFD_FLUSH : 0);
    }

    private void blockList(long at, long total) throws IOException {
        if (!blocks.isEmpty()) {
            throw in.corrupt(at, "a second block list");
        }
        if (total <= 0 || total > maxRam) {
            throw in.corrupt(at, "%d bytes of RAM, expected 1..%d".formatted(total, maxRam));
        }
        long sum = 0;
        while (sum < total) {
            long entryAt = in.offset();
            String name = in.str8();
            long length = in.be64();
            if (length <= 0 || length > total - sum || (length & Wire.FLAGS) != 0) {
                throw in.corrupt(
                        entryAt,
                        "block '%s' of %d bytes, expected whole pages within the %d that are left of the total"
                                .formatted(name, length, total - sum));
            }
            long gpa = gpas ? in.be64() : 0;
            if (name.isEmpty() || blockByName.putIfAbsent(name, blocks.size()) != null) {
                throw in.corrupt(
                        entryAt, "block '%s' is %s".formatted(name, name.isEmpty() ? "nameless" : "listed twice"));
            }
            if (blocks.size() == MAX_BLOCKS) {
                throw in.corrupt(entryAt, "more than %d blocks".formatted(MAX_BLOCKS));
            }
            blocks.add(new BlockEntry(name, length, gpa));
            sum += length;
        }
        visitor.blocks(List.copyOf(blocks));
    }

    private void footer() throws IOException {
        long at = in.offset();
        int type = in.u8();
        if (type != Wire.SECTION_FOOTER) {
            throw in.corrupt(at, "byte 0x%x, expected the footer (0x7e) of 'ram'".formatted(type));
        }
        int id = in.be32();
        if (id != ramId) {
            throw in.corrupt(at, "footer of section %d, expected %d".formatted(id, ramId));
        }
    }

    /** Between RAM and devices: a source may ask whether RAM is there. */
    private void commands() throws IOException {
        for (long at = in.offset(); in.peek() == Wire.COMMAND; at = in.offset()) {
            command(at);
        }
    }

    private void command(long at) throws IOException {
        in.u8();
        int code = in.be16();
        int length = in.be16();
        if (resumed && code != Command.PING) {
            throw in.corrupt(
                    at,
                    "command %d (%s) with %d bytes behind POSTCOPY_RESUME, expected pages and PING"
                            .formatted(code, commandName(code), length));
        }
        switch (code) {
            case Command.OPEN_RETURN_PATH -> {
                commandLength(at, "OPEN_RETURN_PATH", length, 0);
                keepsOpen = true;
                visitor.command(new Command.OpenReturnPath());
            }
            case Command.PING -> {
                commandLength(at, "PING", length, Integer.BYTES);
                int value = in.be32();
                if (!keepsOpen) {
                    throw in.corrupt(at, "PING %d, but no return path was opened".formatted(value));
                }
                visitor.command(new Command.Ping(value));
            }
            case Command.POSTCOPY_ADVISE -> postcopy.advise(at, length);
            case Command.POSTCOPY_RAM_DISCARD -> postcopy.discard(at, length);
            case Command.PACKAGED -> {
                postcopy.packaged(at, length);
                records.forgetBlock(); // the first page behind it names its block
            }
            case Command.SWITCHOVER_START -> {
                commandLength(at, "SWITCHOVER_START", length, 0);
                visitor.command(new Command.SwitchoverStart());
            }
            default ->
                throw in.corrupt(
                        at,
                        "command %d (%s) with %d bytes, which this release cannot obey: switch the feature off at the source"
                                .formatted(code, commandName(code), length));
        }
    }

    private void commandLength(long at, String name, int came, int expected) {
        if (came != expected) {
            throw in.corrupt(at, "%s with %d bytes, expected %d".formatted(name, came, expected));
        }
    }

    private static String commandName(int code) {
        return switch (code) {
            case Command.POSTCOPY_LISTEN -> "POSTCOPY_LISTEN, outside of a package";
            case Command.POSTCOPY_RUN -> "POSTCOPY_RUN, outside of a package";
            case 8 -> "ENABLE_COLO";
            case Command.POSTCOPY_RESUME -> "POSTCOPY_RESUME";
            case Command.RECV_BITMAP -> "RECV_BITMAP";
            default -> "unknown";
        };
    }

    /** Where the stream ended, in bytes from its first. */
    public long end() {
        return end;
    }

    /** Bytes that had come already behind the end of the stream when it was found. */
    public int surplus() {
        return surplus;
    }

    /** In postcopy the word about who runs the guest stands between records; else it is behind the end, and not ours. */
    private void handover(long at) throws IOException {
        if (!handover || !postcopy.runs()) {
            throw in.corrupt(
                    at,
                    "record type 0x%x, a hand-over record, expected only in postcopy with x-handover"
                            .formatted(Wire.HANDOVER));
        }
        HandoverRecord record = HandoverRecord.read(in);
        if (record.code() != word) {
            throw in.corrupt(
                    at, "%s in postcopy, expected %s".formatted(record.code(), word == null ? "no more of it" : word));
        }
        word = word == HandoverRecord.Code.GRANT ? HandoverRecord.Code.HEARD : null;
        visitor.handover(record);
    }

    /** The devices came in the package. */
    private void endOfPostcopy() throws IOException {
        long at = in.offset();
        while (in.peek() == Wire.HANDOVER) {
            handover(at);
            at = in.offset();
        }
        int type = in.u8();
        if (type != Wire.EOF) {
            throw in.corrupt(at, "record type 0x%x behind the last page of postcopy, expected the end".formatted(type));
        }
        end = in.offset();
        surplus = in.buffered();
    }

    private void devices() throws IOException {
        DeviceTailParser tail = new DeviceTailParser(in.channel(), in.offset());
        byte[] chunk = new byte[64 << 10];
        boolean ended = false;
        while (!tail.advance(ended)) {
            if (ended || (keepsOpen && tail.mayEndHere() && !in.arrives(DESCRIPTION_MILLIS))) {
                ended = true;
                continue;
            }
            int count = in.some(chunk, 0, chunk.length);
            if (count < 0) {
                ended = true;
            } else {
                tail.append(chunk, count);
            }
        }
        end = in.offset() - tail.surplus();
        surplus = tail.surplus() + in.buffered();
        visitor.devices(tail.tail(), tail.sections());
    }
}
