package org.transhume.control.qmp;

import java.time.Duration;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Executor;

/**
 * Runs what is in band on a thread of its own, so that the reader is free for what is out of band. The reader waits once
 * eight are queued.
 */
final class InBandQueue implements Executor, AutoCloseable {
    private static final int MOST = 8;
    private static final Duration LAST_ANSWER = Duration.ofSeconds(1);

    private final BlockingQueue<Runnable> queue = new ArrayBlockingQueue<>(MOST);
    private final Thread thread;
    private volatile boolean closed;

    InBandQueue(String name) {
        thread = Thread.ofPlatform().daemon().name(name).unstarted(this::work);
    }

    void start() {
        thread.start();
    }

    @Override
    public void execute(Runnable request) {
        try {
            queue.put(request);
        } catch (InterruptedException closing) {
            Thread.currentThread().interrupt();
        }
    }

    private void work() {
        try {
            while (!closed) {
                queue.take().run();
            }
        } catch (InterruptedException closing) {
            // what is queued belonged to a client that has gone
        }
    }

    /** Drops what is queued; a command already running has a moment to answer, as {@code quit} does. */
    @Override
    public void close() {
        closed = true;
        queue.clear();
        execute(() -> {}); // in case it waits
        try {
            if (!thread.join(LAST_ANSWER)) {
                thread.interrupt();
            }
        } catch (InterruptedException stop) {
            thread.interrupt();
            Thread.currentThread().interrupt();
        }
    }
}
