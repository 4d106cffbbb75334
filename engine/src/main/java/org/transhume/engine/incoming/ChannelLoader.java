package org.transhume.engine.incoming;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.Set;
import java.util.function.Supplier;
import org.transhume.channels.Connection;
import org.transhume.channels.IoVector;
import org.transhume.channels.qemu.CorruptStreamException;
import org.transhume.channels.qemu.MultifdHello;
import org.transhume.channels.qemu.MultifdMethod;
import org.transhume.channels.qemu.MultifdPacket;
import org.transhume.codec.CorruptDataException;
import org.transhume.engine.PageCounters;
import org.transhume.engine.digest.PageRecorder;
import org.transhume.memory.PageSize;

/**
 * Reads one multifd channel behind its first 64 bytes: each page straight into its place in guest RAM, or packed ones to where
 * they are unpacked from, with the header of the packet behind in the same system call. One thread.
 */
final class ChannelLoader implements AutoCloseable {
    private final Connection connection;
    private final int id;
    private final String channel;
    private final SyncPoints syncs;
    private final PageCounters pages;
    private final Set<MultifdMethod> accepted;
    private final Duration stallLimit;
    private final Supplier<PostcopyRam> postcopy;
    private PostcopyRam.Arrivals arrivals; // in postcopy
    private MemoryAhead.Row row; // null: nothing looks ahead
    private final PackedPages packed = new PackedPages();
    private final Arena arena = Arena.ofShared();
    private final MultifdPacket packet = new MultifdPacket(arena);
    private final IoVector scatter = new IoVector(MultifdPacket.CAPACITY + 1);
    private final long[] offsets = new long[MultifdPacket.CAPACITY];
    private long headerAt;
    private int headerBytes;
    private String blockName;
    private int block;
    private volatile boolean pagesSinceSync;

    /**
     * @param connection behind its first 64 bytes
     * @param accepted forms that pages may come in
     * @param stallLimit longest wait for the rest of a packet; zero is for ever
     * @param postcopy where pages are missing while the guest runs; gives null before. It begins at a sync point
     */
    ChannelLoader(
            Connection connection,
            int id,
            SyncPoints syncs,
            PageCounters pages,
            Set<MultifdMethod> accepted,
            Duration stallLimit,
            Supplier<PostcopyRam> postcopy) {
        this.connection = connection;
        this.id = id;
        this.channel = "multifd channel " + id;
        this.headerAt = MultifdHello.BYTES;
        this.syncs = syncs;
        this.pages = pages;
        this.accepted = accepted;
        this.stallLimit = stallLimit;
        this.postcopy = postcopy;
    }

    /** Applies packets until the peer closes the channel between two of them. */
    void load(LoadedRam ram) throws IOException {
        try {
            apply(ram);
        } finally {
            if (arrivals != null) {
                arrivals.close();
            }
        }
    }

    private void apply(LoadedRam ram) throws IOException {
        PageRecorder recorder = ram.recorder();
        row = ram.row();
        while (readHeader()) {
            if (arrivals == null) {
                PostcopyRam missing = postcopy.get();
                arrivals = missing == null ? null : missing.arrivals();
            }
            packet.check(channel, headerAt, accepted);
            boolean sync = packet.isSync();
            int normal = packet.normalPages();
            int zero = packet.zeroPages();
            MultifdMethod method = packet.method();
            // Only with pages: an empty packet of 7.2 carries leftovers of the one before.
            int data = normal == 0 ? 0 : packet.dataBytes();
            long number = packet.number();
            if (normal + zero > 0) {
                pagesSinceSync = true;
                prepare(ram, normal, zero);
                expectMore(normal, zero);
            }
            long dataAt = headerAt + MultifdPacket.BYTES;
            readData(ram, normal, method, data, dataAt);
            if (arrivals != null) {
                place(normal, zero, method, data, dataAt, number);
            } else {
                int deltas = 0;
                if (normal > 0 && method != MultifdMethod.NONE) {
                    deltas = unpack(ram, normal, method, data, dataAt, number);
                }
                for (int i = 0; i < normal; i++) {
                    ram.arrived(block, offsets[i]);
                    recorder.inPlace(block, offsets[i]);
                }
                for (int i = normal; i < normal + zero; i++) {
                    ram.zero(block, offsets[i], recorder);
                }
                recorder.flush();
                pages.normal.add(normal - deltas);
                pages.delta.add(deltas);
                pages.zero.add(zero);
            }
            headerAt = dataAt + data;
            if (sync) {
                pages.syncPackets.increment();
                pagesSinceSync = false;
                syncs.channelArrives(id);
            }
        }
        syncs.channelEnded(id);
    }

