package org.transhume.engine.outgoing;

import java.util.ArrayList;
import java.util.List;
import org.transhume.channels.Connection;
import org.transhume.channels.qemu.BlockEntry;
import org.transhume.channels.qemu.MainStreamWriter;
import org.transhume.channels.qemu.MultifdMethod;
import org.transhume.codec.compression.Lz4Compressor;
import org.transhume.codec.compression.ZlibStreamCompressor;
import org.transhume.codec.compression.ZstdStreamCompressor;
import org.transhume.engine.Crew;
import org.transhume.engine.Extensions;
import org.transhume.engine.PageCounters;
import org.transhume.engine.counters.Counter;
import org.transhume.engine.counters.CounterValues;
import org.transhume.engine.digest.PageRecorder;
import org.transhume.memory.GuestMemory;

/**
 * The forms in which the pages of one migration travel: makes the part of each lane that has to do with them, holds what the
 * lanes share for it, and says how it went. Closed when the lanes have ended.
 */
final class PageForms implements AutoCloseable {
    private final OutgoingConfig config;
    private final PageCounters pages;
    private final Crew crew;
    private final DeltaCounters deltas = new DeltaCounters();
    private final PageCompressionCounters compressed = new PageCompressionCounters();
    private final CodecRates rates;
    /** Null without deltas. */
    private final SentPages sent;
    /** For {@link Compression.Adaptive} alone. */
    private final FormChoice choice;

    private final SentDigest digest;

    private volatile boolean waitForCompressThread;
    private volatile PageCompressionLane compressionLane;

    /**
     * @param memory of the guest
     * @param crew does what lanes leave to others
     * @throws org.transhume.engine.MigrationException if there is no memory for the delta cache
     */
    PageForms(OutgoingConfig config, GuestMemory memory, PageCounters pages, RateLimit rate, Crew crew) {
        this.config = config;
        this.pages = pages;
        this.crew = crew;
        this.rates = new CodecRates(deltas, compressed, config.clock().nanos());
        this.sent = config.deltaCache() == 0 ? null : new SentPages(config.deltaCache(), deltas);
        this.choice = new FormChoice(Math.max(1, config.channels()), rate::bytesPerSecond);
        this.waitForCompressThread =
                config.pageCompression() != null && config.pageCompression().waitForThread();
        try {
            this.digest = new SentDigest(config.ramDigest(), memory, config.clock());
        } catch (Throwable t) {
            if (sent != null) {
                sent.close();
            }
            throw t;
        }
    }

    /** The lane of a migration without page channels. */
    Lane mainLane(MainStreamWriter out) {
        PageRecorder recorder = digest.recorder();
        MainLane plain = new MainLane(out, pages, sent, recorder, config.holeRuns());
        if (config.pageCompression() == null) {
            return plain;
        }
        PageCompressionLane lane = new PageCompressionLane(
                out, pages, compressed, plain, recorder, sent != null, config.pageCompression(), crew);
        compressionLane = lane;
        lane.waitForThread(waitForCompressThread); // it may have changed since the config was made
        return lane;
    }

    /** The lane of one page channel. */
    MultifdLane multifdLane(Connection channel, int index, List<BlockEntry> blocks) {
        PageRecorder recorder = digest.recorder();
        return new MultifdLane(channel, index, blocks, pages, body(recorder), recorder, config.clock());
    }

    /** What one multifd lane makes of its pages. */
    private PacketBody body(PageRecorder recorder) {
        PacketBody first = switch (config.compression()) {
            case Compression.None() -> new RawBody(recorder);
            case Compression.Zlib(int level) ->
                new CompressedBody(MultifdMethod.ZLIB, new ZlibStreamCompressor(level), false, recorder);
            case Compression.Zstd(int level) ->
                new CompressedBody(MultifdMethod.ZSTD, new ZstdStreamCompressor(level), false, recorder);
            case Compression.Lz4() -> new CompressedBody(MultifdMethod.LZ4, new Lz4Compressor(), true, recorder);
            case Compression.Adaptive() -> new AdaptiveBody(choice, sent, config.clock(), recorder);
        };
        return sent == null || adaptive() ? first : new DeltaBody(sent, first, recorder);
    }

