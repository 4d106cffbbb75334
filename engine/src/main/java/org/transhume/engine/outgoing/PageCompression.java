package org.transhume.engine.outgoing;

/**
 * Capability {@code compress} of QEMU 2.4 to 9.0: threads that compress single pages for the main channel.
 *
 * @param level of zlib, 0..9
 * @param threads 1..255
 * @param waitForThread whether a page waits while all threads are busy; else it travels as it is
 */
public record PageCompression(int level, int threads, boolean waitForThread) {
    public PageCompression {
        if (level < 0 || level > 9) {
            throw new IllegalArgumentException("compress level=%d: expected 0..9".formatted(level));
        }
        if (threads < 1 || threads > 255) {
            throw new IllegalArgumentException("compress threads=%d: expected 1..255".formatted(threads));
        }
    }
}
