package org.transhume.engine.incoming;

import java.lang.foreign.MemorySegment;
import java.util.EnumMap;
import java.util.Map;
import org.transhume.channels.qemu.DeltaLengths;
import org.transhume.channels.qemu.MultifdMethod;
import org.transhume.channels.qemu.MultifdPacket;
import org.transhume.codec.CorruptDataException;
import org.transhume.codec.compression.BatchBuffers;
import org.transhume.codec.compression.Decompressor;
import org.transhume.codec.compression.Lz4Decompressor;
import org.transhume.codec.compression.ZlibStreamDecompressor;
import org.transhume.codec.compression.ZstdStreamDecompressor;
import org.transhume.codec.delta.XbzrleDecoder;
import org.transhume.memory.PageSize;

/**
 * Unpacks the data of one channel's packets. Buffers and decompressors come into being with the first packet that needs them,
 * so that a channel holds no more than its form needs. One thread.
 */
final class PackedPages implements AutoCloseable {
    private final Map<MultifdMethod, Decompressor> decompressors = new EnumMap<>(MultifdMethod.class);
    private BatchBuffers buffers;

    /** Where the data of a packet is received into. */
    MemorySegment data() {
        if (buffers == null) {
            buffers = new BatchBuffers(MultifdPacket.CAPACITY * PageSize.BYTES, MultifdPacket.MAX_BODY);
        }
        return buffers.packed();
    }

    /**
     * Puts the pages in {@link #data} into their places.
     *
     * @param length bytes of data
     * @param offsets of the pages in {@code ram}, checked
     * @param count of pages
     * @return those of them that came as deltas
     * @throws CorruptDataException if the data is not that many pages; deltas in front of the broken one are applied, of any
     *     other form nothing is
     */
    int apply(MultifdMethod method, int length, MemorySegment ram, long[] offsets, int count) {
        if (method == MultifdMethod.DELTA) {
            return applyDeltas(length, ram, offsets, count);
        }
        decompressor(method).decompress(buffers, length, count * PageSize.BYTES);
        for (int i = 0; i < count; i++) {
            MemorySegment.copy(buffers.plain(), (long) i * PageSize.BYTES, ram, offsets[i], PageSize.BYTES);
        }
        return 0;
    }

    /**
     * The pages in {@link #data} in full, one behind the other, until the next call. No deltas.
     *
     * @param length bytes of data
     * @param count of pages
     * @throws CorruptDataException if the data is not that many pages
     */
    MemorySegment inFull(MultifdMethod method, int length, int count) {
        if (method == MultifdMethod.NONE) {
            return data();
        }
        decompressor(method).decompress(buffers, length, count * PageSize.BYTES);
        return buffers.plain();
    }

    private Decompressor decompressor(MultifdMethod method) {
        Decompressor known = decompressors.get(method);
        if (known == null) {
            known = switch (method) {
                case ZLIB -> new ZlibStreamDecompressor();
                case ZSTD -> new ZstdStreamDecompressor();
                case LZ4 -> new Lz4Decompressor();
                case NONE, DELTA -> throw new IllegalArgumentException("nothing to decompress: " + method);
            };
            decompressors.put(method, known);
        }
        return known;
    }

    private int applyDeltas(int length, MemorySegment ram, long[] offsets, int count) {
        MemorySegment data = data();
        int at = count * DeltaLengths.BYTES;
        int deltas = 0;
        for (int i = 0; i < count; i++) {
            int bytes = DeltaLengths.get(data, i);
            if (bytes < 1 || bytes > PageSize.BYTES || bytes > length - at) {
                throw new CorruptDataException(
                        "length %d of delta %d, expected 1..4096 within the %d bytes that are left"
                                .formatted(bytes, i, length - at));
            }
            if (bytes == PageSize.BYTES) {
                MemorySegment.copy(data, at, ram, offsets[i], bytes);
            } else {
                XbzrleDecoder.decode(data, at, bytes, ram, offsets[i]);
                deltas++;
            }
            at += bytes;
        }
        if (at != length) {
            throw new CorruptDataException("%d bytes behind the last delta, expected none".formatted(length - at));
        }
        return deltas;
    }

    @Override
    public void close() {
        decompressors.values().forEach(Decompressor::close);
        decompressors.clear();
        if (buffers != null) {
            buffers.close();
            buffers = null;
        }
    }
}