    private boolean adaptive() {
        return config.compression() instanceof Compression.Adaptive;
    }

    /** Whether a multifd lane does more than hand pages to the kernel. */
    boolean compute() {
        return sent != null || !(config.compression() instanceof Compression.None);
    }

    /** Names of the extensions that these forms need. */
    List<String> extensions() {
        List<String> names = new ArrayList<>();
        switch (config.compression()) {
            case Compression.Adaptive() -> names.add(Extensions.ADAPTIVE);
            case Compression.Lz4() -> names.add(Extensions.LZ4);
            case Compression.None(), Compression.Zlib _, Compression.Zstd _ -> {
                // QEMU has these, and does not say so on the main channel.
            }
        }
        if (sent != null && config.channels() > 0 && !adaptive()) {
            names.add(Extensions.MULTIFD_XBZRLE);
        }
        if (digest.on()) {
            names.add(Extensions.RAM_DIGEST);
        }
        return names;
    }

    /** What was sent, for the destination to compare. */
    SentDigest digest() {
        return digest;
    }

    /** What deltas are made against; null without. */
    SentPages sent() {
        return sent;
    }

    /** As {@link OutgoingMigration#deltaCache}. */
    void deltaCache(long bytes) {
        if (sent != null) {
            sent.resize(bytes);
        }
    }

    /** As {@link OutgoingMigration#waitForCompressThread}. */
    void waitForCompressThread(boolean value) {
        waitForCompressThread = value;
        PageCompressionLane lane = compressionLane;
        if (lane != null) {
            lane.waitForThread(value);
        }
    }

    /** Every lane has ended its epoch. */
    void epochEnded() {
        if (sent != null) {
            sent.freeRetired();
        }
    }

    /** @param processedPages pages dealt with so far, in whatever form */
    void update(long now, long processedPages) {
        rates.update(now, processedPages);
    }

    /** Pages dealt with that the page counters do not have. */
    long processedPages() {
        return deltas.pages.sum() - deltas.overflows.sum() + compressed.pages.sum(); // overflows travelled in full
    }

    /** Null without deltas. */
    DeltaProgress delta() {
        return sent == null ? null : rates.delta(sent.bytes());
    }

    /** Null without page compression. */
    PageCompressionProgress pageCompression() {
        return config.pageCompression() == null ? null : rates.pageCompression();
    }

    /** Null unless forms were chosen on the way. */
    OutgoingReport.Adaptive chosen() {
        return adaptive() ? choice.report() : null;
    }

    /** Says what the table has of the forms: zeroes for those that are off. */
    void count(CounterValues.Builder values) {
        OutgoingReport.Adaptive chosen = choice.report();
        values.with(Counter.DELTA_CACHE_BYTES, sent == null ? 0 : sent.bytes())
                .with(Counter.DELTA_BYTES, deltas.bytes.sum())
                .with(Counter.DELTA_HITS, deltas.pages.sum())
                .with(Counter.DELTA_MISSES, deltas.misses.sum())
                .with(Counter.DELTA_OVERFLOWS, deltas.overflows.sum())
                .with(Counter.UNCHANGED_PAGES, deltas.unchanged.sum())
                .with(Counter.COMPRESSED_PAGES, compressed.pages.sum())
                .with(Counter.COMPRESSED_BYTES, compressed.compressedBytes.sum())
                .with(Counter.COMPRESS_BUSY, compressed.busy.sum())
                .with(Counter.ADAPTIVE_RAW_PAGES, chosen.rawPages())
                .with(Counter.ADAPTIVE_LZ4_PAGES, chosen.lz4Pages())
                .with(Counter.ADAPTIVE_ZSTD_PAGES, chosen.zstdPages())
                .with(Counter.ADAPTIVE_TRIED_PAGES, chosen.triedPages());
    }

    @Override
    public void close() {
        try (digest) {
            if (sent != null) {
                sent.close();
            }
        }
    }
}
