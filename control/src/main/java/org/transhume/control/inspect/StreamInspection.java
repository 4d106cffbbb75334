package org.transhume.control.inspect;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import org.transhume.channels.Address;
import org.transhume.channels.Connection;
import org.transhume.channels.Connections;
import org.transhume.channels.Listener;
import org.transhume.channels.qemu.BlockEntry;
import org.transhume.channels.qemu.Command;
import org.transhume.channels.qemu.CorruptStreamException;
import org.transhume.channels.qemu.DeviceSection;
import org.transhume.channels.qemu.DeviceTail;
import org.transhume.channels.qemu.MainStreamParser;
import org.transhume.channels.qemu.MainStreamVisitor;
import org.transhume.channels.qemu.MultifdHello;
import org.transhume.channels.qemu.MultifdMethod;
import org.transhume.channels.qemu.MultifdPacket;
import org.transhume.channels.qemu.PostcopyPackage;
import org.transhume.channels.qemu.SectionKind;
import org.transhume.channels.qemu.StreamHeader;
import org.transhume.channels.qemu.StreamReader;
import org.transhume.memory.PageSize;

/** Walks through one captured connection and counts; nothing is loaded. */
public final class StreamInspection {
    private static final long ANY_RAM = 1L << 50;
    private static final int CHANNELS = 255;

    // Kinds of pages, as places in the counts of a block.
    private static final int NORMAL = 0;
    private static final int ZERO = 1;
    private static final int HOLE = 2;
    private static final int DELTA = 3;
    private static final int COMPRESSED = 4;
    private static final int KINDS = 5;

    private StreamInspection() {}

    public static StreamSummary of(Path file) throws IOException {
        try (Listener source = Connections.listen(new Address.File(file, 0));
                Connection connection = source.accept(Duration.ofSeconds(10));
                StreamReader in = new StreamReader(connection, "main")) {
            if (in.arrives(0) && !in.atEnd() && in.peek32() == MultifdHello.MAGIC) {
                return new ChannelWalk(file, in).walk();
            }
            return new MainWalk(file, in).walk();
        }
    }

    private static StreamSummary.Block block(String name, long size, long[] counts) {
        return new StreamSummary.Block(
                name, size, counts[NORMAL], counts[ZERO], counts[HOLE], counts[DELTA], counts[COMPRESSED]);
    }

    private static final class MainWalk implements MainStreamVisitor {
        private final Path file;
        private final StreamReader in;
        private final MemorySegment page = Arena.ofAuto().allocate(MainStreamParser.MAX_COMPRESSED_PAGE);
        private final List<String> commands = new ArrayList<>();
        private List<BlockEntry> blocks = List.of();
        private long[][] pages = {};
        private StreamHeader header;
        private List<DeviceSection> devices = List.of();
        private int description = -1;
        private int sections;
        private int syncs;
        private long discarded;

        MainWalk(Path file, StreamReader in) {
            this.file = file;
            this.in = in;
        }

        StreamSummary walk() throws IOException {
            String error = null;
            try {
                new MainStreamParser(in, this, ANY_RAM).parse();
            } catch (CorruptStreamException e) {
                error = e.getMessage();
            }
            List<StreamSummary.Block> counted = new ArrayList<>();
            for (int i = 0; i < blocks.size(); i++) {
                counted.add(block(blocks.get(i).name(), blocks.get(i).length(), pages[i]));
            }
            return new StreamSummary(
                    file.toString(),
                    "main",
                    in.offset(),
                    header == null ? null : header.machine(),
                    header == null ? null : header.dialect().toString(),
                    header == null ? List.of() : header.capabilities(),
                    commands,
                    sections,
                    syncs,
                    counted,
                    devices.stream()
                            .map(d -> new StreamSummary.Device(d.name(), d.instance(), d.version(), d.length()))
                            .toList(),
                    description,
                    error);
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
            pages = new long[blocks.size()][KINDS];
        }

        @Override
        public void page(int block, long offset, StreamReader in) throws IOException {
            in.into(page, 0, PageSize.BYTES);
            pages[block][NORMAL]++;
        }

        @Override
        public void deltaPage(int block, long offset, int length, StreamReader in) throws IOException {
            in.into(page, 0, length);
            pages[block][DELTA]++;
        }

        @Override
        public void compressedPage(int block, long offset, int length, StreamReader in) throws IOException {
            in.into(page, 0, length);
            pages[block][COMPRESSED]++;
        }

        @Override
        public void zeroPage(int block, long offset) {
            pages[block][ZERO]++;
        }

        @Override
        public void holeRun(int block, long offset, long length) {
            pages[block][HOLE] += length / PageSize.BYTES;
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
            tellDiscarded();
            commands.add("PACKAGED of %d bytes".formatted(whole.bytes()));
            devices = whole.sections();
        }

        @Override
        public void devices(DeviceTail tail, List<DeviceSection> sections) {
            devices = sections;
            description = tail.description() == null ? -1 : tail.description().length;
        }
    }

    private static final class ChannelWalk {
        private final Path file;
        private final StreamReader in;
        private final MemorySegment hello = Arena.ofAuto().allocate(MultifdHello.BYTES);
        private final MultifdPacket packet = new MultifdPacket(Arena.ofAuto());
        private final MemorySegment page = Arena.ofAuto().allocate(PageSize.BYTES);
        private final List<String> names = new ArrayList<>();
        private final List<long[]> pages = new ArrayList<>();

        ChannelWalk(Path file, StreamReader in) {
            this.file = file;
            this.in = in;
        }

        StreamSummary walk() throws IOException {
            String channel = "multifd channel";
            String error = null;
            int syncs = 0;
            try {
                in.into(hello, 0, MultifdHello.BYTES);
                channel =
                        "multifd channel " + MultifdHello.parse(hello, CHANNELS).id();
                while (!in.atEnd()) {
                    long at = in.offset();
                    in.into(packet.frame(), 0, MultifdPacket.BYTES);
                    packet.check(channel, at, EnumSet.allOf(MultifdMethod.class));
                    count(channel, at);
                    syncs += packet.isSync() ? 1 : 0;
                }
            } catch (CorruptStreamException e) {
                error = e.getMessage();
            }
            List<StreamSummary.Block> counted = new ArrayList<>();
            for (int i = 0; i < names.size(); i++) {
                counted.add(block(names.get(i), -1, pages.get(i)));
            }
            return new StreamSummary(
                    file.toString(),
                    channel,
                    in.offset(),
                    null,
                    null,
                    List.of(),
                    List.of(),
                    0,
                    syncs,
                    counted,
                    List.of(),
                    -1,
                    error);
        }

        private void count(String channel, long at) throws IOException {
            int normal = packet.normalPages();
            int zero = packet.zeroPages();
            if (normal + zero == 0) {
                return;
            }
            String block = packet.block(channel, at);
            if (!names.contains(block)) {
                names.add(block);
                pages.add(new long[KINDS]);
            }
            long[] counts = pages.get(names.indexOf(block));
            counts[ZERO] += zero;
            if (normal > 0) {
                counts[
                        switch (packet.method()) {
                            case NONE -> NORMAL;
                            case DELTA -> DELTA;
                            case ZLIB, ZSTD, LZ4 -> COMPRESSED;
                        }] += normal;
                for (int left = packet.dataBytes(); left > 0; left -= PageSize.BYTES) {
                    in.into(page, 0, Math.min(left, PageSize.BYTES));
                }
            }
        }
    }
}
