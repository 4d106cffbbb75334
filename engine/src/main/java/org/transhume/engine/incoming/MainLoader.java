package org.transhume.engine.incoming;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import org.transhume.channels.qemu.BlockEntry;
import org.transhume.channels.qemu.Command;
import org.transhume.channels.qemu.CorruptStreamException;
import org.transhume.channels.qemu.DeviceSection;
import org.transhume.channels.qemu.DeviceTail;
import org.transhume.channels.qemu.Dialect;
import org.transhume.channels.qemu.HandoverRecord;
import org.transhume.channels.qemu.MainStreamVisitor;
import org.transhume.channels.qemu.PostcopyPackage;
import org.transhume.channels.qemu.ReturnPathMessage;
import org.transhume.channels.qemu.SectionKind;
import org.transhume.channels.qemu.StreamHeader;
import org.transhume.channels.qemu.StreamReader;
import org.transhume.codec.CorruptDataException;
import org.transhume.codec.delta.XbzrleDecoder;
import org.transhume.engine.BackgroundThread;
import org.transhume.engine.Extensions;
import org.transhume.engine.IncomingGuest;
import org.transhume.engine.MigrationException;
import org.transhume.engine.PageCounters;
import org.transhume.engine.digest.DigestReport;
import org.transhume.engine.digest.PageRecorder;
import org.transhume.engine.digest.RamDigest;
import org.transhume.memory.GuestMemory;
import org.transhume.memory.Lease;
import org.transhume.memory.PageSize;
import org.transhume.memory.RamBlock;

/** Applies the main stream to a guest that is to arrive. The thread of the main channel. */
final class MainLoader implements MainStreamVisitor, AutoCloseable {
    private static final double NANOS_PER_MILLI = 1e6;

    private final IncomingGuest guest;
    private final IncomingConfig config;
    private SyncPoints syncs; // of this connection
    private final PageCounters pages;
    private final ReturnPath answers;
    private final CompletableFuture<LoadedRam> ramReady;
    private final Runnable everyChannel;
    private final BiFunction<PostcopyPackage, LoadedRam, IncomingPostcopy> begin;
    private final Consumer<HandoverRecord> words;
    private final String name;

    private StreamHeader header;
    private Dialect dialect = Dialect.NEWEST;
    private final MemorySegment delta = MemorySegment.ofArray(new byte[PageSize.BYTES]);
    private PageDecompression decompression;
    private LoadedRam ram;
    private PageRecorder recorder;
    private MemoryAhead.Row row; // null: nothing looks ahead
    private long digestGroups;
    private boolean digestCame;
    private DigestReport digestReport;
    private Lease lease;
    private volatile long ramBytes;
    private volatile long deviceBytes;
    private boolean channelsThere;
    private DeviceTail devices;
    private IncomingPostcopy postcopy;
    private PostcopyRam.Arrivals arrivals; // of the thread that reads the main channel now
    private long end;

    /**
     * @param answers the return path, used only if the peer opens it
     * @param ramReady completed with the RAM once the block list is known
     * @param everyChannel waits until every page channel is connected
     * @param begin has the guest start before its pages are there
     * @param words hears what the source says about who owns the guest, once that began
     * @param name names the threads
     */
    MainLoader(
            IncomingGuest guest,
            IncomingConfig config,
            SyncPoints syncs,
            PageCounters pages,
            ReturnPath answers,
            CompletableFuture<LoadedRam> ramReady,
            Runnable everyChannel,
            BiFunction<PostcopyPackage, LoadedRam, IncomingPostcopy> begin,
            Consumer<HandoverRecord> words,
            String name) {
        this.guest = guest;
        this.config = config;
        this.syncs = syncs;
        this.pages = pages;
        this.answers = answers;
        this.ramReady = ramReady;
        this.everyChannel = everyChannel;
        this.begin = begin;
        this.words = words;
        this.name = name;
    }

    @Override
    public void header(StreamHeader header) {
        this.header = header;
        dialect = header.dialect();
        Extensions.check(header, config.shared());
        identify(header.uuid());
    }

    private void identify(UUID came) {
        if (came == null) {
            return;
        }
        UUID here = guest.uuid();
        if (here != null && !here.equals(came)) {
            throw new MigrationException(
                    "UUID received is %s and local is %s: this is another guest, or one of the two was given a wrong UUID"
                            .formatted(came, here));
        }
        guest.identify(came);
    }

