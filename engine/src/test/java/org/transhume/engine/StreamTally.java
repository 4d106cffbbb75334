package org.transhume.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.EnumSet;
import java.util.List;
import org.transhume.channels.qemu.BlockEntry;
import org.transhume.channels.qemu.Command;
import org.transhume.channels.qemu.DeltaLengths;
import org.transhume.channels.qemu.DeviceSection;
import org.transhume.channels.qemu.DeviceTail;
import org.transhume.channels.qemu.HandoverRecord;
import org.transhume.channels.qemu.MainStreamParser;
import org.transhume.channels.qemu.MainStreamVisitor;
import org.transhume.channels.qemu.MultifdHello;
import org.transhume.channels.qemu.MultifdMethod;
import org.transhume.channels.qemu.MultifdPacket;
import org.transhume.channels.qemu.PostcopyPackage;
import org.transhume.channels.qemu.SectionKind;
import org.transhume.channels.qemu.StreamHeader;
import org.transhume.channels.qemu.StreamReader;
import org.transhume.engine.incoming.CapturedConnection;
import org.transhume.memory.PageSize;

/** Counts the pages in captured streams by kind, record by record and packet by packet. */
final class StreamTally implements MainStreamVisitor {
    long normal;
    long zero;
    long hole;
    long delta;
    long compressed;
    long syncPackets;
    /** Of deltas, with their lengths and, on main, the flag, but without the block's name. */
    long deltaBytes;

    long deltaRecords;
    long compressedBytes;
    long deviceBytes;
    long rawPages;
    long lz4Pages;
    long zstdPages;
    private final MemorySegment page = MemorySegment.ofArray(new byte[2 * PageSize.BYTES]);

    /** Adds what the main channel carried. */
    void main(byte[] stream) throws IOException {
        try (StreamReader in = new StreamReader(new CapturedConnection(stream, false), "main")) {
            new MainStreamParser(in, this, Long.MAX_VALUE).parse();
            assertEquals(stream.length, in.offset(), "bytes of the main stream");
        }
    }

    /** Adds what a page channel carried. */
    void channel(byte[] stream) {
        MemorySegment bytes = MemorySegment.ofArray(stream);
        try (Arena arena = Arena.ofConfined()) {
            MultifdPacket packet = new MultifdPacket(arena);
            long at = MultifdHello.BYTES;
            while (at < stream.length) {
                MemorySegment.copy(bytes, at, packet.frame(), 0, MultifdPacket.BYTES);
                packet.check("channel", at, EnumSet.allOf(MultifdMethod.class));
                at += MultifdPacket.BYTES;
                syncPackets += packet.isSync() ? 1 : 0;
                zero += packet.zeroPages();
                if (packet.normalPages() > 0) {
                    data(packet, bytes.asSlice(at, packet.dataBytes()));
                    at += packet.dataBytes();
                }
            }
            assertEquals(stream.length, at, "bytes of the page channel");
        }
    }

    private void data(MultifdPacket packet, MemorySegment data) {
        int pages = packet.normalPages();
        switch (packet.method()) {
            case NONE -> rawPages += pages;
            case LZ4 -> lz4Pages += pages;
            case ZSTD -> zstdPages += pages;
            case ZLIB, DELTA -> {
                // Adaptive bodies make no zlib, and deltas are counted below.
            }
        }
        if (packet.method() != MultifdMethod.DELTA) {
            normal += pages;
            return;
        }
        for (int i = 0; i < pages; i++) {
            int length = DeltaLengths.get(data, i);
            if (length == PageSize.BYTES) {
                normal++;
            } else {
                delta++;
                deltaBytes += DeltaLengths.BYTES + length;
            }
        }
    }

    @Override
    public void header(StreamHeader header) {}

    @Override
    public void command(Command command) {}

    @Override
    public void section(SectionKind kind) {}

    @Override
    public void blocks(List<BlockEntry> blocks) {}

    @Override
    public void page(int block, long offset, StreamReader in) throws IOException {
        in.into(page, 0, PageSize.BYTES);
        normal++;
    }

    @Override
    public void deltaPage(int block, long offset, int length, StreamReader in) throws IOException {
        in.into(page, 0, length);
        delta++;
        deltaRecords++;
        deltaBytes += 3 + length;
    }

    @Override
    public void compressedPage(int block, long offset, int length, StreamReader in) throws IOException {
        in.into(page, 0, length);
        compressed++;
        compressedBytes += length;
    }

    @Override
    public void zeroPage(int block, long offset) {
        zero++;
    }

    @Override
    public void digest(int block, long group, long[] sums, int groups) {}

    @Override
    public void endOfDigest() {}

    @Override
    public void holeRun(int block, long offset, long length) {
        hole += length / PageSize.BYTES;
    }

    @Override
    public void multifdFlush() {}

    @Override
    public void endOfSection(SectionKind kind) {}

    @Override
    public void discard(int block, long offset, long length) {
        throw new AssertionError("nobody starts postcopy here");
    }

    @Override
    public void handover(HandoverRecord record) {}

    @Override
    public void postcopy(PostcopyPackage whole) {
        throw new AssertionError("nobody starts postcopy here");
    }

    @Override
    public void devices(DeviceTail tail, List<DeviceSection> sections) {
        deviceBytes = tail.toBytes().length;
    }
}
