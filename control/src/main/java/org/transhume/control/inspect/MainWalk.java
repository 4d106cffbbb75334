package org.transhume.control.inspect;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.transhume.channels.qemu.BlockEntry;
import org.transhume.channels.qemu.Command;
import org.transhume.channels.qemu.CorruptStreamException;
import org.transhume.channels.qemu.DeviceSection;
import org.transhume.channels.qemu.DeviceTail;
import org.transhume.channels.qemu.HandoverRecord;
import org.transhume.channels.qemu.MainStreamParser;
import org.transhume.channels.qemu.MainStreamVisitor;
import org.transhume.channels.qemu.PostcopyPackage;
import org.transhume.channels.qemu.SectionKind;
import org.transhume.channels.qemu.StreamHeader;
import org.transhume.channels.qemu.StreamReader;
import org.transhume.memory.PageSize;

/** Walks through a main stream, and then through those with which its postcopy went on after a cut. */
final class MainWalk implements MainStreamVisitor {
    private static final long ANY_RAM = 1L << 50;

    private final MemorySegment page = Arena.ofAuto().allocate(MainStreamParser.MAX_COMPRESSED_PAGE);
    private final List<String> commands = new ArrayList<>();
    private List<BlockEntry> blocks = List.of();
    private List<PageCounts> pages = List.of();
    private MainStreamParser parser;
    private boolean postcopy;
    private StreamHeader header;
    private List<DeviceSection> devices = List.of();
    private int description = -1;
    private int sections;
    private int syncs;
    private long discarded;

    /** The main stream of a migration from its header on. */
    StreamSummary walk(Path file, StreamReader in) throws IOException {
        parser = new MainStreamParser(in, this, ANY_RAM);
        return walk(file, in, CaptureKind.MAIN);
    }

    /** The stream with which the one before went on after a cut; {@link #postcopy} must be true. */
    StreamSummary resume(Path file, StreamReader in) throws IOException {
        parser = parser.resumed(in);
        commands.clear();
        devices = List.of();
        pages = blocks.stream().map(_ -> new PageCounts()).toList();
        sections = 0;
        syncs = 0;
        return walk(file, in, CaptureKind.RESUMED);
    }

    private StreamSummary walk(Path file, StreamReader in, CaptureKind kind) throws IOException {
        String error = null;
        try {
            parser.parse();
        } catch (CorruptStreamException e) {
            error = e.getMessage();
        }
        tellDiscarded();
        List<StreamSummary.Block> counted = new ArrayList<>();
        for (int i = 0; i < blocks.size(); i++) {
            counted.add(pages.get(i).of(blocks.get(i).name(), blocks.get(i).length()));
        }
        return new StreamSummary(
                file.toString(),
                kind.channel,
                in.offset(),
                header == null ? null : header.machine(),
                header == null ? null : header.dialect().toString(),
                header == null ? List.of() : header.capabilities(),
                List.copyOf(commands),
                sections,
                syncs,
                counted,
                devices.stream()
                        .map(d -> new StreamSummary.Device(d.name(), d.instance(), d.version(), d.length()))
                        .toList(),
                description,
                error);
    }

    /** Whether the guest was to run before all of its pages came. */
    boolean postcopy() {
        return postcopy;
    }

    /** Empty if there was no list. */
    List<BlockEntry> blocks() {
        return blocks;
    }

    @Override
    public void header(StreamHeader header) {
        this.header = header;
    }

    @Override
    public void command(Command command) {
        tellDiscarded();
        commands.add(
                switch (command) {
                    case Command.OpenReturnPath() -> "OPEN_RETURN_PATH";
                    case Command.Ping(int value) -> "PING " + value;
                    case Command.SwitchoverStart() -> "SWITCHOVER_START";
                    case Command.PostcopyAdvise _ -> "POSTCOPY_ADVISE";
                    case Command.RecvBitmap(String block) -> "RECV_BITMAP " + block;
                    case Command.PostcopyResume() -> "POSTCOPY_RESUME";
                });
    }

    /** All of one go in one line: a guest has thousands of ranges. */
    private void tellDiscarded() {
        if (discarded > 0) {
            commands.add("POSTCOPY_RAM_DISCARD of %d pages".formatted(discarded));
            discarded = 0;
        }
    }

    @Override
    public void section(SectionKind kind) {
        sections++;
    }

    @Override
    public void blocks(List<BlockEntry> blocks) {
        this.blocks = blocks;
        pages = blocks.stream().map(_ -> new PageCounts()).toList();
    }

    @Override
    public void page(int block, long offset, StreamReader in) throws IOException {
        in.into(page, 0, PageSize.BYTES);
        pages.get(block).normal++;
    }

    @Override
    public void deltaPage(int block, long offset, int length, StreamReader in) throws IOException {
        in.into(page, 0, length);
        pages.get(block).delta++;
    }

    @Override
    public void compressedPage(int block, long offset, int length, StreamReader in) throws IOException {
        in.into(page, 0, length);
        pages.get(block).compressed++;
    }

    @Override
    public void zeroPage(int block, long offset) {
        pages.get(block).zero++;
    }

    @Override
    public void holeRun(int block, long offset, long length) {
        pages.get(block).hole += length / PageSize.BYTES;
    }

    @Override
    public void digest(int block, long group, long[] sums, int groups) {
        // Nothing was loaded that it could be compared with.
    }

    @Override
    public void endOfDigest() {
        // As above.
    }

    @Override
    public void multifdFlush() {
        syncs++;
    }

    @Override
    public void endOfSection(SectionKind kind) {
        // Counted when it began.
    }

    @Override
    public void discard(int block, long offset, long length) {
        discarded += length / PageSize.BYTES;
    }

    @Override
    public void postcopy(PostcopyPackage whole) {
        postcopy = true;
        tellDiscarded();
        commands.add("PACKAGED of %d bytes".formatted(whole.bytes()));
        devices = whole.sections();
    }

    @Override
    public void handover(HandoverRecord record) {
        commands.add(record.code().toString());
    }

    @Override
    public void devices(DeviceTail tail, List<DeviceSection> sections) {
        devices = sections;
        description = tail.description() == null ? -1 : tail.description().length;
    }
}
