package org.transhume.channels.qemu;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HexFormat;
import java.util.List;
import java.util.zip.GZIPInputStream;

/** What a QEMU sent: the RAM that it makes, and the same stream written by us. */
final class Capture implements MainStreamVisitor, AutoCloseable {
    /** Pages that were discarded and did not come since, for each block. */
    final List<BitSet> missing = new ArrayList<>();

    final List<Command> commands = new ArrayList<>();
    List<BlockEntry> blocks = List.of();
    PostcopyPackage started;
    /** Pages that came on a channel of their own. */
    int urgent;

    private final List<byte[]> ram = new ArrayList<>();
    private final long[] ranges = new long[2 * 4096];
    private int discards;
    private int discardBlock;
    private BytesConnection written = new BytesConnection();
    private MainStreamWriter out;

    static byte[] bytes(String name) throws IOException {
        try (InputStream in =
                new GZIPInputStream(Capture.class.getResourceAsStream("/qemu/%s.bin.gz".formatted(name)))) {
            return in.readAllBytes();
        }
    }

    /** @param ramId section id of RAM in the capture */
    Capture(int ramId) {
        out = new MainStreamWriter(new StreamWriter(written), ramId);
    }

    /** From here on it is written to a new connection. */
    void resumed() {
        written = new BytesConnection();
        MainStreamWriter before = out;
        out = before.onto(new StreamWriter(written));
        before.close();
    }

    byte[] written() throws IOException {
        out.flush();
        return written.written();
    }

    void end() throws IOException {
        out.end(DeviceTail.EMPTY);
    }

    /** SHA-256 of a block. */
    String digest(String block) throws NoSuchAlgorithmException {
        int index = blocks.stream().map(BlockEntry::name).toList().indexOf(block);
        return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(ram.get(index)));
    }

    @Override
    public void header(StreamHeader header) throws IOException {
        out.header(header);
    }

    @Override
    public void command(Command command) throws IOException {
        writeDiscards();
        commands.add(command);
        out.command(command);
    }

    @Override
    public void section(SectionKind kind) throws IOException {
        out.section(kind);
    }

    @Override
    public void blocks(List<BlockEntry> blocks) throws IOException {
        this.blocks = blocks;
        for (BlockEntry block : blocks) {
            ram.add(new byte[Math.toIntExact(block.length())]);
            missing.add(new BitSet());
        }
        out.blocks(blocks, false);
    }

    @Override
    public void page(int block, long offset, StreamReader in) throws IOException {
        int at = in.take(Wire.PAGE_BYTES);
        MemorySegment.copy(in.buffer(), at, MemorySegment.ofArray(ram.get(block)), offset, Wire.PAGE_BYTES);
        out.pageCopy(block, offset, in.buffer(), at);
        came(block, offset);
    }

    @Override
    public void zeroPage(int block, long offset) throws IOException {
        clear(block, offset);
        out.zeroPage(block, offset);
        came(block, offset);
    }

    private void clear(int block, long offset) {
        MemorySegment.ofArray(ram.get(block)).asSlice(offset, Wire.PAGE_BYTES).fill((byte) 0);
    }

    private void came(int block, long offset) {
        if (started != null) {
            int page = (int) (offset / Wire.PAGE_BYTES);
            assertEquals(
                    true,
                    missing.get(block).get(page),
                    () -> "0x%x of block %d was not missing".formatted(offset, block));
            missing.get(block).clear(page);
        }
    }

    /** Whom the channel of urgent pages is told to: RAM is one, the streams are two. */
    PageVisitor urgent(PageRecordWriter copy) {
        return new PageVisitor() {
            @Override
            public void page(int block, long offset, StreamReader in) throws IOException {
                MemorySegment page = MemorySegment.ofArray(in.bytes(Wire.PAGE_BYTES));
                MemorySegment.copy(page, 0, MemorySegment.ofArray(ram.get(block)), offset, Wire.PAGE_BYTES);
                copy.pageCopy(block, offset, page, 0);
                urgent++;
                came(block, offset);
            }

            @Override
            public void zeroPage(int block, long offset) throws IOException {
                clear(block, offset);
                copy.zeroPage(block, offset);
                urgent++;
                came(block, offset);
            }
        };
    }

    @Override
    public void discard(int block, long offset, long length) throws IOException {
        missing.get(block).set((int) (offset / Wire.PAGE_BYTES), (int) ((offset + length) / Wire.PAGE_BYTES));
        if (block != discardBlock) {
            writeDiscards();
        }
        discardBlock = block;
        ranges[2 * discards] = offset;
        ranges[2 * discards + 1] = length;
        discards++;
    }

    private void writeDiscards() throws IOException {
        if (discards > 0) {
            out.discard(discardBlock, ranges, discards);
        }
        discards = 0;
    }

    @Override
    public void postcopy(PostcopyPackage whole) throws IOException {
        writeDiscards();
        started = whole;
        out.packaged(whole.devices(), whole.pings().getLast());
        out.run();
    }

    @Override
    public void handover(HandoverRecord record) throws IOException {
        out.handover(record);
    }

    @Override
    public void multifdFlush() throws IOException {
        out.multifdFlush();
    }

    @Override
    public void endOfSection(SectionKind kind) throws IOException {
        out.endOfSection();
    }

    @Override
    public void deltaPage(int block, long offset, int length, StreamReader in) {
        throw new AssertionError("a delta");
    }

    @Override
    public void compressedPage(int block, long offset, int length, StreamReader in) {
        throw new AssertionError("a compressed page");
    }

    @Override
    public void holeRun(int block, long offset, long length) {
        throw new AssertionError("a hole");
    }

    @Override
    public void digest(int block, long group, long[] sums, int groups) {
        throw new AssertionError("a digest");
    }

    @Override
    public void endOfDigest() {
        throw new AssertionError("a digest");
    }

    @Override
    public void devices(DeviceTail tail, List<DeviceSection> sections) {
        throw new AssertionError("devices behind RAM");
    }

    @Override
    public void close() {
        out.close();
    }
}
