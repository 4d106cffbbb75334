package org.transhume.engine.outgoing;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.transhume.channels.IoVector;
import org.transhume.channels.qemu.DeltaLengths;
import org.transhume.channels.qemu.MultifdMethod;
import org.transhume.channels.qemu.MultifdPacket;
import org.transhume.codec.compression.BatchBuffers;
import org.transhume.codec.compression.Compressor;
import org.transhume.codec.compression.Lz4Compressor;
import org.transhume.codec.compression.ZstdStreamCompressor;
import org.transhume.codec.delta.DeltaCache;
import org.transhume.codec.delta.XbzrleEncoder;
import org.transhume.memory.PageSize;

/**
 * Each batch in the form that {@link FormChoice} finds cheapest. Pages that go through the delta cache and are found there
 * make a packet of deltas; the others follow in one of their own, raw or compressed.
 */
final class AdaptiveBody implements PacketBody {
    /** Fast enough for links at which zstd is worth anything at all. */
    private static final int ZSTD_LEVEL = 1;

    private static final long LENGTHS = (long) PageBatch.CAPACITY * DeltaLengths.BYTES;

    private final FormChoice choice;
    private final PageDeltas deltas;
    /** Null until a page comes that is not zero: many a guest has few, and compressors take milliseconds to make. */
    private Packers packers;

    private final long[] rest = new long[PageBatch.CAPACITY];
    /** Whether the private copy of the page must travel, as the cache remembers just that. */
    private final boolean[] copied = new boolean[PageBatch.CAPACITY];

    private PageBatch batch;
    private int left;
    private int encoded;
    private boolean remembers;
    private FormChoice.Form form;
    private int formPages;
    private long encodeNanos;
    private long formBytes;

    /** @param sent what deltas are made against; null: none are */
    AdaptiveBody(FormChoice choice, SentPages sent) {
        this.choice = choice;
        this.deltas = sent == null ? null : new PageDeltas(sent);
    }

    /** Compressors and the memory they work in. */
    private static final class Packers implements AutoCloseable {
        private final Arena arena = Arena.ofShared();
        final BatchBuffers buffers = CompressedBody.buffers();
        final Compressor lz4 = new Lz4Compressor();
        final Compressor zstd = new ZstdStreamCompressor(ZSTD_LEVEL);
        final BatchBuffers sample = new BatchBuffers(PageSize.BYTES, 2 * PageSize.BYTES);
        /** A stream of its own: the receiver never sees what was only tried. */
        final Compressor sampleZstd = new ZstdStreamCompressor(ZSTD_LEVEL);
        /** Lengths and deltas of a packet. */
        final MemorySegment data =
                arena.allocate(LENGTHS + (PageBatch.CAPACITY - 1L) * PageSize.BYTES + XbzrleEncoder.ROOM, 64);

        Packers() {
            // The first call of a library loads it: no sample shall measure that.
            lz4.compress(sample, PageSize.BYTES);
            sampleZstd.compress(sample, PageSize.BYTES);
        }

        @Override
        public void close() {
            try (arena;
                    buffers;
                    sample;
                    lz4;
                    zstd) {
                sampleZstd.close();
            }
        }
    }

    @Override
    public MultifdMethod method() {
        return MultifdMethod.NONE;
    }

    @Override
    public void begin(PageBatch next) {
        batch = next;
        remembers = deltas != null && next.resent() && choice.remembers(next);
        if (deltas != null) {
            deltas.begin();
        }
    }

    @Override
    public void zero(PageBatch batch, long offset) {
        if (remembers) {
            deltas.zero(batch, offset);
        } else if (deltas != null && batch.resent()) {
            deltas.forget(batch, offset);
        }
    }

    @Override
    public int fill(PageBatch batch, long[] offsets, int count, MultifdPacket packet, IoVector gather) {
        if (packers == null) {
            packers = new Packers();
        }
        left = 0;
        encoded = 0;
        form = null;
        if (deltas == null || !batch.resent()) {
            System.arraycopy(offsets, 0, rest, 0, count);
            Arrays.fill(copied, 0, count, false);
            left = count;
        } else {
            throughCache(offsets, count, packet, gather);
        }
        return encoded > 0 || left == 0 ? encoded : more(packet, gather);
    }

