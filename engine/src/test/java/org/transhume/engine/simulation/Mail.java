package org.transhume.engine.simulation;

import java.util.ArrayDeque;
import java.util.Deque;

/** What the simulated destination said and its reader has not read. */
final class Mail {
    private static final byte[] END = {};
    private static final int PATIENCE_MILLIS = 10_000;

    private final Deque<byte[]> letters = new ArrayDeque<>();
    private boolean readerWaits;
    private boolean ended;

    synchronized void put(byte[] letter) {
        letters.add(letter);
        notifyAll();
    }

    /** As put, and returns when the reader has done with it, or will read no more. */
    synchronized void deliver(byte[] letter) {
        put(letter);
        long deadline = System.currentTimeMillis() + PATIENCE_MILLIS;
        while (!ended && !(readerWaits && letters.isEmpty())) {
            if (System.currentTimeMillis() > deadline) {
                throw new AssertionError("nobody reads what the simulated destination says");
            }
            pause();
        }
    }

    /** There will be no more. */
    synchronized void end() {
        ended = true;
        notifyAll();
    }

    /** Waits for the next one; empty at the end. */
    synchronized byte[] take() {
        readerWaits = true;
        notifyAll();
        while (letters.isEmpty() && !ended) {
            pause();
        }
        readerWaits = false;
        return letters.isEmpty() ? END : letters.remove();
    }

    @SuppressWarnings("WaitNotInLoop") // the loops are the callers'
    private void pause() {
        try {
            wait(PATIENCE_MILLIS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError("interrupted", e);
        }
    }
}
