package org.transhume.engine.outgoing;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import org.transhume.channels.qemu.MainStreamWriter;
import org.transhume.codec.compression.BatchBuffers;
import org.transhume.codec.compression.ZlibPageCompressor;
import org.transhume.engine.Crew;
import org.transhume.engine.PageCounters;
import org.transhume.engine.Threads;
import org.transhume.engine.digest.PageRecorder;
import org.transhume.memory.PageSize;

/**
 * Sends pages of the main stream compressed one by one, in threads of its own; records are written by the migration's thread
 * alone (spec: stream.md §4, control.md capability {@code compress}). Where deltas are on, they take over after the first
 * round. As many pages are under way as there are threads.
 */
final class PageCompressionLane implements Lane {
    private final MainStreamWriter out;
    private final PageCounters pages;
    private final PageCompressionCounters counters;
    private final MainLane plain;
    private final PageRecorder recorder;
    private final boolean deltas;
    private final List<Job> jobs = new ArrayList<>();
    private final List<Thread> threads = new ArrayList<>();
    private final BlockingQueue<Job> waiting;
    private final BlockingQueue<Job> done;
    private final List<Job> free = new ArrayList<>();
    private volatile boolean waitForThread;

    /**
     * @param plain sends what is not compressed; owned from here on
     * @param recorder that of {@code plain}
     * @param deltas whether {@code plain} makes deltas
     * @param crew compresses
     */
    PageCompressionLane(
            MainStreamWriter out,
            PageCounters pages,
            PageCompressionCounters counters,
            MainLane plain,
            PageRecorder recorder,
            boolean deltas,
            PageCompression config,
            Crew crew) {
        this.out = out;
        this.pages = pages;
        this.counters = counters;
        this.plain = plain;
        this.recorder = recorder;
        this.deltas = deltas;
        this.waitForThread = config.waitForThread();
        this.waiting = new ArrayBlockingQueue<>(config.threads());
        this.done = new ArrayBlockingQueue<>(config.threads());
        for (int i = 0; i < config.threads(); i++) {
            Job job = new Job(config.level());
            jobs.add(job);
            free.add(job);
            threads.add(crew.start("compress " + i, this::work));
        }
    }

    /** Any thread; from the next page on. */
    void waitForThread(boolean value) {
        waitForThread = value;
    }

    private void work() {
        try {
            while (true) {
                Job job = waiting.take();
                job.compress();
                done.add(job);
            }
        } catch (InterruptedException e) {
            // The lane is closed.
        }
    }

    @Override
    public void send(PageBatch batch) throws IOException {
        if (deltas && batch.resent()) {
            finish();
            plain.send(batch);
            return;
        }
        int zero = 0;
        int normal = 0;
        for (int i = 0; i < batch.count; i++) {
            long offset = batch.offsets[i];
            if (batch.isZero(offset)) {
                out.zeroPage(batch.block, offset);
                if (!batch.knownZero) { // then it never was anything else
                    recorder.zero(batch.block, offset);
                }
                zero++;
            } else if (idle()) {
                Job job = free.removeLast();
                job.take(batch, offset);
                recorder.copy(batch.block, offset, job.buffers.plain(), 0);
                waiting.add(job);
            } else {
                recorder.inPlace(batch.block, offset);
                out.page(batch.block, offset, batch.ram);
                normal++;
            }
        }
        batch.content = batch.count - zero;
        recorder.flush();
        pages.normal.add(normal);
        (batch.knownZero ? pages.hole : pages.zero).add(zero);
    }

    /** Whether a thread can take a page, after waiting for one if that is wanted. */
    private boolean idle() throws IOException {
        for (Job job = done.poll(); job != null; job = done.poll()) {
            write(job);
        }
        if (free.isEmpty()) {
            counters.busy.increment();
            if (!waitForThread) {
                return false;
            }
            write(next());
        }
        return true;
    }

    /** Writes everything that is under way. */
    private void finish() throws IOException {
        while (free.size() < jobs.size()) {
            write(next());
        }
    }

    private Job next() throws IOException {
        try {
            return done.take();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        }
    }

    private void write(Job job) throws IOException {
        free.add(job);
        job.throwFailure();
        out.compressedPage(job.block, job.offset, job.buffers.packed(), 0, job.packed);
        counters.pages.increment();
        counters.compressedBytes.add(job.packed);
    }

    @Override
    public void sync(PageBatch order) throws IOException {
        finish();
    }

    @Override
    public long bytes() {
        return out.offset();
    }

    @Override
    public long unsent() {
        return out.unsent();
    }

    @Override
    public void close() {
        try (plain) {
            for (Thread thread : threads) {
                thread.interrupt();
            }
            for (Thread thread : threads) {
                Threads.join(thread);
            }
            jobs.forEach(Job::close);
        }
    }

    /** One page on its way through a thread: handed over by a queue each way. */
    private static final class Job implements AutoCloseable {
        final BatchBuffers buffers = new BatchBuffers(PageSize.BYTES, ZlibPageCompressor.MAX_PACKED);
        private final ZlibPageCompressor compressor;
        int block;
        long offset;
        int packed;
        private Throwable failure;

        Job(int level) {
            compressor = new ZlibPageCompressor(level);
        }

        void take(PageBatch batch, long at) {
            block = batch.block;
            offset = at;
            MemorySegment.copy(batch.ram, at, buffers.plain(), 0, PageSize.BYTES);
        }

        void compress() {
            try {
                packed = compressor.compress(buffers, PageSize.BYTES);
            } catch (Throwable t) {
                failure = t;
            }
        }

        void throwFailure() throws IOException {
            if (failure != null) {
                throw new IOException("compressing a page failed: " + failure.getMessage(), failure);
            }
        }

        @Override
        public void close() {
            try (buffers) {
                compressor.close();
            }
        }
    }
}
