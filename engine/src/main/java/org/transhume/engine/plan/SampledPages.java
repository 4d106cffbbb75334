package org.transhume.engine.plan;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;
import org.transhume.codec.ZeroPage;
import org.transhume.codec.compression.BatchBuffers;
import org.transhume.codec.compression.Compressor;
import org.transhume.codec.compression.Lz4Compressor;
import org.transhume.codec.compression.ZstdStreamCompressor;
import org.transhume.engine.forecast.Plan;
import org.transhume.memory.GuestMemory;
import org.transhume.memory.PageSize;
import org.transhume.memory.RamBlock;

/**
 * Pages chosen by chance among those that were ever written, and how they would travel. Pages that were never written are not
 * touched, so that looking does not bring them into being.
 *
 * @param usedPages that were ever written
 * @param zeroShare 0..1 of these, as far as the sample tells
 * @param strategies by name; those that pack are missing if no page with content was found
 */
record SampledPages(long usedPages, double zeroShare, Map<String, Plan.Strategy> strategies) {
    private static final int COUNT = 512;
    /** As one multifd packet carries. */
    private static final int BATCH = 128;
    /** Where a page belongs, on either kind of channel. */
    private static final int ADDRESS_BYTES = 8;

    private static final double NANOS_PER_SECOND = 1e9;

    private record Extent(RamBlock block, long offset, long pages) {}

    /** Needs a lease on {@code memory}. */
    static SampledPages take(GuestMemory memory, RandomGenerator random, int zstdLevel) {
        List<Extent> extents = new ArrayList<>();
        for (RamBlock block : memory.blocks()) {
            block.populatedExtents((offset, length) -> extents.add(new Extent(block, offset, length / PageSize.BYTES)));
        }
        long used = extents.stream().mapToLong(Extent::pages).sum();
        int count = (int) Math.min(COUNT, used);
        Map<String, Plan.Strategy> strategies = new LinkedHashMap<>();
        strategies.put("plain", new Plan.Strategy(PageSize.BYTES + ADDRESS_BYTES, Double.POSITIVE_INFINITY));
        if (count == 0) {
            return new SampledPages(0, 0, strategies);
        }
        byte[] content = new byte[count * PageSize.BYTES];
        int filled = 0;
        for (long page : random.longs(count, 0, used).sorted().toArray()) {
            if (copied(extents, page, content, filled)) {
                filled++;
            }
        }
        if (filled > 0) {
            strategies.put("zstd", packed(() -> new ZstdStreamCompressor(zstdLevel), content, filled));
            strategies.put("x-lz4", packed(Lz4Compressor::new, content, filled));
        }
        return new SampledPages(used, (double) (count - filled) / count, strategies);
    }

    /** @return false for a page of zeroes, which is not copied */
    private static boolean copied(List<Extent> extents, long page, byte[] content, int at) {
        long before = 0;
        for (Extent extent : extents) {
            if (page < before + extent.pages) {
                MemorySegment ram = extent.block.segment();
                long offset = extent.offset + (page - before) * PageSize.BYTES;
                MemorySegment copy = MemorySegment.ofArray(content);
                long to = (long) at * PageSize.BYTES;
                MemorySegment.copy(ram, offset, copy, to, PageSize.BYTES);
                return !ZeroPage.testPlainly(copy, to, PageSize.BYTES); // of the copy: the guest goes on writing
            }
            before += extent.pages;
        }
        throw new IllegalArgumentException("page %d: there are %d".formatted(page, before));
    }

    /** The second of two passes counts: the first one warms up what it can. */
    private static Plan.Strategy packed(Supplier<Compressor> compressors, byte[] content, int pages) {
        Plan.Strategy _ = pass(compressors, content, pages);
        return pass(compressors, content, pages);
    }

    private static Plan.Strategy pass(Supplier<Compressor> compressors, byte[] content, int pages) {
        int batchBytes = BATCH * PageSize.BYTES;
        long bytes = 0;
        long nanos = 0;
        // New for each pass: a stream would find in its window all that it packed in the one before.
        try (Compressor compressor = compressors.get();
                BatchBuffers buffers = new BatchBuffers(batchBytes, BatchBuffers.worstCase(batchBytes))) {
            for (int page = 0; page < pages; page += BATCH) {
                int length = Math.min(BATCH, pages - page) * PageSize.BYTES;
                MemorySegment.copy(
                        MemorySegment.ofArray(content), (long) page * PageSize.BYTES, buffers.plain(), 0, length);
                long from = System.nanoTime();
                bytes += compressor.compress(buffers, length);
                nanos += System.nanoTime() - from;
            }
        }
        return new Plan.Strategy(
                (double) bytes / pages + ADDRESS_BYTES, pages * NANOS_PER_SECOND / (double) Math.max(1, nanos));
    }
}
