package org.transhume.engine;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Waiting for threads that use memory which is about to be unmapped: leaving early is no choice. And what Linux calls them. */
public final class Threads {
    private static final Path SELF = Path.of("/proc/thread-self"); // a link to PID/task/TID

    private Threads() {}

    /** The calling thread, as {@code gettid} gives it, and {@code /proc/PID/task} lists it. */
    public static long id() {
        try {
            return Long.parseLong(Files.readSymbolicLink(SELF).getFileName().toString());
        } catch (IOException e) {
            throw new UncheckedIOException("no /proc, which names threads", e);
        }
    }

    /** Waits until {@code thread} has ended, whatever happens; an interrupt is kept for later. */
    public static void join(Thread thread) {
        boolean interrupted = false;
        while (true) {
            try {
                thread.join();
                break;
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /**
     * As {@link #join(Thread)}, for a while.
     *
     * @return whether it has ended
     */
    public static boolean join(Thread thread, long millis) {
        boolean interrupted = Thread.interrupted();
        try {
            thread.join(millis);
        } catch (InterruptedException e) {
            interrupted = true;
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        return !thread.isAlive();
    }
}
