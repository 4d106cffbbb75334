package org.transhume.control.inspect;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.transhume.channels.qemu.CorruptStreamException;
import org.transhume.channels.qemu.MultifdHello;
import org.transhume.channels.qemu.MultifdMethod;
import org.transhume.channels.qemu.MultifdPacket;
import org.transhume.channels.qemu.StreamReader;
import org.transhume.memory.PageSize;

/** Walks through a multifd channel. */
final class ChannelWalk {
    private static final int CHANNELS = 255;

    private final Path file;
    private final StreamReader in;
    private final MemorySegment hello = Arena.ofAuto().allocate(MultifdHello.BYTES);
    private final MultifdPacket packet = new MultifdPacket(Arena.ofAuto());
    private final MemorySegment page = Arena.ofAuto().allocate(PageSize.BYTES);
    private final Map<String, PageCounts> pages = new LinkedHashMap<>();

    ChannelWalk(Path file, StreamReader in) {
        this.file = file;
        this.in = in;
    }

    StreamSummary walk() throws IOException {
        String channel = CaptureKind.MULTIFD.channel;
        String error = null;
        int syncs = 0;
        try {
            in.into(hello, 0, MultifdHello.BYTES);
            channel += " " + MultifdHello.parse(hello, CHANNELS).id();
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
        return StreamSummary.ofPages(file, channel, in.offset(), List.of(), syncs, PageCounts.all(pages), error);
    }

    private void count(String channel, long at) throws IOException {
        int normal = packet.normalPages();
        int zero = packet.zeroPages();
        if (normal + zero == 0) {
            return;
        }
        String block = packet.block(channel, at);
        PageCounts counts = pages.computeIfAbsent(block, _ -> new PageCounts());
        counts.zero += zero;
        if (normal > 0) {
            switch (packet.method()) {
                case NONE -> counts.normal += normal;
                case DELTA -> counts.delta += normal;
                case ZLIB, ZSTD, LZ4 -> counts.compressed += normal;
            }
            for (int left = packet.dataBytes(); left > 0; left -= PageSize.BYTES) {
                in.into(page, 0, Math.min(left, PageSize.BYTES));
            }
        }
    }
}
