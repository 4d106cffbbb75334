package org.transhume.channels.qemu;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * Writes a main stream: header, commands, RAM sections and their records, device state (spec: stream.md §1, §2, §7.1). One
 * thread at a time; nothing is sent before {@link #flush}, or before a buffer is full.
 */
public final class MainStreamWriter implements AutoCloseable {
    private final StreamWriter out;
    private final int ramId;
    private List<BlockEntry> blocks = List.of();
    private int lastBlock = -1;

    /** @param ramId section id of RAM; must not be that of a section in the device state */
    public MainStreamWriter(StreamWriter out, int ramId) {
        this.out = out;
        this.ramId = ramId;
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
        }
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
        this.blocks = blocks;
        out.be64(blocks.stream().mapToLong(BlockEntry::length).sum() | Wire.MEM_SIZE);
        for (BlockEntry block : blocks) {
            out.str8(block.name()).be64(block.length());
            if (gpas) {
                out.be64(block.gpa());
            }
        }
    }

    /** A page as it is in {@code ram} when the stream is flushed; borrowed until then. */
    public void page(int block, long offset, MemorySegment ram) throws IOException {
        record(Wire.PAGE, block, offset);
        out.borrowed(ram, offset, Wire.PAGE_BYTES);
    }

    /** A page whose 4096 bytes at {@code at} are taken at once. */
    public void pageCopy(int block, long offset, MemorySegment from, long at) throws IOException {
        record(Wire.PAGE, block, offset);
        out.copied(from, at, Wire.PAGE_BYTES);
    }

    /** A page as an XBZRLE delta of {@code length} bytes, 1..4096, which are taken at once. */
    public void deltaPage(int block, long offset, MemorySegment from, long at, int length) throws IOException {
        record(Wire.XBZRLE, block, offset);
        out.u8(Wire.XBZRLE_FORM).be16(length).copied(from, at, length);
    }

    /** A page as a zlib stream of its own, of {@code length} bytes, which are taken at once. Only QEMU 2.4 to 9.0 load it. */
    public void compressedPage(int block, long offset, MemorySegment from, long at, int length) throws IOException {
        record(Wire.COMPRESS_PAGE, block, offset);
        out.be32(length).copied(from, at, length);
    }

    public void zeroPage(int block, long offset) throws IOException {
        record(Wire.ZERO, block, offset);
        out.u8(0);
    }

    public void holeRun(int block, long offset, long length) throws IOException {
        record(Wire.HOLE_RUN, block, offset);
        out.be64(length);
    }

    /**
     * The digest's two sums for each of some groups of pages, one behind the other in {@code sums}.
     *
     * @param offset of the first group in the block, a multiple of 2 MiB
     * @param groups 1..{@link MainStreamParser#MAX_DIGEST_GROUPS}
     */
    public void digest(int block, long offset, long[] sums, int groups) throws IOException {
        record(Wire.DIGEST, block, offset);
        out.be16(groups);
        for (int i = 0; i < 2 * groups; i++) {
            out.be64(sums[i]);
        }
    }

    /** Nothing more of the digest follows. */
    public void endOfDigest() throws IOException {
        record(Wire.DIGEST, Math.max(0, lastBlock), 0);
        out.be16(0);
    }

    private void record(int kind, int block, long offset) throws IOException {
        if (block == lastBlock) {
            out.be64(offset | kind | Wire.CONTINUE);
        } else {
            out.be64(offset | kind).str8(blocks.get(block).name());
            lastBlock = block;
        }
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

    /** A word about who runs the guest, behind the end of the stream. */
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