    @Override
    public void command(Command command) throws IOException {
        switch (command) {
            case Command.OpenReturnPath() -> openReturnPath();
            case Command.Ping(int value) ->
                (postcopy == null ? answers : postcopy.answers(answers)).send(new ReturnPathMessage.Pong(value));
            case Command.PostcopyAdvise(long hostPages) -> checkAdvice(hostPages);
            case Command.RecvBitmap(String block) -> postcopy.tellWhatCame(block);
            case Command.PostcopyResume() -> {
                arrivals = postcopy.ram().arrivals();
                BackgroundThread.become();
                postcopy.resumed();
            }
            case Command.SwitchoverStart() -> {
                // For devices that care; RAM does not.
            }
        }
    }

    private void openReturnPath() {
        answers.open();
        if (config.switchoverAck()) {
            AtomicBoolean approved = new AtomicBoolean();
            guest.prepareSwitchover(() -> {
                if (approved.compareAndSet(false, true)) {
                    approveSwitchover();
                }
            });
        }
    }

    private void approveSwitchover() {
        try {
            answers.send(new ReturnPathMessage.SwitchoverAck());
        } catch (IOException e) {
            // Whoever approves cannot help it; the source is gone, and the main channel says so.
        }
    }

    @Override
    public void blocks(List<BlockEntry> blocks) {
        GuestMemory memory = guest.accept(header.machine(), blocks);
        lease = memory.lease("incoming migration");
        ram = new LoadedRam(blocks, memory, guest.fresh(), config.shared().contains(Extensions.RAM_DIGEST));
        if (config.postcopy() != null) {
            memory.blocks().forEach(block -> block.mayBeHuge(false)); // pages stay missing one by one
        } else if (guest.fresh()) {
            ram.lookAhead(name);
        }
        row = ram.row();
        recorder = ram.recorder();
        ramBytes = memory.size();
        ramReady.complete(ram);
    }

    @Override
    public void section(SectionKind kind) {}

    @Override
    public void page(int block, long offset, StreamReader in) throws IOException {
        if (arrivals != null) {
            arrivals.page(block, offset, in);
            return;
        }
        settle(block, offset);
        in.into(ram.segment(block), offset, PageSize.BYTES);
        ram.arrived(block, offset);
        if (row != null) {
            row.came(block, offset, 1);
        }
        recorder.inPlace(block, offset);
        pages.normal.increment();
    }

    @Override
    public void deltaPage(int block, long offset, int length, StreamReader in) throws IOException {
        settle(block, offset);
        long at = in.offset();
        in.into(delta, 0, length);
        try {
            XbzrleDecoder.decode(delta, 0, length, ram.segment(block), offset);
        } catch (CorruptDataException e) {
            throw in.corrupt(
                    at,
                    "xbzrle page at 0x%x of block '%s': %s"
                            .formatted(offset, ram.block(block).name(), e.getMessage()));
        }
        ram.arrived(block, offset);
        recorder.inPlace(block, offset);
        pages.delta.increment();
    }

    @Override
    public void compressedPage(int block, long offset, int length, StreamReader in) throws IOException {
        if (decompression == null) {
            decompression = new PageDecompression(config.decompressThreads(), ram, name);
        }
        decompression.unpack(block, offset, length, in);
        ram.arrived(block, offset);
        pages.compressed.increment();
    }

    /** An earlier version of the page may still be in the hands of a decompressing thread: it goes first. */
    private void settle(int block, long offset) {
        if (decompression != null && ram.came(block, offset)) {
            decompression.drain();
        }
    }

    @Override
    public void zeroPage(int block, long offset) {
        if (arrivals != null) {
            arrivals.zeroPage(block, offset);
            return;
        }
        settle(block, offset);
        if (row != null) {
            row.broken();
        }
        ram.zero(block, offset, recorder);
        pages.zero.increment();
    }

    @Override
    public void holeRun(int block, long offset, long length) {
        if (decompression != null) {
            decompression.drain(); // as in settle, for whatever pages are in it
        }
        ram.hole(block, offset, length, recorder);
        pages.hole.add(length / PageSize.BYTES);
    }

    @Override
    public void digest(int block, long group, long[] sums, int groups) {
        for (int i = 0; i < groups; i++) {
            ram.digest().expect(block, group + i, sums[2 * i], sums[2 * i + 1]);
        }
        digestGroups += groups;
    }

    @Override
    public void endOfDigest() {
        digestCame = true;
    }

