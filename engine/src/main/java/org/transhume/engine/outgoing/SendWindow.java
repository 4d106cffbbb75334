package org.transhume.engine.outgoing;

import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.transhume.engine.Clock;

/**
 * Keeps what is under way to a postcopy's destination short: a page that somebody waits for may be in it, or behind it. The
 * destination answers a question behind every piece once it has put its pages in place, so what the receiver's buffers hold
 * counts, too. No more is under way than twice what fills the path, as the answers tell, and never less than a floor.
 * The migration's thread sends and waits, the return path's brings answers.
 */
final class SendWindow {
    /** Half a millisecond at a gibibyte a second. */
    private static final long FLOOR = 512 << 10;

    private static final int PIECES = 4; // of a window: while one is on its way there is something to do
    private static final int KEPT = 64;
    private static final double SLACK = 2;
    private static final long LONGEST_NANOS = 50_000_000;

    private final Clock clock;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition answered = lock.newCondition();
    private final long[] sentThen = new long[KEPT];
    private final long[] confirmedThen = new long[KEPT];
    private final long[] askedAt = new long[KEPT];
    private int lastAsked = -1;
    private long asked; // bytes in front of the last question
    private long confirmed; // bytes in front of the last answer
    private double shortest = Double.MAX_VALUE; // nanoseconds from a question to its answer
    private double fastest; // bytes a nanosecond
    private boolean hurried;

    SendWindow(Clock clock) {
        this.clock = clock;
    }

    /** A new connection, on which {@code sent} bytes are behind us. */
    void begin(long sent) {
        lock.lock();
        try {
            lastAsked = -1;
            asked = sent;
            confirmed = sent;
            shortest = Double.MAX_VALUE;
            fastest = 0;
        } finally {
            lock.unlock();
        }
    }

    /** Whether a piece was sent since the last question. */
    boolean due(long sent) {
        return sent - asked >= size() / PIECES; // only the asking thread writes it
    }

    /** The destination is asked {@code question} behind {@code sent} bytes. */
    void asked(int question, long sent) {
        lock.lock();
        try {
            int at = question % KEPT;
            sentThen[at] = sent;
            confirmedThen[at] = confirmed;
            askedAt[at] = clock.nanos();
            lastAsked = question;
            asked = sent;
        } finally {
            lock.unlock();
        }
    }

    /** It answered. */
    void answered(int question) {
        lock.lock();
        try {
            int at = question % KEPT;
            if (question < 0 || question > lastAsked || lastAsked - question >= KEPT || sentThen[at] <= confirmed) {
                return; // of before, or not asked
            }
            double took = Math.max(1, clock.nanos() - askedAt[at]);
            confirmed = sentThen[at];
            shortest = Math.min(shortest, took);
            fastest = Math.max(fastest, (confirmed - confirmedThen[at]) / took);
            answered.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Bytes that may be under way. */
    private long size() {
        return Math.max(FLOOR, (long) (SLACK * fastest * (shortest == Double.MAX_VALUE ? 0 : shortest)));
    }

    /** Waits until there is room behind {@code sent} bytes, somebody is in a hurry, or for a while. */
    void await(long sent) {
        long end = clock.nanos() + LONGEST_NANOS;
        lock.lock();
        try {
            while (!hurried && sent - confirmed >= size() && clock.nanos() - end < 0) {
                clock.await(answered, end - clock.nanos());
            }
            hurried = false;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            lock.unlock();
        }
    }

    /** Whether there is room behind {@code sent} bytes. */
    boolean open(long sent) {
        lock.lock();
        try {
            return sent - confirmed < size();
        } finally {
            lock.unlock();
        }
    }

    /** Whoever waits for room need not. Any thread. */
    void hurry() {
        lock.lock();
        try {
            hurried = true;
            answered.signalAll();
        } finally {
            lock.unlock();
        }
    }
}