    /** @return pages that came as deltas */
    private int unpack(LoadedRam ram, int normal, MultifdMethod method, int data, long dataAt, long number) {
        try {
            return packed.apply(method, data, ram.segment(block), offsets, normal);
        } catch (CorruptDataException e) {
            throw new CorruptStreamException(
                    channel, dataAt, "packet %d, %s: %s".formatted(number, method, e.getMessage()));
        }
    }

    /** In postcopy: adjacent pages go into their places together. */
    private void place(int normal, int zero, MultifdMethod method, int data, long dataAt, long number)
            throws IOException {
        if (normal > 0) {
            MemorySegment from = inFull(normal, method, data, dataAt, number);
            int run = 0;
            for (int i = 1; i <= normal; i++) {
                if (i == normal || offsets[i] != offsets[i - 1] + PageSize.BYTES) {
                    arrivals.pages(
                            block, offsets[run], from, (long) run * PageSize.BYTES, (long) (i - run) * PageSize.BYTES);
                    run = i;
                }
            }
        }
        for (int i = normal; i < normal + zero; i++) {
            arrivals.zeroPage(block, offsets[i]);
        }
    }

    private MemorySegment inFull(int normal, MultifdMethod method, int data, long dataAt, long number) {
        try {
            if (method == MultifdMethod.DELTA) {
                throw new CorruptDataException("deltas in postcopy, expected pages in full");
            }
            return packed.inFull(method, data, normal);
        } catch (CorruptDataException e) {
            throw new CorruptStreamException(
                    channel, dataAt, "packet %d, %s: %s".formatted(number, method, e.getMessage()));
        }
    }

    /** Whether pages came behind the last sync point. */
    boolean pagesSinceSync() {
        return pagesSinceSync;
    }

    /** Checks the packet's offsets and keeps them, since the header's room is needed for the next one. */
    private void prepare(LoadedRam ram, int normal, int zero) {
        String name = packet.block(channel, headerAt);
        if (!name.equals(blockName)) {
            Integer index = ram.index(name);
            if (index == null) {
                throw corrupt("pages of block '%s', which is not in the block list".formatted(name));
            }
            blockName = name;
            block = index;
        }
        long last = ram.block(block).length() - PageSize.BYTES;
        for (int i = 0; i < normal + zero; i++) {
            long offset = packet.offset(i);
            if (offset < 0 || offset > last || (offset & (PageSize.BYTES - 1)) != 0) {
                throw corrupt("page %d of the packet at 0x%x of block '%s', expected whole pages up to 0x%x"
                        .formatted(i, offset, name, last));
            }
            offsets[i] = offset;
        }
    }

    private void expectMore(int normal, int zero) {
        if (row == null) {
            return;
        }
        if (zero > 0) {
            row.broken();
        }
        if (normal > 0) {
            row.came(block, offsets[normal - 1], normal);
        }
    }

    /** Pages as they are go straight into their places where nobody waits for them, anything else to where it is taken from. */
    private void readData(LoadedRam ram, int normal, MultifdMethod method, int data, long dataAt) throws IOException {
        headerBytes = 0;
        if (data == 0) {
            return;
        }
        scatter.clear();
        if (method == MultifdMethod.NONE && arrivals == null) {
            for (int i = 0; i < normal; i++) {
                scatter.add(ram.segment(block), offsets[i], PageSize.BYTES);
            }
        } else {
            scatter.add(packed.data(), 0, data);
        }
        scatter.add(packet.frame(), 0, MultifdPacket.BYTES);
        connection.limitReads(channel, stallLimit);
        long done = 0;
        while (done < data) {
            long read = connection.read(scatter);
            if (read < 0) {
                throw new CorruptStreamException(
                        channel,
                        dataAt + done,
                        "the channel ends here, expected %d more bytes of pages".formatted(data - done));
            }
            done += read;
        }
        headerBytes = (int) (done - data);
    }

    private boolean readHeader() throws IOException {
        while (headerBytes < MultifdPacket.BYTES) {
            // Between two packets a channel may be silent for as long as the source has no pages for it.
            connection.limitReads(channel, headerBytes == 0 ? Duration.ZERO : stallLimit);
            int read = connection.read(packet.frame(), headerBytes, MultifdPacket.BYTES - headerBytes);
            if (read < 0) {
                if (headerBytes == 0) {
                    return false;
                }
                throw new CorruptStreamException(
                        channel,
                        headerAt + headerBytes,
                        "the channel ends inside a packet header, expected %d more bytes"
                                .formatted(MultifdPacket.BYTES - headerBytes));
            }
            headerBytes += read;
        }
        return true;
    }

    private CorruptStreamException corrupt(String what) {
        return new CorruptStreamException(channel, headerAt, what);
    }

    @Override
    public void close() {
        try (arena;
                scatter) {
            packed.close();
        }
    }
}