    @Override
    public void multifdFlush() throws IOException {
        if (config.channels() > 0 && (dialect.perRoundSync() || postcopy != null)) {
            syncPoint();
        }
    }

    @Override
    public void endOfSection(SectionKind kind) throws IOException {
        if (decompression != null) {
            decompression.drain();
        }
        recorder.flush();
        if (config.channels() > 0 && !dialect.perRoundSync() && postcopy == null) {
            syncPoint();
        }
    }

    private void syncPoint() throws IOException {
        if (!channelsThere) {
            everyChannel.run();
            channelsThere = true;
        }
        syncs.mainArrives();
    }

    @Override
    public void discard(int block, long offset, long length) {
        ram.forget(block, offset, length);
    }

    @Override
    public void postcopy(PostcopyPackage whole) {
        if (ram.digest() != null) {
            throw new MigrationException(
                    "a postcopy with x-ram-digest, which holds RAM against a digest as a whole: switch one of the two off");
        }
        for (RamBlock block : ram.memory().blocks()) {
            if (block.hostPageSize() != PageSize.BYTES) {
                throw new MigrationException(
                        "block '%s' lies in pages of %d bytes, of which parts cannot be missing here: give the guest ordinary memory, or switch postcopy-ram off"
                                .formatted(block.name(), block.hostPageSize()));
            }
        }
        if (decompression != null) {
            decompression.drain();
        }
        recorder.flush();
        deviceBytes = whole.devices().toBytes().length;
        postcopy = begin.apply(whole, ram);
        arrivals = postcopy.ram().arrivals();
        BackgroundThread.become();
    }

    @Override
    public void handover(HandoverRecord record) {
        words.accept(record);
    }

    private void checkAdvice(long hostPages) {
        if (config.postcopy() == null) {
            throw new MigrationException(
                    "the source has postcopy-ram on, which is off here: set the capability alike on both sides");
        }
        if (hostPages != PageSize.BYTES) {
            throw new MigrationException(
                    "Postcopy needs matching RAM page sizes (s=%x d=%x): give both sides memory of the same kind"
                            .formatted(hostPages, PageSize.BYTES));
        }
    }

    /** The source comes back, and its channels with it. */
    void syncs(SyncPoints next) {
        syncs = next;
    }

    /** The thread that reads the main channel will read no more of this connection. */
    void leave() {
        if (arrivals != null) {
            arrivals.close();
            arrivals = null;
        }
    }

    @Override
    public void devices(DeviceTail tail, List<DeviceSection> sections) {
        if (ram == null) {
            throw new MigrationException("the stream ended without a block list");
        }
        devices = tail;
        deviceBytes = tail.toBytes().length;
    }

    /** RAM must be whole, and what was sent, before anybody loads devices. All channels have ended. */
    void checkComplete() {
        ram.checkComplete(header.capabilities().contains("x-ignore-shared"));
        RamDigest digest = ram.digest();
        if (digest != null) {
            if (!digestCame) {
                throw new MigrationException(
                        "the source announced x-ram-digest, and its digest never came; the source is broken");
            }
            long start = System.nanoTime();
            digest.verify();
            digestReport = new DigestReport(
                    digest.pages(), digest.hashed(), digestGroups, (System.nanoTime() - start) / NANOS_PER_MILLI);
        }
    }

    /** Null unless RAM was compared with a digest, and is as it was sent. */
    DigestReport digest() {
        return digestReport;
    }

    /**
     * The stream ended.
     *
     * @param end offset of its end
     * @param surplus bytes that are behind it already
     */
    void ended(long end, int surplus) {
        this.end = end;
        if (config.handover() && surplus > 0) {
            throw new CorruptStreamException(
                    "main", end, "%d bytes behind the end, expected none before READY was said".formatted(surplus));
        }
    }

    long end() {
        return end;
    }

    DeviceTail devices() {
        return devices;
    }

    /** Null until it came. */
    StreamHeader header() {
        return header;
    }

    /** Any thread. */
    long ramBytes() {
        return ramBytes;
    }

    /** Of device state that came. Any thread. */
    long deviceBytes() {
        return deviceBytes;
    }

    /** Gives the RAM back to its guest; all channels have ended by then. */
    @Override
    public void close() {
        if (decompression != null) {
            decompression.close(); // it writes to the RAM
        }
        if (ram != null) {
            ram.close();
        }
        if (lease != null) {
            lease.close();
        }
    }
}
