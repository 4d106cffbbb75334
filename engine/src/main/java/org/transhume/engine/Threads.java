package org.transhume.engine;

/** Waiting for threads that use memory which is about to be unmapped: leaving early is no choice. */
public final class Threads {
    private Threads() {}

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
}
