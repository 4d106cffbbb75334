package org.transhume.channels.qemu;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * Writes a main stream: header, commands, RAM sections and their records, device state (spec: stream.md §1, §2, §7.1). One
 * thread at a time; nothing is sent before {@link #flush}, or before a buffer is full.
 */
public final class MainStreamWriter implements AutoCloseable {
    /** As many as QEMU puts in one command. */
    private static final int DISCARD_RANGES = 12;

    private final StreamWriter out;
    private final int ramId;
    private List<BlockEntry> blocks = List.of();
    private PageRecordWriter records;

    /** @param ramId section id of RAM; must not be that of a section in the device state */
    public MainStreamWriter(StreamWriter out, int ramId) {
        this.out = out;
        this.ramId = ramId;
        this.records = new PageRecordWriter(out, blocks);
    }

    /** Bytes accepted since the start, flushed or not. */
    public long offset() {
        return out.offset();
    }

    /** As {@link StreamWriter#unsent}. */
    public long unsent() {
        return out.unsent();
    }

    public void header(StreamHeader header) throws IOException {
        header.write(out);
    }

    public void command(Command command) throws IOException {
        out.u8(Wire.COMMAND);
        switch (command) {
            case Command.OpenReturnPath() -> out.be16(Command.OPEN_RETURN_PATH).be16(0);
            case Command.Ping(int value) ->
                out.be16(Command.PING).be16(Integer.BYTES).be32(value);
            case Command.SwitchoverStart() -> out.be16(Command.SWITCHOVER_START).be16(0);
            case Command.PostcopyAdvise(long hostPages) ->
                out.be16(Command.POSTCOPY_ADVISE)
                        .be16(2 * Long.BYTES)
                        .be64(hostPages)
                        .be64(Wire.PAGE_BYTES);
            case Command.PostcopyResume() -> out.be16(Command.POSTCOPY_RESUME).be16(0);
            case Command.RecvBitmap(String block) ->
                out.be16(Command.RECV_BITMAP).be16(1 + block.length()).str8(block);
        }
    }

    /**
     * Pages that the destination is to forget, before the guest runs there.
     *
     * @param ranges offset and length of each, in bytes, one behind the other; a command holds twelve at the most
     * @param count of ranges
     */
    public void discard(int block, long[] ranges, int count) throws IOException {
        String name = blocks.get(block).name();
        for (int first = 0; first < count; first += DISCARD_RANGES) {
            int these = Math.min(count - first, DISCARD_RANGES);
            out.u8(Wire.COMMAND).be16(Command.POSTCOPY_RAM_DISCARD);
            out.be16(3 + name.length() + these * PostcopyCommands.RANGE);
            out.u8(0).str8(name).u8(0);
            for (int i = 2 * first; i < 2 * (first + these); i++) {
                out.be64(ranges[i]);
            }
        }
    }

    /**
     * What starts the guest at its destination, LISTEN, its devices and a PING, up to but without {@link #run}.
     *
     * @param devices whose description does not travel
     * @throws IllegalArgumentException if they are more than {@link PostcopyPackage#MAX_BYTES}
     */
    public void packaged(DeviceTail devices, int ping) throws IOException {
        byte[] bytes = PostcopyPackage.compose(devices, ping);
        out.u8(Wire.COMMAND).be16(Command.PACKAGED).be16(Integer.BYTES).be32(bytes.length + PostcopyPackage.RUN.length);
        out.bytes(bytes);
        nameBlocks();
    }

    /** The end of the package: from its last byte on the destination may own the guest. */
    public void run() throws IOException {
        out.bytes(PostcopyPackage.RUN);
    }

    /** The end of the stream behind the last page of a postcopy. */
    public void endOfPostcopy() throws IOException {
        out.u8(Wire.EOF);
    }

    /** The next page record names its block, whatever the one before was. */
    public void nameBlocks() {
        records.nameBlock();
    }

    /** A writer of the same blocks and section for the new connection of a recovery. */
    public MainStreamWriter onto(StreamWriter out) {
        MainStreamWriter resumed = new MainStreamWriter(out, ramId);
        resumed.listed(blocks);
        return resumed;
    }

    /** Begins a RAM section. A START must hold the block list. */
    public void section(SectionKind kind) throws IOException {
        out.u8(kind.code).be32(ramId);
        if (kind == SectionKind.START) {
            out.str8("ram").be32(0).be32(Wire.RAM_VERSION);
        }
    }

    /**
     * The list of all blocks; part of the START section.
     *
     * @param gpas whether guest-physical addresses travel: with capability {@code x-ignore-shared}
     */
    public void blocks(List<BlockEntry> blocks, boolean gpas) throws IOException {
        listed(blocks);
        out.be64(blocks.stream().mapToLong(BlockEntry::length).sum() | Wire.MEM_SIZE);
        for (BlockEntry block : blocks) {
            out.str8(block.name()).be64(block.length());
            if (gpas) {
                out.be64(block.gpa());
            }
        }
    }

    private void listed(List<BlockEntry> blocks) {
        this.blocks = blocks;
        records = new PageRecordWriter(out, blocks);
    }

    /** As {@link PageRecordWriter#page}. */
    public void page(int block, long offset, MemorySegment ram) throws IOException {
        records.page(block, offset, ram);
    }

    /** A page whose 4096 bytes at {@code at} are taken at once. */
    public void pageCopy(int block, long offset, MemorySegment from, long at) throws IOException {
        records.pageCopy(block, offset, from, at);
    }

    /** A page as an XBZRLE delta of {@code length} bytes, 1..4096, which are taken at once. */
    public void deltaPage(int block, long offset, MemorySegment from, long at, int length) throws IOException {
        records.record(Wire.XBZRLE, block, offset);
        out.u8(Wire.XBZRLE_FORM).be16(length).copied(from, at, length);
    }

    /** A page as a zlib stream of its own, of {@code length} bytes, which are taken at once. Only QEMU 2.4 to 9.0 load it. */
    public void compressedPage(int block, long offset, MemorySegment from, long at, int length) throws IOException {
        records.record(Wire.COMPRESS_PAGE, block, offset);
        out.be32(length).copied(from, at, length);
    }

    public void zeroPage(int block, long offset) throws IOException {
        records.zeroPage(block, offset);
    }

    public void holeRun(int block, long offset, long length) throws IOException {
        records.record(Wire.HOLE_RUN, block, offset);
        out.be64(length);
    }

    /**
     * The digest's two sums for each of some groups of pages, one behind the other in {@code sums}.
     *
     * @param offset of the first group in the block, a multiple of 2 MiB
     * @param groups 1..{@link MainStreamParser#MAX_DIGEST_GROUPS}
     */
    public void digest(int block, long offset, long[] sums, int groups) throws IOException {
        records.record(Wire.DIGEST, block, offset);
        out.be16(groups);
        for (int i = 0; i < 2 * groups; i++) {
            out.be64(sums[i]);
        }
    }

    /** Nothing more of the digest follows. */
    public void endOfDigest() throws IOException {
        records.record(Wire.DIGEST, Math.max(0, records.lastBlock()), 0);
        out.be16(0);
    }

    public void multifdFlush() throws IOException {
        out.be64(Wire.MULTIFD_FLUSH);
    }

    /** Ends the RAM section that is open. */
    public void endOfSection() throws IOException {
        out.be64(Wire.EOS).u8(Wire.SECTION_FOOTER).be32(ramId);
    }

    /** The devices, up to but without the byte that lets the destination start the guest. */
    public void devices(DeviceTail tail) throws IOException {
        out.bytes(tail.sections());
    }

    /** The end of the stream: from its first byte on the destination may own the guest. */
    public void end(DeviceTail tail) throws IOException {
        out.bytes(tail.closing());
    }

    /** A word about who runs the guest: behind the end of the stream, or, in postcopy, between two sections. */
    public void handover(HandoverRecord record) throws IOException {
        record.write(out);
    }

    public void flush() throws IOException {
        out.flush();
    }

    @Override
    public void close() {
        out.close();
    }
}