    /** Makes a packet of the deltas of those pages that the cache has, and lists all others. */
    private void throughCache(long[] offsets, int count, MultifdPacket packet, IoVector gather) {
        boolean stale = !remembers && choice.everRemembered();
        long at = LENGTHS;
        int found = 0;
        int missed = 0;
        int overflowed = 0;
        long nanos = 0;
        long start = System.nanoTime();
        for (int i = 0; i < count; i++) {
            long offset = offsets[i];
            if (!remembers) {
                if (!FormChoice.inSample(batch.page(offset))) {
                    if (stale) {
                        deltas.forget(batch, offset);
                    }
                    leave(offset, false);
                    continue;
                }
                start = System.nanoTime(); // so few pages that each is timed
            }
            int length = deltas.encode(
                    batch, offset, packers.buffers.plain(), (long) left * PageSize.BYTES, packers.data, at);
            if (!remembers) {
                nanos += System.nanoTime() - start;
            }
            switch (length) {
                case DeltaCache.MISS -> {
                    missed++;
                    leave(offset, true);
                }
                case DeltaCache.OVERFLOW, PageSize.BYTES -> {
                    overflowed++;
                    leave(offset, true);
                }
                case DeltaCache.UNCHANGED -> found++;
                default -> {
                    found++;
                    deltas.sent(DeltaLengths.BYTES + length);
                    DeltaLengths.set(packers.data, encoded, length);
                    packet.offset(encoded++, offset);
                    at += length;
                }
            }
        }
        if (found + overflowed + missed > 0) {
            long bytes = at - LENGTHS + (long) overflowed * PageSize.BYTES;
            choice.remembered(found + overflowed, bytes, missed, remembers ? System.nanoTime() - start : nanos);
        }
        if (encoded > 0) {
            gather.add(packers.data, 0, (long) encoded * DeltaLengths.BYTES);
            gather.add(packers.data, LENGTHS, at - LENGTHS);
            packet.data(MultifdMethod.DELTA, encoded * DeltaLengths.BYTES + (int) (at - LENGTHS));
        }
    }

    private void leave(long offset, boolean inPlain) {
        copied[left] = inPlain;
        rest[left++] = offset;
    }

    @Override
    public boolean more() {
        return left > 0;
    }

    @Override
    public int more(MultifdPacket packet, IoVector gather) {
        sample();
        formPages = left;
        left = 0;
        encoded = 0;
        form = choice.next(formPages);
        long start = System.nanoTime();
        int plain = formPages * PageSize.BYTES;
        int packed = form == FormChoice.Form.RAW ? plain : pack();
        for (int i = 0; i < formPages; i++) {
            packet.offset(i, rest[i]);
        }
        if (packed < plain || form == FormChoice.Form.ZSTD) { // a stream must not lose a piece
            gather.add(packers.buffers.packed(), 0, packed);
            packet.data(form == FormChoice.Form.LZ4 ? MultifdMethod.LZ4 : MultifdMethod.ZSTD, packed);
            formBytes = packed;
        } else {
            for (int i = 0; i < formPages; i++) {
                if (copied[i]) {
                    gather.add(packers.buffers.plain(), (long) i * PageSize.BYTES, PageSize.BYTES);
                } else {
                    gather.add(batch.ram, rest[i], PageSize.BYTES);
                }
            }
            packet.data(MultifdMethod.NONE, plain);
            formBytes = plain;
        }
        encodeNanos = System.nanoTime() - start;
        return formPages;
    }

    private int pack() {
        for (int i = 0; i < formPages; i++) {
            if (!copied[i]) {
                copied[i] = true;
                MemorySegment.copy(
                        batch.ram, rest[i], packers.buffers.plain(), (long) i * PageSize.BYTES, PageSize.BYTES);
            }
        }
        Compressor compressor = form == FormChoice.Form.LZ4 ? packers.lz4 : packers.zstd;
        return compressor.compress(packers.buffers, formPages * PageSize.BYTES);
    }

    /** Encodes one page of the batch for nothing but the figures, if it is time. */
    private void sample() {
        FormChoice.Form tried = choice.toSample();
        if (tried == null) {
            return;
        }
        long start = System.nanoTime();
        MemorySegment.copy(batch.ram, rest[left / 2], packers.sample.plain(), 0, PageSize.BYTES);
        int bytes = (tried == FormChoice.Form.LZ4 ? packers.lz4 : packers.sampleZstd)
                .compress(packers.sample, PageSize.BYTES);
        choice.sampled(tried, System.nanoTime() - start, bytes);
    }

    @Override
    public int deltas() {
        return encoded;
    }

    @Override
    public void written(long nanos) {
        if (form != null) {
            choice.measured(form, formPages, encodeNanos, formBytes, nanos);
        }
    }

    @Override
    public void close() {
        if (packers != null) {
            packers.close();
        }
    }
}
