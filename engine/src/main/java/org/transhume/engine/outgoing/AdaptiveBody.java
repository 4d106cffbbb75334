package org.transhume.engine.outgoing;

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
import org.transhume.engine.Clock;
import org.transhume.engine.digest.PageRecorder;
import org.transhume.memory.PageSize;

/**
 * Each batch in the form that {@link FormChoice} finds cheapest. Pages that go through the delta cache and are found there
 * make a packet of deltas; the others follow in one of their own, raw or compressed.
 */
final class AdaptiveBody implements PacketBody {
    /** Fast enough for links at which zstd is worth anything at all. */
    private static final int ZSTD_LEVEL = 1;

    private final FormChoice choice;
    private final Clock clock;
    private final PageDeltas deltas;
    private final PageRecorder recorder;
    // Null until they are needed: many a migration needs neither, and compressors take milliseconds to make.
    private Packer packer;
    private Sampler sampler;

    private final long[] rest = new long[PageBatch.CAPACITY];
    /** Whether the private copy of the page must travel, as the cache remembers just that. */
    private final boolean[] copied = new boolean[PageBatch.CAPACITY];

    private PageBatch batch;
    private int left;
    private int encoded;
    private boolean encodes;
    private boolean remembers;
    private FormChoice.Form form;
    private FormChoice.Form as;
    private int formPages;
    private long encodeNanos;
    private long formBytes;

    /** @param sent what deltas are made against; null: none are */
    AdaptiveBody(FormChoice choice, SentPages sent, Clock clock, PageRecorder recorder) {
        this.recorder = recorder;
        this.choice = choice;
        this.clock = clock;
        this.deltas = sent == null ? null : new PageDeltas(sent);
    }

    /** Compressors of what travels, and the memory they and the deltas work in. */
    private static final class Packer implements AutoCloseable {
        final BatchBuffers buffers = CompressedBody.buffers();
        final Compressor lz4 = new Lz4Compressor();
        final Compressor zstd = new ZstdStreamCompressor(ZSTD_LEVEL);
        final DeltaPacket deltas = new DeltaPacket();

        @Override
        public void close() {
            try (buffers;
                    lz4;
                    zstd) {
                deltas.close();
            }
        }
    }

    /** Compresses single pages for nothing but the figures: the receiver never sees them, so streams are its own. */
    private static final class Sampler implements AutoCloseable {
        final BatchBuffers buffers = new BatchBuffers(PageSize.BYTES, 2 * PageSize.BYTES);
        private final Compressor lz4 = new Lz4Compressor();
        private final Compressor zstd = new ZstdStreamCompressor(ZSTD_LEVEL);

        Sampler() {
            // The first call of a library loads it: no sample shall measure that.
            compress(FormChoice.Form.LZ4);
            compress(FormChoice.Form.ZSTD);
        }

        int compress(FormChoice.Form form) {
            return (form == FormChoice.Form.LZ4 ? lz4 : zstd).compress(buffers, PageSize.BYTES);
        }

        @Override
        public void close() {
            try (buffers;
                    lz4) {
                zstd.close();
            }
        }
    }

    private Packer packer() {
        if (packer == null) {
            packer = new Packer();
        }
        return packer;
    }

    @Override
    public MultifdMethod method() {
        return MultifdMethod.NONE;
    }

    @Override
    public void begin(PageBatch next) {
        batch = next;
        encodes = deltas != null && deltas.begin(next);
        remembers = encodes && choice.remembers(next);
    }

    @Override
    public void zero(PageBatch batch, long offset) {
        if (remembers) {
            deltas.zero(batch, offset);
        } else if (encodes) {
            deltas.forget(batch, offset);
        }
    }

    @Override
    public int fill(PageBatch batch, long[] offsets, int count, MultifdPacket packet, IoVector gather) {
        left = 0;
        encoded = 0;
        form = null;
        if (!encodes) {
            System.arraycopy(offsets, 0, rest, 0, count);
            Arrays.fill(copied, 0, count, false);
            left = count;
        } else if (remembers) {
            throughCache(offsets, count, packet, gather);
        } else {
            pastCache(offsets, count);
        }
        return encoded > 0 || left == 0 ? encoded : more(packet, gather);
    }

