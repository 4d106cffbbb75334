package org.transhume.engine.incoming;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicReference;
import org.transhume.channels.qemu.CorruptStreamException;
import org.transhume.channels.qemu.StreamReader;
import org.transhume.codec.CorruptDataException;
import org.transhume.codec.compression.BatchBuffers;
import org.transhume.codec.compression.ZlibPageCompressor;
import org.transhume.codec.compression.ZlibPageDecompressor;
import org.transhume.engine.Threads;
import org.transhume.engine.digest.PageRecorder;
import org.transhume.memory.PageSize;

/**
 * Threads that unpack pages which came compressed one by one on the main channel (spec: stream.md §4). A page belongs to the
 * same thread each time it comes, so that its versions are applied in the order of the stream. Used by the main channel's
 * thread.
 */
final class PageDecompression implements AutoCloseable {
    private final LoadedRam ram;
    private final List<Worker> workers = new ArrayList<>();
    private final AtomicReference<CorruptStreamException> failure = new AtomicReference<>();

    /**
     * @param threads 1 and up
     * @param ram where pages go
     * @param name of the migration, which the threads bear
     */
    PageDecompression(int threads, LoadedRam ram, String name) {
        this.ram = ram;
        for (int i = 0; i < threads; i++) {
            workers.add(new Worker(i, name));
        }
    }

    /**
     * Takes the next {@code length} bytes of {@code in} and has them unpacked to {@code at} of the block.
     *
     * @param at page aligned, checked
     * @throws CorruptStreamException if an earlier page was broken
     */
    void unpack(int block, long at, int length, StreamReader in) throws IOException {
        throwFailure();
        workers.get((int) (at / PageSize.BYTES % workers.size())).add(block, at, length, in);
    }

    /** Waits until everything handed over is in its place. */
    void drain() {
        for (Worker worker : workers) {
            worker.drain();
        }
        throwFailure();
    }

    private void throwFailure() {
        CorruptStreamException e = failure.get();
        if (e != null) {
            throw e;
        }
    }

    /** Ends the threads; what they were handed is done first. */
    @Override
    public void close() {
        for (Worker worker : workers) {
            worker.close();
        }
    }

    /** One thread and the few pages on their way to it, in order. */
    private final class Worker implements AutoCloseable {
        private static final int DEPTH = 4;

        // Release of the one semaphore publishes a slot to the thread, release of the other gives it back.
        private final Semaphore filled = new Semaphore(0);
        private final Semaphore empty = new Semaphore(DEPTH);
        private final Page[] pages = new Page[DEPTH];
        private final ZlibPageDecompressor decompressor = new ZlibPageDecompressor();
        private final PageRecorder recorder = ram.recorder();
        private final Thread thread;
        private int next;
        private boolean closing;

        Worker(int index, String name) {
            for (int i = 0; i < DEPTH; i++) {
                pages[i] = new Page();
            }
            thread = Thread.ofPlatform()
                    .daemon()
                    .name("%s decompress %d".formatted(name, index))
                    .start(this::work);
        }

        void add(int block, long at, int length, StreamReader in) throws IOException {
            empty.acquireUninterruptibly();
            Page page = pages[next];
            try {
                page.streamOffset = in.offset();
                page.channel = in.channel();
                in.into(page.buffers.packed(), 0, length);
            } catch (Throwable t) {
                empty.release();
                throw t;
            }
            page.length = length;
            page.block = block;
            page.at = at;
            next = (next + 1) % DEPTH;
            filled.release();
        }

        void drain() {
            empty.acquireUninterruptibly(DEPTH);
            empty.release(DEPTH);
        }

        private void work() {
            for (int i = 0; ; i = (i + 1) % DEPTH) {
                filled.acquireUninterruptibly();
                if (closing) {
                    return;
                }
                unpack(pages[i]);
                empty.release();
            }
        }

        private void unpack(Page page) {
            try {
                decompressor.decompress(page.buffers, page.length, PageSize.BYTES);
                MemorySegment.copy(page.buffers.plain(), 0, ram.segment(page.block), page.at, PageSize.BYTES);
                recorder.inPlace(page.block, page.at);
                recorder.flush();
            } catch (CorruptDataException e) {
                failure.compareAndSet(
                        null,
                        new CorruptStreamException(
                                page.channel, page.streamOffset, "compressed page: " + e.getMessage()));
            } catch (Throwable t) {
                failure.compareAndSet(
                        null,
                        new CorruptStreamException(page.channel, page.streamOffset, "unpacking a page failed: " + t));
            }
        }

        @Override
        public void close() {
            drain();
            closing = true;
            filled.release();
            Threads.join(thread);
            decompressor.close();
            for (Page page : pages) {
                page.buffers.close();
            }
        }
    }

    private static final class Page {
        final BatchBuffers buffers = new BatchBuffers(PageSize.BYTES, ZlibPageCompressor.MAX_PACKED);
        String channel;
        long streamOffset;
        int length;
        int block;
        long at;
    }
}
