package org.transhume.channels.qemu;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** Takes everything and keeps nothing but where pages began. */
class Skips implements MainStreamVisitor {
    final List<Long> records = new ArrayList<>();

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
        records.add(in.offset());
        int _ = in.take(Wire.PAGE_BYTES);
    }

    @Override
    public void deltaPage(int block, long offset, int length, StreamReader in) throws IOException {
        int _ = in.take(length);
    }

    @Override
    public void compressedPage(int block, long offset, int length, StreamReader in) throws IOException {
        byte[] _ = in.bytes(length);
    }

    @Override
    public void zeroPage(int block, long offset) {}

    @Override
    public void holeRun(int block, long offset, long length) {}

    @Override
    public void digest(int block, long group, long[] sums, int groups) {}

    @Override
    public void endOfDigest() {}

    @Override
    public void multifdFlush() {}

    @Override
    public void endOfSection(SectionKind kind) {}

    @Override
    public void discard(int block, long offset, long length) {}

    @Override
    public void postcopy(PostcopyPackage whole) {}

    @Override
    public void handover(HandoverRecord record) {}

    @Override
    public void devices(DeviceTail tail, List<DeviceSection> sections) {}
}