    /** Makes a packet of the deltas of those pages that the cache has, and lists all others. */
    private void throughCache(long[] offsets, int count, MultifdPacket packet, IoVector gather) {
        Packer to = packer();
        DeltaPacket made = to.deltas;
        made.begin();
        long start = clock.nanos();
        int missed = 0;
        int overflowed = 0;
        for (int i = 0; i < count; i++) {
            long offset = offsets[i];
            int length = deltas.encode(
                    batch, offset, to.buffers.plain(), (long) left * PageSize.BYTES, made.data(), made.next());
            switch (length) {
                case DeltaCache.MISS -> {
                    missed++;
                    leave(offset, true);
                }
                case DeltaCache.OVERFLOW, PageSize.BYTES -> {
                    if (length == PageSize.BYTES) {
                        deltas.noGain();
                    }
                    overflowed++;
                    leave(offset, true);
                }
                case DeltaCache.UNCHANGED -> {
                    // The destination has it.
                }
                default -> {
                    recorder.copy(batch.block, offset, to.buffers.plain(), (long) left * PageSize.BYTES);
                    deltas.sent(DeltaLengths.BYTES + length);
                    made.add(packet, offset, length);
                }
            }
        }
        encoded = made.count();
        long bytes = made.bytes() + (long) overflowed * PageSize.BYTES;
        choice.remembered(count - missed, bytes, missed, clock.nanos() - start);
        if (encoded > 0) {
            made.gather(packet, gather);
        }
    }

    /** All pages travel in full; the few in the sample show what the cache would make of them. */
    private void pastCache(long[] offsets, int count) {
        boolean stale = choice.everRemembered();
        for (int i = 0; i < count; i++) {
            long offset = offsets[i];
            boolean sampled = FormChoice.inSample(batch.page(offset));
            if (sampled) {
                look(offset);
            } else if (stale) {
                deltas.forget(batch, offset);
            }
            leave(offset, sampled);
        }
    }

    private void look(long offset) {
        Packer to = packer();
        DeltaPacket unsent = to.deltas;
        unsent.begin();
        long start = clock.nanos();
        int length = deltas.look(
                batch, offset, to.buffers.plain(), (long) left * PageSize.BYTES, unsent.data(), unsent.next());
        long nanos = clock.nanos() - start;
        boolean found = length != DeltaCache.MISS;
        int bytes = length == DeltaCache.OVERFLOW ? PageSize.BYTES : length;
        choice.remembered(found ? 1 : 0, found ? bytes : 0, found ? 0 : 1, nanos);
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
        long start = clock.nanos();
        int plain = formPages * PageSize.BYTES;
        int packed = form == FormChoice.Form.RAW ? plain : pack();
        for (int i = 0; i < formPages; i++) {
            packet.offset(i, rest[i]);
            if (copied[i]) {
                recorder.copy(batch.block, rest[i], packer.buffers.plain(), (long) i * PageSize.BYTES);
            } else {
                recorder.inPlace(batch.block, rest[i]);
            }
        }
        if (packed < plain || form == FormChoice.Form.ZSTD) { // a stream must not lose a piece
            gather.add(packer.buffers.packed(), 0, packed);
            packet.data(form == FormChoice.Form.LZ4 ? MultifdMethod.LZ4 : MultifdMethod.ZSTD, packed);
            as = form;
            formBytes = packed;
        } else {
            for (int i = 0; i < formPages; i++) {
                if (copied[i]) {
                    gather.add(packer.buffers.plain(), (long) i * PageSize.BYTES, PageSize.BYTES);
                } else {
                    gather.add(batch.ram, rest[i], PageSize.BYTES);
                }
            }
            packet.data(MultifdMethod.NONE, plain);
            as = FormChoice.Form.RAW;
            formBytes = plain;
        }
        encodeNanos = clock.nanos() - start;
        return formPages;
    }

    private int pack() {
        Packer to = packer();
        for (int i = 0; i < formPages; i++) {
            if (!copied[i]) {
                copied[i] = true;
                MemorySegment.copy(batch.ram, rest[i], to.buffers.plain(), (long) i * PageSize.BYTES, PageSize.BYTES);
            }
        }
        Compressor compressor = form == FormChoice.Form.LZ4 ? to.lz4 : to.zstd;
        return compressor.compress(to.buffers, formPages * PageSize.BYTES);
    }

    /** Encodes one page of the batch for nothing but the figures, if it is time. */
    private void sample() {
        FormChoice.Form tried = choice.toSample();
        if (tried == null) {
            return;
        }
        if (sampler == null) {
            sampler = new Sampler();
        }
        long start = clock.nanos();
        MemorySegment.copy(batch.ram, rest[left / 2], sampler.buffers.plain(), 0, PageSize.BYTES);
        int bytes = sampler.compress(tried);
        choice.sampled(tried, clock.nanos() - start, bytes);
    }

    @Override
    public int deltas() {
        return encoded;
    }

    @Override
    public void written(long nanos) {
        if (form != null) {
            choice.measured(form, as, formPages, encodeNanos, formBytes, nanos);
        }
    }

    @Override
    public void close() {
        if (packer != null) {
            packer.close();
        }
        if (sampler != null) {
            sampler.close();
        }
    }
}
